import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { StorageRuntime, StoreError } from '../../src/index.ts'
import { type TelegramStore, UpdateClaim } from '../../worker/telegram/claim.ts'
import { inMessages } from '../../worker/telegram/in-messages.ts'
import { nickOf } from '../../worker/telegram/nick.ts'
import { readUpdate } from '../../worker/telegram/update.ts'
import { takeUpdate } from '../../worker/telegram.ts'
import { BOT_TOKEN, BotApiServer } from '../../scripts/bot-api.ts'
import { textUpdate } from './telegram/deliver.ts'
import { FaultyStoragePlugin } from './telegram/faulty.ts'

let api: BotApiServer
let plugin: FaultyStoragePlugin
let runtime: StorageRuntime
let store: TelegramStore
let logged: string[]

beforeAll(async () => {
  api = await BotApiServer.start()
})
afterAll(() => api.close())

beforeEach(async () => {
  plugin = new FaultyStoragePlugin()
  runtime = new StorageRuntime(plugin)
  store = await runtime.open('Telegram')
  logged = []
  vi.spyOn(console, 'error').mockImplementation((...words) => void logged.push(words.join(' ')))
  return () => void vi.restoreAllMocks()
})

describe('the messages of an answer', () => {
  test.each<[string, string[], string[]]>([
    ['nothing', [], []],
    ['blanks, which Telegram refuses', [' ', '\n', ''], []],
    ['several lines in one', ['a', 'b\nc', 'd'], ['a\nb\nc\nd']],
    ['the longest line whole', ['x'.repeat(4096)], ['x'.repeat(4096)]],
    ['a longer line in two', ['x'.repeat(4097)], ['x'.repeat(4096), 'x']],
    [
      'lines cut between them',
      ['x'.repeat(4000), 'y'.repeat(95), 'z'],
      [`${'x'.repeat(4000)}\n${'y'.repeat(95)}`, 'z'],
    ],
    ['no half characters', [`x${'😀'.repeat(2048)}`], [`x${'😀'.repeat(2047)}`, '😀']],
    ['what came as half a character whole', ['a\ud800b'], ['a\ufffdb']],
  ])('are: %s', (_rule, replies, messages) => {
    expect(inMessages(replies)).toEqual(messages)
  })
  test('are 20 at most, and the last says that more was cut', () => {
    const lines = Array.from({ length: 20 }, (_, i) => String(i % 10).repeat(4096))
    expect(inMessages(lines)).toEqual(lines)
    const cut = inMessages([...lines, 'more'])
    expect(cut).toHaveLength(20)
    expect(cut.slice(0, 19)).toEqual(lines.slice(0, 19))
    expect(cut[19]).toMatch(/^9+\nThis answer is longer; the rest was cut\.$/)
    expect(cut[19]).toHaveLength(4096)
  })
})

test.each<[Record<string, unknown>, string]>([
  [{ username: 'ann', first_name: 'Ann' }, 'ann'],
  [{ first_name: 'Ann Lee' }, 'Ann Lee'],
  [{ title: 'Ubuntu' }, 'Ubuntu'],
  [{ first_name: 'eve\nroot has 9 karma.' }, 'eve root has 9 karma.'],
  [{ first_name: '\u202eeve\u2066\u0000' }, 'eve'],
  [{ first_name: '\u3164\u200b' }, '7'],
  [{ first_name: '' }, '7'],
  [{ first_name: '😀'.repeat(40) }, '😀'.repeat(32)],
  [{ first_name: '__proto__' }, '__proto__'],
  [{}, '7'],
])('a name shows on one line, or is the id: %j', (sender, nick) => {
  expect(nickOf(7, sender)).toBe(nick)
})

describe('a claim of an update', () => {
  test('is kept for 48 hours, and no longer', async () => {
    let now = Date.now()
    const clocked = new StorageRuntime(plugin, { now: () => now })
    const later: TelegramStore = await clocked.open('Telegram')
    const claim = await UpdateClaim.take(later, 5)
    await claim?.keep([])
    expect(await later.get('update:5')).toEqual({ state: 'done' })
    now += 48 * 3_600_000 - 1000
    expect(await later.get('update:5')).toEqual({ state: 'done' })
    now += 61_000
    expect(await later.get('update:5')).toBeUndefined()
  })
  test('is one request’s alone, until it is released or its time is over', async () => {
    const held = { status: 503, headers: { 'retry-after': '5' } }
    const first = await UpdateClaim.take(store, 5)
    await expect(UpdateClaim.take(store, 5)).rejects.toMatchObject(held)
    await first?.release()
    expect(await store.get('update:5')).toBeUndefined()
    const second = await UpdateClaim.take(store, 5)
    await second?.keep(['a', 'b'])
    await expect(UpdateClaim.take(store, 5)).rejects.toMatchObject(held)
    await second?.countSent()
    const sending = { state: 'sending', messages: ['a', 'b'], sent: 1 } as const
    expect(await store.get('update:5')).toMatchObject(sending)
    await store.set('update:5', { ...sending, until: 1 })
    const third = await UpdateClaim.take(store, 5)
    expect([third?.hasActed, third?.next]).toEqual([true, 'b'])
    await third?.countSent()
    expect(third?.next).toBeUndefined()
    expect(await UpdateClaim.take(store, 5)).toBeUndefined()
  })
  test('whose time is over writes nothing more', async () => {
    const late = await UpdateClaim.take(store, 5)
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000)
    const next = await UpdateClaim.take(store, 5)
    await next?.keep(['kept'])
    const now = await store.get('update:5')
    await expect(late?.keep(['late'])).rejects.toMatchObject({ status: 503 })
    await expect(late?.finish()).rejects.toMatchObject({ status: 503 })
    await late?.release()
    expect(await store.get('update:5')).toEqual(now)
    clock.mockRestore()
  })
})

/** The writes in these namespaces, one each in this order, fail. */
function failing(...faults: readonly [namespace: string, error: StoreError][]): void {
  const left = [...faults]
  plugin.fault = (namespace) => (namespace === left[0]?.[0] ? left.shift()?.[1] : undefined)
}

describe('an update, when the storage fails', () => {
  const busy = new StoreError('RATE_LIMITED', 'busy')
  const full = new StoreError('QUOTA_EXCEEDED', 'full')
  const unsure = new StoreError('BACKEND_ERROR', 'lost', { outcome: 'unknown' })
  const env = { TELEGRAM_BOT_TOKEN: BOT_TOKEN, STORAGE: 'Memory' }

  function take(text: string, chat: number, more: Record<string, unknown> = {}): Promise<void> {
    const update = readUpdate(textUpdate(5, text, { chat: { id: chat } }))
    return takeUpdate(update, { ...env, TELEGRAM_API_ROOT: api.url, ...more }, runtime)
  }

  test('before it is claimed, is brought again, and nothing was done', async () => {
    failing(['Telegram', busy])
    await expect(take('first++', 1)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(await (await runtime.open('Karma')).size()).toBe(0)
    await take('first++', 1)
    expect(api.texts(1)).toEqual(['first has 1 karma.'])
  })
  test.each([busy, unsure])('as the bot acts, is brought again at once: %s', async (error) => {
    failing(['Seen', error])
    const chat = error === busy ? 2 : 3
    await expect(take('ben++', chat)).rejects.toMatchObject({ code: error.code })
    expect([await store.size(), api.sent(chat)]).toEqual([0, []])
    await take('ben++', chat)
    expect(api.texts(chat)).toEqual(['ben has 1 karma.'])
  })
  test('as the bot acts and the claim is released, is brought again when it ends', async () => {
    failing(['Seen', unsure], ['Telegram', busy])
    await expect(take('ben++', 4)).rejects.toMatchObject({ code: 'BACKEND_ERROR' })
    await expect(take('ben++', 4)).rejects.toMatchObject({ status: 503 })
    expect(api.sent(4)).toEqual([])
  })
  test('before the answer is stored, sends none', async () => {
    let writes = 0
    plugin.fault = (namespace) => (namespace === 'Telegram' && ++writes === 2 ? busy : undefined)
    await expect(take('ben++', 5)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(api.sent(5)).toEqual([])
  })
  test('not, but the answer takes too long to be sent, is brought again for the rest', async () => {
    const lines = ['a', 'b'].map((letter) => letter.repeat(3_000))
    await take(`!learn long = ${lines.join('\n')}`, 13)
    const real = Date.now.bind(Date)
    const clock = vi.spyOn(Date, 'now')
    clock.mockImplementation(() => real() + (api.sent(12).length > 0 ? 30_000 : 0))
    const said = readUpdate(textUpdate(6, '!long', { chat: { id: 12 } }))
    const configured = { ...env, TELEGRAM_API_ROOT: api.url }
    await expect(takeUpdate(said, configured, runtime)).rejects.toMatchObject({ status: 503 })
    expect(api.texts(12)).toEqual(lines.slice(0, 1))
    await takeUpdate(said, configured, runtime)
    expect(api.texts(12)).toEqual(lines)
    clock.mockRestore()
  })
  test('for good, is not brought for ever', async () => {
    failing(['Seen', full])
    await take('ben++', 6)
    await take('ben++', 6)
    expect(await store.get('update:5')).toEqual({ state: 'done' })
    expect([api.sent(6), logged.join()]).toEqual([[], expect.stringContaining('full')])
  })
  test('or our own code, is not brought for ever', async () => {
    await take('!help', 7, { BOT_ADMINS: 5 })
    await take('!help', 7)
    expect(await store.get('update:5')).toEqual({ state: 'done' })
    expect([api.sent(7), logged.length]).toEqual([[], 1])
  })
  test('not, but the Bot API cannot be reached, is brought again, and no token is told', async () => {
    const gone = await BotApiServer.start()
    const root = gone.url
    await gone.close()
    const unreached = take('ben++', 8, { TELEGRAM_API_ROOT: root })
    await expect(unreached).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
    expect(await store.get('update:5')).toMatchObject({ state: 'sending', until: 0, sent: 0 })
    expect(logged.join()).toContain('sendMessage')
    expect(logged.join()).not.toContain(BOT_TOKEN.slice(8))
  })
  test.each([
    ['TELEGRAM_BOT_TOKEN', 'no-token'],
    ['TELEGRAM_BOT_TOKEN', '7130201:not/a/token'],
    ['TELEGRAM_API_ROOT', 'api.telegram.org'],
  ])('not, but %s is %s, says which, and not what it is', async (name, value) => {
    const wrong = await take('ben++', 9, { [name]: value }).catch((error: unknown) => error)
    expect(wrong).toMatchObject({ status: 500, message: expect.stringContaining(name) })
    expect(String(wrong)).not.toContain(value)
    expect(await store.size()).toBe(0)
  })
  test('not, but Telegram does not tell the bot its name, is not taken for another’s', async () => {
    api.trouble('getMe', { status: 502, description: 'Bad Gateway' })
    await expect(take('!help@shelf_test_bot', 10)).rejects.toMatchObject({ status: 503 })
    expect(await store.size()).toBe(0)
    await take('!help@shelf_test_bot', 10)
    expect(api.sent(10)).toHaveLength(1)
  })
  test('not, but the token is another bot’s, is not taken for that of the bot before', async () => {
    await take('!help@shelf_test_bot', 11)
    expect(api.sent(11)).toHaveLength(1)
    await store.delete('update:5')
    // The server knows no such bot, and does not tell its name.
    await take('!help@shelf_test_bot', 11, { TELEGRAM_BOT_TOKEN: '99:another' })
    expect(api.sent(11)).toHaveLength(1)
  })
})
