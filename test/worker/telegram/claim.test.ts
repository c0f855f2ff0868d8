import { describe, expect, test, vi } from 'vitest'
import { StorageRuntime, StoreError } from '../../../src/index.ts'
import { Bot } from '../../../worker/bot/bot.ts'
import { type TelegramStore, UpdateClaim } from '../../../worker/telegram/claim.ts'
import { parseUpdate } from '../../../worker/telegram/update.ts'
import { handleUpdate } from '../../../worker/telegram.ts'
import { BOT_TOKEN, FakeBotApi } from '../../../scripts/bot-api.ts'
import { textUpdate } from './support/deliver.ts'
import { KEY, taking } from './support/in-process.ts'

const on = taking()
const UPDATE = { bot: '7130201', id: 5 }
const HOUR = 3_600_000

function redeliveredAfter(seconds: number): object {
  return { status: 503, headers: { 'retry-after': String(seconds) } }
}

describe('a claim of an update', () => {
  test('is stored for 48 hours, from its first write', async () => {
    let now = Date.now()
    const clocked = new StorageRuntime(on.plugin, { now: () => now })
    const later: TelegramStore = await clocked.open('Telegram')
    const claim = await UpdateClaim.acquire(later, UPDATE)
    // The request may be killed here.
    expect((await later.record(KEY))?.expires).toBe(now + 48 * HOUR)
    await claim?.storeReplies([])
    now += 48 * HOUR - 1000
    expect(await later.get(KEY)).toEqual({ state: 'done' })
    now += 61_000
    expect(await later.get(KEY)).toBeUndefined()
  })
  test('is held by one request until it is released or its lease ends', async () => {
    const first = await UpdateClaim.acquire(on.store, UPDATE)
    await expect(UpdateClaim.acquire(on.store, UPDATE)).rejects.toMatchObject(redeliveredAfter(5))
    await first?.release()
    const second = await UpdateClaim.acquire(on.store, UPDATE)
    await second?.storeReplies(['a', 'b'])
    await expect(UpdateClaim.acquire(on.store, UPDATE)).rejects.toMatchObject(redeliveredAfter(5))
    await second?.markSent()
    const sending = { state: 'sending', messages: ['a', 'b'], sent: 1 } as const
    expect(await on.store.get(KEY)).toMatchObject(sending)
    await on.store.set(KEY, { ...sending, leaseUntil: 1, failedSends: 0, timeouts: 0 })
    const third = await UpdateClaim.acquire(on.store, UPDATE)
    expect([third?.hasReplies, third?.nextMessage]).toEqual([true, 'b'])
    await third?.markSent()
    expect(third?.nextMessage).toBeUndefined()
    expect(await UpdateClaim.acquire(on.store, UPDATE)).toBeUndefined()
  })
  test('writes nothing after its lease has ended', async () => {
    const late = await UpdateClaim.acquire(on.store, UPDATE)
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000)
    const next = await UpdateClaim.acquire(on.store, UPDATE)
    await next?.storeReplies(['kept'])
    const stored = await on.store.get(KEY)
    await expect(late?.storeReplies(['late'])).rejects.toMatchObject({ status: 503 })
    await expect(late?.finish()).rejects.toMatchObject({ status: 503 })
    await expect(late?.release()).rejects.toMatchObject({ status: 503 })
    expect(await on.store.get(KEY)).toEqual(stored)
    clock.mockRestore()
  })
  test('belongs to one bot: another bot has updates with the same ids', async () => {
    const claim = await UpdateClaim.acquire(on.store, UPDATE)
    await claim?.finish()
    expect(await UpdateClaim.acquire(on.store, UPDATE)).toBeUndefined()
    expect(await UpdateClaim.acquire(on.store, { bot: '99', id: 5 })).toBeDefined()
  })
  test('allows 10 failed sends of a message, or 3 timeouts, and counts each message separately', async () => {
    const claim = await UpdateClaim.acquire(on.store, UPDATE)
    await claim?.storeReplies(['a', 'b', 'c'])
    const failSend = (failure: { isTimeout: boolean }): unknown => {
      claim?.countFailedSend(failure)
      return claim?.mayResend
    }
    const waits: unknown[] = []
    for (let i = 0; i < 9; i++) {
      expect(failSend({ isTimeout: false })).toBe(true)
      waits.push(claim?.retrySeconds)
    }
    expect(waits).toEqual([5, 30, 300, 300, 300, 300, 300, 300, 300])
    expect(failSend({ isTimeout: false })).toBe(false)
    await claim?.markSent()
    expect([1, 2, 3].map(() => failSend({ isTimeout: true }))).toEqual([true, true, false])
    await claim?.markSent()
    expect(failSend({ isTimeout: true })).toBe(true)
  })
})

/** Makes the given number of writes fail after a message was sent to a chat. */
function afterSending(chat: number, times: number): () => boolean {
  let left = times
  return () => on.api.sent(chat).length > 0 && left-- > 0
}

describe('an update', () => {
  const busy = new StoreError('RATE_LIMITED', 'busy')
  const full = new StoreError('QUOTA_EXCEEDED', 'full')
  const unsure = new StoreError('BACKEND_ERROR', 'lost', { outcome: 'unknown' })

  test('is delivered again, without a run of the bot, if the storage fails before the claim', async () => {
    on.failing(['Telegram', busy])
    await expect(on.take('first++', 1)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(await (await on.runtime.open('Karma')).size()).toBe(0)
    await on.take('first++', 1)
    expect(on.api.texts(1)).toEqual(['first has 1 karma.'])
  })
  test.each([
    [2, busy],
    [3, unsure],
  ])(
    'is delivered again after growing delays if the storage fails while the bot runs: chat %i',
    async (chat, error) => {
      on.failing(...Array.from({ length: 4 }, (): [string, StoreError] => ['Karma', error]))
      for (const seconds of [5, 30, 300, 300]) {
        await expect(on.take('ben++', chat)).rejects.toMatchObject(redeliveredAfter(seconds))
        expect(await on.store.get(KEY)).toMatchObject({ state: 'claimed', leaseUntil: 0 })
      }
      expect(on.api.sent(chat)).toEqual([])
      await on.take('ben++', chat)
      expect(on.api.texts(chat)).toEqual(['ben has 1 karma.'])
    },
  )
  test('is dropped if the storage fails during the tenth run of the bot, and runs no more', async () => {
    on.plugin.fault = (name) => (name === 'Karma' ? busy : undefined)
    for (const seconds of [5, 30, 300, 300, 300, 300, 300, 300, 300]) {
      await expect(on.take('ben++', 18)).rejects.toMatchObject(redeliveredAfter(seconds))
    }
    await on.take('ben++', 18)
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
    on.plugin.fault = () => undefined
    await on.take('ben++', 18)
    expect([on.api.sent(18), on.logged.at(-1)]).toEqual([
      [],
      expect.stringContaining('the update is dropped'),
    ])
    expect(await (await on.runtime.open('Karma')).size()).toBe(0)
    const { value: seen } = await (await on.runtime.open('Seen')).values().next()
    expect(seen).toMatchObject({ messages: 10 })
  })
  test('is dropped if ten requests were killed while the bot ran', async () => {
    await on.store.set(KEY, { state: 'claimed', leaseUntil: 1, earlierRuns: 9 })
    await on.take('ben++', 19)
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
    expect([on.api.sent(19), on.logged]).toEqual([
      [],
      [expect.stringContaining('the update is dropped')],
    ])
  })
  test('is delivered again after the lease ends if the storage fails during a run and during the release', async () => {
    on.failing(['Seen', unsure], ['Telegram', busy])
    await expect(on.take('ben++', 4)).rejects.toMatchObject(redeliveredAfter(5))
    await expect(on.take('ben++', 4)).rejects.toMatchObject(redeliveredAfter(5))
    expect(on.api.sent(4)).toEqual([])
  })
  test('sends no reply if storing the replies fails, and does not run the bot again', async () => {
    const writes = { left: 1 }
    failWhere(() => writes.left-- <= 0 && writes.left >= -2)
    await expect(on.take('ben++', 5)).rejects.toMatchObject(redeliveredAfter(5))
    expect(on.api.sent(5)).toEqual([])
    await on.take('ben++', 5)
    expect(on.api.texts(5)).toEqual(['ben has 1 karma.'])
  })
  test('is answered if storing the replies fails once', async () => {
    const writes = { left: 1 }
    failWhere(() => writes.left-- === 0)
    await on.take('ben++', 14)
    expect(on.api.texts(14)).toEqual(['ben has 1 karma.'])
  })
  test('sends a message once if recording it as sent fails once', async () => {
    failWhere(afterSending(15, 1))
    await on.take('ben++', 15)
    expect(on.api.texts(15)).toEqual(['ben has 1 karma.'])
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
  })
  test('sends a message once even if recording it as sent fails twice', async () => {
    const lines = ['a', 'b'].map((letter) => letter.repeat(3_000))
    await on.take(`!learn long = ${lines.join('\n')}`, 17)
    await on.store.delete(KEY)
    failWhere(afterSending(16, 2))
    await expect(on.take('!long', 16)).rejects.toMatchObject({ status: 503 })
    expect(await on.store.get(KEY)).toMatchObject({ state: 'sending', sent: 1, leaseUntil: 0 })
    await on.take('!long', 16)
    expect(on.api.texts(16)).toEqual(lines)
  })
  test('is delivered again for the other messages if sending takes too long', async () => {
    const lines = ['a', 'b'].map((letter) => letter.repeat(3_000))
    await on.take(`!learn long = ${lines.join('\n')}`, 13)
    const real = Date.now.bind(Date)
    const clock = vi.spyOn(Date, 'now')
    clock.mockImplementation(() => real() + (on.api.sent(12).length > 0 ? 30_000 : 0))
    const said = parseUpdate(textUpdate(6, '!long', { chat: { id: 12 } }))
    const env = { TELEGRAM_BOT_TOKEN: BOT_TOKEN, STORAGE: 'Memory', TELEGRAM_API_ROOT: on.api.url }
    await expect(handleUpdate(said, env, on.runtime)).rejects.toMatchObject(redeliveredAfter(1))
    expect(on.api.texts(12)).toEqual(lines.slice(0, 1))
    await handleUpdate(said, env, on.runtime)
    expect(on.api.texts(12)).toEqual(lines)
    clock.mockRestore()
  })
  test('is dropped if the storage fails permanently', async () => {
    on.failing(['Seen', full])
    await on.take('ben++', 6)
    await on.take('ben++', 6)
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
    expect([on.api.sent(6), on.logged.join()]).toEqual([[], expect.stringContaining('full')])
  })
  test('is dropped if the code of the bot throws', async () => {
    vi.spyOn(Bot.prototype, 'handle').mockRejectedValueOnce(new TypeError('a mistake'))
    await on.take('!help', 7)
    await on.take('!help', 7)
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
    expect([on.api.sent(7), on.logged]).toEqual([[], [expect.stringContaining('a mistake')]])
  })
  test('is delivered again if the Bot API cannot be reached, and the token is not logged', async () => {
    const gone = await FakeBotApi.start()
    const root = gone.url
    await gone.close()
    await expect(on.take('ben++', 8, { TELEGRAM_API_ROOT: root })).rejects.toMatchObject(
      redeliveredAfter(5),
    )
    const record = { state: 'sending', leaseUntil: 0, sent: 0, failedSends: 1, timeouts: 0 }
    expect(await on.store.get(KEY)).toMatchObject(record)
    expect(on.logged.join()).toContain('sendMessage')
    expect(on.logged.join()).not.toContain(BOT_TOKEN.slice(8))
  })
  test.each([
    ['TELEGRAM_BOT_TOKEN', 'no-token'],
    ['TELEGRAM_BOT_TOKEN', '7130201:not/a/token'],
    ['TELEGRAM_API_ROOT', 'api.telegram.org'],
  ])(
    'is answered 500 if %s is %s, with the name of the setting but not its value',
    async (name, value) => {
      const wrong = await on.take('ben++', 9, { [name]: value }).catch((error: unknown) => error)
      expect(wrong).toMatchObject({ status: 500, message: expect.stringContaining(name) })
      expect(String(wrong)).not.toContain(value)
      expect(await on.store.size()).toBe(0)
    },
  )

  /** Makes the writes of records fail for which this returns true. */
  function failWhere(fails: () => boolean): void {
    on.plugin.fault = (namespace) => (namespace === 'Telegram' && fails() ? busy : undefined)
  }
})
