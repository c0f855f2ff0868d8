import { describe, expect, test, vi } from 'vitest'
import { BOT_TOKEN } from '../../../scripts/bot-api.ts'
import { KEY, taking } from './support/in-process.ts'

const on = taking()

function redeliveredAfter(seconds: number): object {
  return { status: 503, headers: { 'retry-after': String(seconds) } }
}

function refused(status: number, description: string): { status: number; description: string } {
  return { status, description }
}

/** A text that the bot answers with three messages. */
async function threeMessages(): Promise<{ ask: string; texts: readonly string[] }> {
  const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(3_000))
  await on.take(`!learn long = ${texts.join('\n')}`, 1)
  await on.store.delete(KEY)
  return { ask: '!long', texts }
}

describe('a message that Telegram rejects', () => {
  test('is skipped, and the other two are sent', async () => {
    const { ask, texts } = await threeMessages()
    on.api.failNext(2, undefined, refused(400, 'Bad Request: unsupported'))
    await on.take(ask, 2)
    expect(on.api.texts(2)).toEqual(texts)
    expect(on.api.sent(2).map(({ status }) => status)).toEqual([200, 400, 200])
    expect(on.logged).toEqual([expect.stringContaining('unsupported')])
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
  })
  test('because the bot may not write to the chat ends the reply', async () => {
    const { ask } = await threeMessages()
    on.api.failNext(3, undefined, refused(403, 'Forbidden: bot was kicked'))
    await on.take(ask, 3)
    expect(on.api.sent(3).map(({ status }) => status)).toEqual([200, 403])
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
  })
  test.each([
    [10, 401, 'Unauthorized'],
    [11, 404, 'Not Found'],
  ])(
    'because the token is wrong is delivered again every 10 minutes: chat %i, status %i',
    async (chat, status, words) => {
      on.api.failNext(chat, ...Array.from({ length: 12 }, () => refused(status, words)))
      for (let i = 0; i < 12; i++) {
        await expect(on.take('ben++', chat)).rejects.toMatchObject(redeliveredAfter(600))
      }
      expect(on.logged).toHaveLength(12)
      expect(on.logged[0]).toContain(words)
      await on.take('ben++', chat)
      expect(on.api.sent(chat).at(-1)).toMatchObject({ status: 200 })
    },
  )
  test('is sent to the supergroup that replaced the group', async () => {
    const { ask, texts } = await threeMessages()
    on.api.failNext(-40, { ...refused(400, 'group chat was upgraded'), movedTo: -100_040 })
    await on.take(ask, -40)
    expect(on.api.texts(-40)).toEqual(texts.slice(0, 1))
    expect(on.api.texts(-100_040)).toEqual(texts)
  })
  test('is sent to the new supergroup without retries', async () => {
    const { ask } = await threeMessages()
    on.api.failNext(-43, { ...refused(400, 'group chat was upgraded'), movedTo: -100_043 })
    on.api.failNext(-100_043, { ...refused(429, 'Too Many Requests'), retryAfter: 1 })
    await expect(on.take(ask, -43)).rejects.toMatchObject(redeliveredAfter(1))
    expect(on.api.sent(-100_043)).toHaveLength(1)
  })
  test('is delivered again if the answer for the new supergroup is not one of the Bot API', async () => {
    on.api.failNext(-44, { ...refused(400, 'group chat was upgraded'), movedTo: -100_044 })
    on.api.failNext(-100_044, { status: 200, json: null })
    await expect(on.take('ben++', -44)).rejects.toMatchObject(redeliveredAfter(5))
    expect(on.logged).toEqual([expect.stringContaining("is not one of Telegram's Bot API")])
  })
  test('is not sent back and forth between two groups that each name the other', async () => {
    on.api.failNext(-41, { ...refused(400, 'upgraded'), movedTo: -42 })
    on.api.failNext(-42, { ...refused(400, 'upgraded'), movedTo: -41 })
    await on.take('ben++', -41)
    expect([on.api.sent(-41), on.api.sent(-42)]).toMatchObject([{ length: 1 }, { length: 1 }])
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
  })
  test.each([
    [20, 502],
    [21, 408],
  ])('10 times is not sent again: chat %i, status %i', async (chat, status) => {
    on.api.failNext(chat, ...Array.from({ length: 11 }, () => refused(status, 'later')))
    for (const seconds of [5, 30, 300, 300, 300, 300, 300, 300, 300]) {
      await expect(on.take('ben++', chat)).rejects.toMatchObject(redeliveredAfter(seconds))
    }
    await on.take('ben++', chat)
    await on.take('ben++', chat)
    expect(on.api.sent(chat)).toHaveLength(10)
    expect(on.logged.at(-1)).toContain('it is not sent again')
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
  })
  test('is not sent again after three timeouts', async () => {
    on.api.failNext(22, refused(502, 'later'), 'hang')
    await expect(on.take('ben++', 22)).rejects.toMatchObject(redeliveredAfter(5))
    const record = await on.store.get(KEY)
    if (record?.state !== 'sending') throw new Error('There is no reply to send.')
    await on.store.set(KEY, { ...record, failedSends: 2, timeouts: 2 })
    await on.take('ben++', 22)
    expect(on.api.sent(22)).toHaveLength(2)
    expect(on.logged.at(-1)).toContain('it is not sent again')
    expect(await on.store.get(KEY)).toEqual({ state: 'done' })
  }, 20_000)
})

describe('an invalid answer of the server', () => {
  test.each<[number, unknown]>([
    [30, null],
    [31, []],
    [32, 'x'],
    [33, { ok: false }],
    [34, { ok: false, error_code: '400', description: 'x' }],
    [35, { ok: true }],
    [36, { result: {} }],
  ])('does not lose what was to be sent: %i %j', async (chat, json) => {
    on.api.failNext(chat, { status: 200, json })
    await expect(on.take('ben++', chat)).rejects.toMatchObject(redeliveredAfter(5))
    expect(on.logged).toEqual([expect.stringContaining('sendMessage')])
    await on.take('ben++', chat)
    expect(on.api.texts(chat)).toEqual(['ben has 1 karma.', 'ben has 1 karma.'])
  })
  test('to getMe gives no username', async () => {
    for (const json of [{ ok: true, result: {} }, null]) {
      on.api.failNext('getMe', { status: 200, json })
      await expect(on.take('!help@shelf_test_bot', 37)).rejects.toMatchObject(redeliveredAfter(30))
    }
    expect(await on.store.size()).toBe(0)
  })
  test.each<[number, unknown, number]>([
    [50, 'abc', 5],
    [51, '40', 5],
    [52, null, 5],
    [53, 'x\ny', 5],
    [54, 1e12, 3600],
    [55, 40.5, 41],
    [56, 3600, 3600],
  ])('to when to come again is a time all the same: %i %j', async (chat, retryAfter, seconds) => {
    const flood = { ...refused(429, 'Too Many Requests'), retryAfter }
    on.api.failNext(chat, flood)
    await expect(on.take('ben++', chat)).rejects.toMatchObject(redeliveredAfter(seconds))
    expect(on.api.sent(chat)).toHaveLength(1)
  })
  test('with a negative wait does not cause a retry without a pause', async () => {
    const pauses = vi.spyOn(globalThis, 'setTimeout')
    const flood = { ...refused(429, 'Too Many Requests'), retryAfter: -5 }
    on.api.failNext(57, flood, flood, flood)
    await expect(on.take('ben++', 57)).rejects.toMatchObject(redeliveredAfter(1))
    expect(on.api.sent(57)).toHaveLength(3)
    const waited = pauses.mock.calls.map(([, pause]) => pause)
    expect(waited.filter((pause) => pause === 1000)).toHaveLength(2)
  })
  test('is logged as one short line', async () => {
    const forged = `Bad Request\r\n[admin] ${'x'.repeat(100_000)}\u2028`
    on.api.failNext(58, refused(400, forged))
    await on.take('ben++', 58)
    expect(on.logged).toHaveLength(1)
    expect(on.logged[0]).toMatch(/^Telegram refused sendMessage: 400, Bad Request \[admin\] x+$/)
    expect(on.logged[0]?.length).toBeLessThanOrEqual(500)
  })
})

describe('the username of the bot', () => {
  test('that Telegram does not return does not match another bot’s', async () => {
    on.api.failNext('getMe', refused(502, 'Bad Gateway'))
    await expect(on.take('!help@shelf_test_bot', 60)).rejects.toMatchObject(redeliveredAfter(30))
    expect(await on.store.size()).toBe(0)
    await on.take('!help@shelf_test_bot', 60)
    expect(on.api.sent(60)).toHaveLength(1)
  })
  test('belongs to the token: another token means another name', async () => {
    await on.take('!help@shelf_test_bot', 61)
    expect(on.api.sent(61)).toHaveLength(1)
    // The server does not know this bot and does not return a name.
    const other = on.take('!help@shelf_test_bot', 61, { TELEGRAM_BOT_TOKEN: '99:another' })
    await expect(other).rejects.toMatchObject(redeliveredAfter(600))
    expect(on.api.sent(61)).toHaveLength(1)
    expect(on.logged.join()).not.toContain(BOT_TOKEN.slice(8))
  })
})

test('a direct message to a channel is answered there', async () => {
  on.api.makeDirect(-100_070)
  await on.takeDirect('ben++', -100_070, 77)
  expect(on.api.sent(-100_070)).toMatchObject([
    { status: 200, body: { direct_messages_topic_id: 77, text: 'ben has 1 karma.' } },
  ])
  expect(on.api.sent(-100_070)[0]?.body).not.toHaveProperty('message_thread_id')
})
