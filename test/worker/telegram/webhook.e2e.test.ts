import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { BOT_NAME, BOT_TOKEN, FakeBotApi } from '../../../scripts/bot-api.ts'
import { deliver, SECRET, stored, textUpdate, update, UPDATES } from './support/deliver.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../support/test-servers.ts'

const servers = new TestServers()
const lines: string[] = []
let api: FakeBotApi
let main: DevServer
let kv: DevServer
let closed: DevServer
let nextId = 900_000_000
let nextChat = 70_000

beforeAll(async () => {
  api = await FakeBotApi.start()
  const variables = {
    TELEGRAM_BOT_TOKEN: BOT_TOKEN,
    TELEGRAM_WEBHOOK_SECRET: SECRET,
    TELEGRAM_API_ROOT: api.url,
  }
  // As a dashboard gives them: as text.
  const onKV = {
    STORAGE: 'CloudflareKV',
    STORAGE_CONFIG: '{"binding":"BOT_KV"}',
    BOT_ADMINS: 'telegram:4343, telegram:4344',
  }
  const { TELEGRAM_WEBHOOK_SECRET: _, ...withoutSecret } = variables
  ;[main, kv, closed] = await Promise.all([
    servers.start(await servers.folder(), TOKEN, { variables, onLine }),
    servers.start(await servers.folder(), TOKEN, { variables: { ...variables, ...onKV }, onLine }),
    servers.start(await servers.folder(), TOKEN, { variables: withoutSecret, onLine }),
  ])
}, STARTS_WITHIN)

afterAll(async () => {
  await servers.stop()
  await api.close()
}, 20_000)

function onLine(line: string): void {
  lines.push(line)
}

/** Under what an update for the bot is stored. */
function key(id: number): string {
  return `update:7130201:${id}`
}

/** Somebody says something in a chat of his own; resolves to what he is answered. */
async function say(
  text: string,
  more: Parameters<typeof textUpdate>[2] = {},
  server: DevServer = main,
): Promise<unknown[]> {
  const chat = nextChat++
  const said = textUpdate(nextId++, text, { chat: { id: chat }, ...more })
  expect(await deliver(server, said)).toEqual({ status: 200, retryAfter: null, error: undefined })
  return api.texts(chat)
}

/** Somebody says something on the page; resolves to what is answered. */
async function sayOverWeb(
  room: string,
  text: string,
  user = 'eve',
): Promise<Record<string, unknown>> {
  const response = await fetch(new URL('/api/messages', main.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room, user, text }),
  })
  return (await response.json()) as Record<string, unknown>
}

describe('the webhook', () => {
  test('does not exist without a secret', async () => {
    const init = { headers: { 'x-telegram-bot-api-secret-token': '' } }
    expect((await fetch(new URL('/telegram', closed.url), init)).status).toBe(404)
    for (const secret of ['', 'undefined', SECRET]) {
      const headers = { 'x-telegram-bot-api-secret-token': secret }
      expect(await deliver(closed, textUpdate(nextId++, 'hi'), headers)).toMatchObject({
        status: 404,
        error: 'Not found.',
      })
    }
  })

  const odd = { from: { username: 'refused' }, chat: { id: 66_000 } }
  const good = JSON.stringify(textUpdate(880_000_001, '!help', odd))
  test.each<[number, string, string, Record<string, string>]>([
    [401, 'secret', good, { 'x-telegram-bot-api-secret-token': '' }],
    [401, 'secret', good, { 'x-telegram-bot-api-secret-token': `${SECRET}x` }],
    [401, 'secret', '{', { 'x-telegram-bot-api-secret-token': 'wrong', 'content-type': 'a/b' }],
    [415, 'Send JSON', good, { 'content-type': 'text/plain' }],
    [413, 'at most 1048576 bytes', good.padEnd(1024 * 1024 + 1), {}],
    [400, 'not JSON', '{"update_id":', {}],
    [400, 'must be a JSON object', '[]', {}],
    [400, '"update_id"', '{"message":{}}', {}],
    [400, '"update_id"', good.replace('880000001', '"880000001"'), {}],
    [400, '"update_id"', good.replace('880000001', '1.5'), {}],
    [400, '"update_id"', good.replace('880000001', '-1'), {}],
    [400, '"message"', '{"update_id":880000001,"message":"!help"}', {}],
    [400, '"message"', good.replace('"date"', '"dated"'), {}],
    [400, '"message"', good.replace('"chat"', '"cat"'), {}],
    [400, '"callback_query"', '{"update_id":880000001,"callback_query":{}}', {}],
  ])('refuses what Telegram does not send, and does nothing: %i %s', async (...given) => {
    const [status, sentence, body, headers] = given
    const before = api.calls.length
    expect(await deliver(main, body, headers)).toMatchObject({
      status,
      error: expect.stringContaining(sentence),
    })
    expect(await stored(main, 'Seen')).not.toHaveProperty('refused')
    expect(await stored(main, 'Telegram')).not.toHaveProperty([key(880_000_001)])
    expect(api.calls).toHaveLength(before)
  })
  test('takes nothing but POST', async () => {
    expect((await fetch(new URL('/telegram', main.url))).status).toBe(405)
  })
})

describe('an update', () => {
  const AT = 1767355200_000
  const ann = { nick: 'ann_lee', messages: 1, at: AT, kind: 'message' }
  const heard: Record<string, Record<string, unknown>> = {
    'private-text': { ann_lee: { ...ann, room: 'telegram:501', text: '' } },
    'private-command': { ann_lee: { ...ann, room: 'telegram:501', text: '' } },
    'group-text': { ann_lee: { ...ann, room: 'telegram:-4001', text: 'hello group' } },
    'topic-text': { ann_lee: { ...ann, room: 'telegram:-1001500000001', text: 'hello topic' } },
    'reply-chain-text': { ann_lee: { ...ann, room: 'telegram:-1001500000002', text: 'me' } },
    'photo-caption': { ann_lee: { ...ann, room: 'telegram:-4001', text: 'a caption' } },
    'photo-caption-command': {
      ann_lee: { ...ann, room: 'telegram:-4001', text: '!learn shot = a picture' },
    },
    'channel-post': {
      ubuntu_news: {
        ...ann,
        nick: 'ubuntu_news',
        room: 'telegram:-1001700000001',
        text: 'hello readers',
      },
    },
    'anonymous-admin': {
      'ubuntu-offtopic-0002': {
        ...ann,
        nick: 'Ubuntu-offtopic-0002',
        room: 'telegram:-1001500000002',
        text: 'hello from nobody',
      },
    },
    'on-behalf-of-channel': {
      ubuntu_news: {
        ...ann,
        nick: 'ubuntu_news',
        room: 'telegram:-1001500000002',
        text: 'hello from a channel',
      },
    },
    'no-username': {
      'zoë-☃-0503': { ...ann, nick: 'Zoë-☃-0503', room: 'telegram:503', text: '' },
    },
  }

  test.each(UPDATES)('of this kind is heard as it should be, or not at all: %s', async (name) => {
    const seen = await stored(main, 'Seen')
    const karma = await stored(main, 'Karma')
    const id = nextId++
    expect(await deliver(main, update(name, id))).toMatchObject({ status: 200 })
    const now = await stored(main, 'Seen')
    const changed = Object.keys(now).filter(
      (nick) => JSON.stringify(now[nick]) !== JSON.stringify(seen[nick]),
    )
    const expected = heard[name] ?? {}
    expect(changed).toEqual(Object.keys(expected))
    for (const [nick, sighting] of Object.entries(expected)) {
      expect(now[nick]).toEqual({ ...(sighting as object), messages: expect.any(Number) })
    }
    expect(await stored(main, 'Karma')).toEqual(karma)
    const record = (await stored(main, 'Telegram'))[key(id)]
    expect(record).toEqual(name in heard ? { state: 'done' } : undefined)
  })
  test('that is the press of a button is answered, so that the client stops waiting', async () => {
    const before = api.calls.length
    expect(await deliver(main, update('callback-query', nextId++))).toMatchObject({ status: 200 })
    const calls = api.calls.slice(before)
    const query = { callback_query_id: '2151767355200000001' }
    expect(calls).toEqual([
      { method: 'answerCallbackQuery', token: BOT_TOKEN, body: query, answered: 200 },
    ])
    // A client gives up waiting by itself; it is not worth a delivery again and again.
    for (const trouble of [
      { status: 502, html: '<h1>Bad Gateway</h1>' },
      { status: 400, description: 'Bad Request: too old' },
    ]) {
      api.trouble('answerCallbackQuery', trouble)
      expect(await deliver(main, update('callback-query', nextId++))).toMatchObject({ status: 200 })
    }
  })
})

describe('a person', () => {
  test('is known by his id, whatever he calls himself', async () => {
    await say('!todo add milk', { from: { id: 601, username: 'milkman' } })
    expect(await say('!todo', { from: { id: 601, username: 'renamed' } })).toEqual(['1. milk'])
    expect(await say('!todo', { from: { id: 602, username: 'milkman' } })).toEqual([
      'Your list is empty.',
    ])
    const list = { next: 2, items: [{ id: 1, text: 'milk' }] }
    expect(await stored(main, 'Todo')).toEqual({ 'telegram:601': list })
  })
  test('is an admin by his id alone', async () => {
    const [plugins] = await say('!plugins', { from: { id: 4242 } })
    expect(plugins).toContain('Karma: counts')
    const refused = ['Only an admin may use !plugins.']
    for (const name of ['telegram:4242', '4242', 'operator']) {
      expect(await say('!plugins', { from: { username: name, first_name: name } })).toEqual(refused)
    }
    // Neither the stand-in nor the author of an anonymous message is who speaks.
    const group = { id: -100_777, title: 'A group', type: 'supergroup' }
    const from = { id: 4242, is_bot: true, username: 'GroupAnonymousBot' }
    expect(await say('!plugins', { from, sender_chat: group })).toEqual(refused)
  })
  test('of Telegram is nobody over the web', async () => {
    const { replies } = await sayOverWeb('r', '!plugins', 'telegram:4242')
    expect(replies).toEqual(['Only an admin may use !plugins.'])
  })
  test('is an admin if text, which is all that a dashboard gives, names him', async () => {
    for (const id of [4343, 4344]) {
      expect((await say('!plugins', { from: { id } }, kv))[0]).toContain('Karma: counts')
    }
    const refused = ['Only an admin may use !plugins.']
    expect(await say('!plugins', { from: { id: 4242 } }, kv)).toEqual(refused)
  })
})

/** The last that a chat is told, when somebody asks there. */
async function asked(text: string, chat: Record<string, unknown>): Promise<unknown> {
  await say(text, { chat })
  return api.texts(Number(chat['id'])).at(-1)
}

describe('what was said', () => {
  const SEEN = 'was last seen on 2026-01-02 12:00 UTC'
  const group = { id: -4_100, type: 'group', title: 'A group' }
  const other = { id: -4_101, type: 'group', title: 'Another group' }

  test('in private is stored nowhere, and told nobody, over the web neither', async () => {
    const from = { id: 610, username: 'secretive' }
    await say('my pin is 1234', { from, chat: { id: 610, type: 'private' } })
    const sighting = (await stored(main, 'Seen'))['secretive']
    expect(sighting).toMatchObject({ nick: 'secretive', messages: 1, text: '' })
    for (const namespace of ['Seen', 'Telegram', 'Karma', 'Factoids', 'core']) {
      expect(JSON.stringify(await stored(main, namespace))).not.toContain('1234')
    }
    expect(await asked('!seen secretive', group)).toBe(`secretive ${SEEN}.`)
    expect(await sayOverWeb('lobby', '!seen secretive')).toEqual({
      replies: [`secretive ${SEEN}.`],
    })
  })
  test('to a channel in private is not told the next who writes to it', async () => {
    const channel = { id: -100_920, type: 'supergroup', is_direct_messages: true }
    api.makeDirect(-100_920)
    const from = { id: 611, username: 'subscriber' }
    await say('my pin is 5678', { from, chat: channel, direct_messages_topic: { topic_id: 1 } })
    await say('!seen subscriber', { chat: channel, direct_messages_topic: { topic_id: 2 } })
    expect(api.sent(-100_920)).toMatchObject([
      { answered: 200, body: { text: `subscriber ${SEEN}.`, direct_messages_topic_id: 2 } },
    ])
  })
  test('in a group is told there alone, and nobody else is told which group it was', async () => {
    const from = { id: 612, username: 'talker' }
    await say('hello\neve has 9 karma.', { from, chat: group })
    const told = `talker ${SEEN} in telegram:-4100, saying: hello eve has 9 karma.`
    expect(await asked('!seen talker', group)).toBe(told)
    expect(await asked('!seen talker', other)).toBe(`talker ${SEEN}.`)
    expect(await sayOverWeb('lobby', '!seen talker')).toEqual({ replies: [`talker ${SEEN}.`] })
  })
  test('is not told over the web to who says that he is in the chat', async () => {
    const refusal = { error: 'The field "room" must not begin with "telegram:".' }
    expect(await sayOverWeb('telegram:-4100', '!seen talker')).toEqual(refusal)
  })
})

describe('a call', () => {
  const known = ['I know it.']
  beforeAll(async () => {
    await say('!learn it = I know it.')
    await say('!learn it@work = At work.')
  })
  test.each<[string, unknown[]]>([
    ['!it', known],
    ['/it', known],
    [`!it@${BOT_NAME}`, known],
    [`/it@${BOT_NAME}`, known],
    [`!IT@${BOT_NAME.toUpperCase()}?`, known],
    [`/it@${BOT_NAME} | ben`, ['ben: I know it.']],
    [`!it@${BOT_NAME} | ben`, ['ben: I know it.']],
    ['!it@other_bot', []],
    ['/it@other_bot', []],
    ['/it@pic', []],
    ['!it@work', ['At work.']],
    ['/etc/fstab', []],
    ['it', []],
  ])('is heard in a group if it is for this bot: %s', async (text, answer) => {
    // Telegram marks no command in a path.
    const marked = { entities: [{ offset: 0, length: 4, type: 'italic' }] }
    expect(await say(text, text.startsWith('/etc') ? marked : {})).toEqual(answer)
  })
  test('of /start is answered with the commands there are', async () => {
    expect(await say('/start from-a-link')).toEqual(await say('!help'))
    expect((await say('/start'))[0]).toContain('!todo')
  })
  test('for another bot is not stored', async () => {
    const id = nextId
    await say('!it@other_bot', { from: { username: 'not_for_us' } })
    expect(await stored(main, 'Seen')).not.toHaveProperty('not_for_us')
    expect(await stored(main, 'Telegram')).not.toHaveProperty([key(id)])
  })
  test('by name asks Telegram for the name once, not each time', async () => {
    await say(`!it@${BOT_NAME}`)
    expect(api.calls.filter(({ method }) => method === 'getMe')).toHaveLength(1)
    expect(await stored(main, 'Telegram')).toMatchObject({ 'username:7130201': BOT_NAME })
  })
})

describe('an answer', () => {
  test('is plain text without a preview, in the same topic', async () => {
    const chat = { id: -100_888, type: 'supergroup', is_forum: true }
    const inTopic = { chat, is_topic_message: true, message_thread_id: 17 }
    await say('!learn link = <b>see</b> https://example.com *now*', inTopic)
    await say('!link', { chat, message_thread_id: 5 })
    expect(api.sent(-100_888).map(({ body }) => body)).toEqual([
      {
        chat_id: -100_888,
        text: 'I will remember "link".',
        message_thread_id: 17,
        link_preview_options: { is_disabled: true },
      },
      {
        chat_id: -100_888,
        text: '<b>see</b> https://example.com *now*',
        link_preview_options: { is_disabled: true },
      },
    ])
  })
  test('of several lines is one message', async () => {
    const texts = await say('ann++ bob++')
    expect(texts).toEqual(['ann has 1 karma.\nbob has 1 karma.'])
  })
  test('to 20 messages at once counts every one of them', async () => {
    const texts = await Promise.all(Array.from({ length: 20 }, () => say('twenty++')))
    expect((await stored(main, 'Karma'))['twenty']).toBe(20)
    const counts = texts.map(([text]) => Number(/\d+/.exec(String(text))?.[0]))
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })
  test('that is long comes in messages that Telegram takes', async () => {
    const factoid = 'é'.repeat(3_900)
    for (let i = 0; i < 4; i++) await say(`!learn long${i} = ${factoid}`)
    const texts = await say('!backup', { from: { id: 4242 } })
    expect(texts.length).toBeGreaterThan(3)
    for (let i = 0; i < 4; i++) {
      expect(texts.join('\n')).toMatch(new RegExp(`"long${i}".*${factoid}`))
    }
    for (let i = 0; i < 4; i++) await say(`!forget long${i}`)
  })
})

describe.each(['DurableObject', 'CloudflareKV'])('on %s, an update', (storage) => {
  const server = (): DevServer => (storage === 'DurableObject' ? main : kv)
  const karma = async (nick: string): Promise<unknown> => (await stored(server(), 'Karma'))[nick]
  const record = async (id: number): Promise<unknown> =>
    (await stored(server(), 'Telegram'))[key(id)]

  /** An update whose answer meets trouble; `again` brings it again. */
  function troubled(nick: string, ...troubles: Parameters<FakeBotApi['trouble']>[1][]) {
    const [chat, id] = [nextChat++, nextId++]
    const body = textUpdate(id, `${nick}++`, { chat: { id: chat } })
    api.trouble(chat, ...troubles)
    return { chat, id, again: () => deliver(server(), body) }
  }

  test('is answered', async () => {
    expect(await say('!learn kept = yes', {}, server())).toEqual(['I will remember "kept".'])
    expect(await say('!kept', {}, server())).toEqual(['yes'])
  })
  test('that is delivered twice acts once', async () => {
    const { chat, id, again } = troubled('twice')
    for (let i = 0; i < 3; i++) expect(await again()).toMatchObject({ status: 200 })
    expect(await karma('twice')).toBe(1)
    expect(api.texts(chat)).toEqual(['twice has 1 karma.'])
    expect(await record(id)).toEqual({ state: 'done' })
  })
  test('whose answer Telegram will take later is answered then, without acting again', async () => {
    const flood = { status: 429, description: 'Too Many Requests: retry after 40', retryAfter: 40 }
    const { chat, id, again } = troubled(
      'later',
      flood,
      { status: 502, html: '<h1>Bad' },
      'hang up',
    )
    expect(await again()).toMatchObject({ status: 503, retryAfter: '40' })
    expect(await record(id)).toMatchObject({ state: 'sending', messages: ['later has 1 karma.'] })
    expect(await again()).toMatchObject({ status: 503, retryAfter: '5' })
    expect(await again()).toMatchObject({ status: 503, retryAfter: '30' })
    await say('later++', {}, server())
    expect(await again()).toMatchObject({ status: 200 })
    expect(api.texts(chat)).toEqual(Array.from({ length: 4 }, () => 'later has 1 karma.'))
    expect(await karma('later')).toBe(2)
    expect(await again()).toMatchObject({ status: 200 })
    expect(api.sent(chat)).toHaveLength(4)
    expect(await record(id)).toEqual({ state: 'done' })
  })
  test('whose answer Telegram will never take is done with', async () => {
    for (const [status, description] of [
      [403, 'Forbidden: bot was blocked by the user'],
      [400, 'Bad Request: chat not found'],
    ] as const) {
      const { chat, id, again } = troubled('never', { status, description })
      expect(await again()).toMatchObject({ status: 200 })
      expect(await again()).toMatchObject({ status: 200 })
      expect(api.sent(chat)).toHaveLength(1)
      expect(await record(id)).toEqual({ state: 'done' })
      await vi.waitFor(() => expect(lines.join('\n')).toContain(description))
    }
    expect(await karma('never')).toBe(2)
  })
})

describe('on DurableObject, an update', () => {
  test('whose answer is wanted a little later waits for it', async () => {
    const chat = nextChat++
    const short = { status: 429, description: 'Too Many Requests: retry after 1', retryAfter: 1 }
    api.trouble(chat, short)
    const body = textUpdate(nextId++, 'short++', { chat: { id: chat } })
    expect(await deliver(main, body)).toMatchObject({ status: 200 })
    expect(api.texts(chat)).toEqual(['short has 1 karma.', 'short has 1 karma.'])
  })
  test('is worked on by one delivery at a time, and a server that hangs is given up', async () => {
    const [chat, id] = [nextChat++, nextId++]
    api.trouble(chat, 'hang')
    const body = textUpdate(id, 'slow++', { chat: { id: chat } })
    const first = deliver(main, body)
    await vi.waitFor(() => expect(api.sent(chat)).toHaveLength(1), 10_000)
    expect(await deliver(main, body)).toMatchObject({ status: 503, retryAfter: '5' })
    expect(api.sent(chat)).toHaveLength(1)
    expect(await first).toMatchObject({ status: 503, retryAfter: '5' })
    const record = (await stored(main, 'Telegram'))[key(id)]
    expect(record).toMatchObject({ state: 'sending', tries: 1, timeouts: 1 })
    expect(await deliver(main, body)).toMatchObject({ status: 200 })
    expect(api.texts(chat)).toEqual(['slow has 1 karma.', 'slow has 1 karma.'])
    expect(await stored(main, 'Karma')).toMatchObject({ slow: 1 })
  })
  test('10 times at once acts once', async () => {
    const [chat, id] = [nextChat++, nextId++]
    const body = textUpdate(id, 'storm++', { chat: { id: chat } })
    const all = await Promise.all(Array.from({ length: 10 }, () => deliver(main, body)))
    for (const { status } of all) expect([200, 503]).toContain(status)
    expect(all.map(({ status }) => status)).toContain(200)
    expect(await stored(main, 'Karma')).toMatchObject({ storm: 1 })
    expect(api.texts(chat)).toEqual(['storm has 1 karma.'])
  })
  test('sends what is left of a long answer, and no message twice', async () => {
    const chat = nextChat++
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(3_000))
    for (const [i, text] of texts.entries()) {
      await say(`!todo add ${text}`, { from: { id: 700 } })
      texts[i] = `${i + 1}. ${text}`
    }
    api.trouble(chat, undefined, { status: 500, description: 'Internal Server Error' })
    const body = textUpdate(nextId++, '!todo', { from: { id: 700 }, chat: { id: chat } })
    expect(await deliver(main, body)).toMatchObject({ status: 503 })
    expect(api.texts(chat)).toEqual(texts.slice(0, 2))
    expect(await deliver(main, body)).toMatchObject({ status: 200 })
    expect(api.texts(chat)).toEqual([texts[0], texts[1], texts[1], texts[2]])
  })
})

test('the token is never written down', async () => {
  const secret = BOT_TOKEN.slice(BOT_TOKEN.indexOf(':') + 1)
  const chat = nextChat++
  api.trouble(chat, { status: 400, description: `Bad Request: ${BOT_TOKEN}` })
  await deliver(main, textUpdate(nextId++, 'said++', { chat: { id: chat } }))
  await vi.waitFor(() => expect(lines.join('\n')).toContain('Bad Request: 7130201:...'))
  expect(lines.join('\n')).not.toContain(secret)
  expect(lines.join('\n')).not.toContain(SECRET)
  for (const server of [main, kv]) {
    expect(JSON.stringify(await stored(server, 'Telegram'))).not.toContain(secret)
  }
})
