import { describe, expect, test, vi } from 'vitest'
import { BOT_TOKEN, type FakeBotApi } from '../../../scripts/bot-api.ts'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { deliver, SECRET, stored, textUpdate } from './support/deliver.ts'
import { updateKey, useTelegramServers } from './support/telegram-servers.ts'

const servers = useTelegramServers()

describe.each(['DurableObject', 'CloudflareKV'])('on %s, an update', (storage) => {
  const server = (): DevServer => (storage === 'DurableObject' ? servers.main : servers.kv)
  const karma = async (nick: string): Promise<unknown> => (await stored(server(), 'Karma'))[nick]
  const record = async (id: number): Promise<unknown> =>
    (await stored(server(), 'Telegram'))[updateKey(id)]

  /** Creates an update whose reply fails in the given ways; `deliverUpdate` delivers it. */
  function updateWithFailures(nick: string, ...failures: Parameters<FakeBotApi['failNext']>[1][]) {
    const [chat, id] = [servers.nextChat(), servers.nextId()]
    const body = textUpdate(id, `${nick}++`, { chat: { id: chat } })
    servers.api.failNext(chat, ...failures)
    return { chat, id, deliverUpdate: () => deliver(server(), body) }
  }

  test('is answered with a reply', async () => {
    expect(await servers.say('!learn kept = yes', {}, server())).toEqual([
      'I will remember "kept".',
    ])
    expect(await servers.say('!kept', {}, server())).toEqual(['yes'])
  })
  test('that is delivered twice runs the bot once', async () => {
    const { chat, id, deliverUpdate } = updateWithFailures('twice')
    for (let i = 0; i < 3; i++) expect(await deliverUpdate()).toMatchObject({ status: 200 })
    expect(await karma('twice')).toBe(1)
    expect(servers.api.texts(chat)).toEqual(['twice has 1 karma.'])
    expect(await record(id)).toEqual({ state: 'done' })
  })
  test('whose reply Telegram accepts later is answered then, without running the bot again', async () => {
    const flood = { status: 429, description: 'Too Many Requests: retry after 40', retryAfter: 40 }
    const { chat, id, deliverUpdate } = updateWithFailures(
      'later',
      flood,
      { status: 502, html: '<h1>Bad' },
      'hang up',
    )
    expect(await deliverUpdate()).toMatchObject({ status: 503, retryAfter: '40' })
    expect(await record(id)).toMatchObject({ state: 'sending', messages: ['later has 1 karma.'] })
    expect(await deliverUpdate()).toMatchObject({ status: 503, retryAfter: '5' })
    expect(await deliverUpdate()).toMatchObject({ status: 503, retryAfter: '30' })
    await servers.say('later++', {}, server())
    expect(await deliverUpdate()).toMatchObject({ status: 200 })
    expect(servers.api.texts(chat)).toEqual(Array.from({ length: 4 }, () => 'later has 1 karma.'))
    expect(await karma('later')).toBe(2)
    expect(await deliverUpdate()).toMatchObject({ status: 200 })
    expect(servers.api.sent(chat)).toHaveLength(4)
    expect(await record(id)).toEqual({ state: 'done' })
  })
  test('whose reply Telegram will never accept is finished', async () => {
    for (const [status, description] of [
      [403, 'Forbidden: bot was blocked by the user'],
      [400, 'Bad Request: chat not found'],
    ] as const) {
      const { chat, id, deliverUpdate } = updateWithFailures('never', { status, description })
      expect(await deliverUpdate()).toMatchObject({ status: 200 })
      expect(await deliverUpdate()).toMatchObject({ status: 200 })
      expect(servers.api.sent(chat)).toHaveLength(1)
      expect(await record(id)).toEqual({ state: 'done' })
      await vi.waitFor(() => expect(servers.lines.join('\n')).toContain(description))
    }
    expect(await karma('never')).toBe(2)
  })
})

describe('on DurableObject, an update', () => {
  test('waits if Telegram asks to retry after a second', async () => {
    const chat = servers.nextChat()
    const short = { status: 429, description: 'Too Many Requests: retry after 1', retryAfter: 1 }
    servers.api.failNext(chat, short)
    const body = textUpdate(servers.nextId(), 'short++', { chat: { id: chat } })
    expect(await deliver(servers.main, body)).toMatchObject({ status: 200 })
    expect(servers.api.texts(chat)).toEqual(['short has 1 karma.', 'short has 1 karma.'])
  })
  test('is handled by one delivery at a time, and a call that hangs times out', async () => {
    const [chat, id] = [servers.nextChat(), servers.nextId()]
    servers.api.failNext(chat, 'hang')
    const body = textUpdate(id, 'slow++', { chat: { id: chat } })
    const first = deliver(servers.main, body)
    await vi.waitFor(() => expect(servers.api.sent(chat)).toHaveLength(1), 10_000)
    expect(await deliver(servers.main, body)).toMatchObject({ status: 503, retryAfter: '5' })
    expect(servers.api.sent(chat)).toHaveLength(1)
    expect(await first).toMatchObject({ status: 503, retryAfter: '5' })
    const record = (await stored(servers.main, 'Telegram'))[updateKey(id)]
    expect(record).toMatchObject({ state: 'sending', failedSends: 1, timeouts: 1 })
    expect(await deliver(servers.main, body)).toMatchObject({ status: 200 })
    expect(servers.api.texts(chat)).toEqual(['slow has 1 karma.', 'slow has 1 karma.'])
    expect(await stored(servers.main, 'Karma')).toMatchObject({ slow: 1 })
  })
  test('delivered 10 times at once runs the bot once', async () => {
    const [chat, id] = [servers.nextChat(), servers.nextId()]
    const body = textUpdate(id, 'storm++', { chat: { id: chat } })
    const all = await Promise.all(Array.from({ length: 10 }, () => deliver(servers.main, body)))
    for (const { status } of all) expect([200, 503]).toContain(status)
    expect(all.map(({ status }) => status)).toContain(200)
    expect(await stored(servers.main, 'Karma')).toMatchObject({ storm: 1 })
    expect(servers.api.texts(chat)).toEqual(['storm has 1 karma.'])
  })
  test('sends the rest of a long reply after a failure, and no message twice', async () => {
    const chat = servers.nextChat()
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(3_000))
    for (const [i, text] of texts.entries()) {
      await servers.say(`!todo add ${text}`, { from: { id: 700 } })
      texts[i] = `${i + 1}. ${text}`
    }
    servers.api.failNext(chat, undefined, { status: 500, description: 'Internal Server Error' })
    const body = textUpdate(servers.nextId(), '!todo', { from: { id: 700 }, chat: { id: chat } })
    expect(await deliver(servers.main, body)).toMatchObject({ status: 503 })
    expect(servers.api.texts(chat)).toEqual(texts.slice(0, 2))
    expect(await deliver(servers.main, body)).toMatchObject({ status: 200 })
    expect(servers.api.texts(chat)).toEqual([texts[0], texts[1], texts[1], texts[2]])
  })
})

test('the token is neither logged nor stored', async () => {
  const secret = BOT_TOKEN.slice(BOT_TOKEN.indexOf(':') + 1)
  const chat = servers.nextChat()
  servers.api.failNext(chat, { status: 400, description: `Bad Request: ${BOT_TOKEN}` })
  await deliver(servers.main, textUpdate(servers.nextId(), 'said++', { chat: { id: chat } }))
  await vi.waitFor(() => expect(servers.lines.join('\n')).toContain('Bad Request: 7130201:...'))
  expect(servers.lines.join('\n')).not.toContain(secret)
  expect(servers.lines.join('\n')).not.toContain(SECRET)
  for (const server of [servers.main, servers.kv]) {
    expect(JSON.stringify(await stored(server, 'Telegram'))).not.toContain(secret)
  }
})
