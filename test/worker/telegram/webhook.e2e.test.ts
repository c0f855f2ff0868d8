import { beforeAll, describe, expect, test } from 'vitest'
import { BOT_NAME, BOT_TOKEN } from '../../../scripts/bot-api.ts'
import { deliver, SECRET, stored, textUpdate, update, UPDATES } from './support/deliver.ts'
import { updateKey, useTelegramServers } from './support/telegram-servers.ts'

const servers = useTelegramServers()

/** Sends a message over the web API; resolves to the response. */
async function postMessage(
  room: string,
  text: string,
  user = 'eve',
): Promise<Record<string, unknown>> {
  const response = await fetch(new URL('/api/messages', servers.main.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room, user, text }),
  })
  return (await response.json()) as Record<string, unknown>
}

describe('the webhook', () => {
  test('does not exist without a secret', async () => {
    const init = { headers: { 'x-telegram-bot-api-secret-token': '' } }
    expect((await fetch(new URL('/telegram', servers.withoutSecret.url), init)).status).toBe(404)
    for (const secret of ['', 'undefined', SECRET]) {
      const headers = { 'x-telegram-bot-api-secret-token': secret }
      expect(
        await deliver(servers.withoutSecret, textUpdate(servers.nextId(), 'hi'), headers),
      ).toMatchObject({
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
  ])(
    'a request that Telegram would not send is refused and has no effect: %i %s',
    async (...given) => {
      const [status, sentence, body, headers] = given
      const before = servers.api.calls.length
      expect(await deliver(servers.main, body, headers)).toMatchObject({
        status,
        error: expect.stringContaining(sentence),
      })
      expect(await stored(servers.main, 'Seen')).not.toHaveProperty('refused')
      expect(await stored(servers.main, 'Telegram')).not.toHaveProperty([updateKey(880_000_001)])
      expect(servers.api.calls).toHaveLength(before)
    },
  )
  test('accepts only POST', async () => {
    expect((await fetch(new URL('/telegram', servers.main.url))).status).toBe(405)
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

  test.each(UPDATES)('of this kind is handled or ignored as intended: %s', async (name) => {
    const seen = await stored(servers.main, 'Seen')
    const karma = await stored(servers.main, 'Karma')
    const id = servers.nextId()
    expect(await deliver(servers.main, update(name, id))).toMatchObject({ status: 200 })
    const now = await stored(servers.main, 'Seen')
    const changed = Object.keys(now).filter(
      (nick) => JSON.stringify(now[nick]) !== JSON.stringify(seen[nick]),
    )
    const expected = heard[name] ?? {}
    expect(changed).toEqual(Object.keys(expected))
    for (const [nick, sighting] of Object.entries(expected)) {
      expect(now[nick]).toEqual({ ...(sighting as object), messages: expect.any(Number) })
    }
    expect(await stored(servers.main, 'Karma')).toEqual(karma)
    const record = (await stored(servers.main, 'Telegram'))[updateKey(id)]
    expect(record).toEqual(name in heard ? { state: 'done' } : undefined)
  })
  test('for a pressed button is acknowledged, so that the client stops waiting', async () => {
    const before = servers.api.calls.length
    expect(await deliver(servers.main, update('callback-query', servers.nextId()))).toMatchObject({
      status: 200,
    })
    const calls = servers.api.calls.slice(before)
    const query = { callback_query_id: '2151767355200000001' }
    expect(calls).toEqual([
      { method: 'answerCallbackQuery', token: BOT_TOKEN, body: query, status: 200 },
    ])
    // The client stops waiting after a while, so another delivery is not worth it.
    for (const trouble of [
      { status: 502, html: '<h1>Bad Gateway</h1>' },
      { status: 400, description: 'Bad Request: too old' },
    ]) {
      servers.api.failNext('answerCallbackQuery', trouble)
      expect(await deliver(servers.main, update('callback-query', servers.nextId()))).toMatchObject(
        { status: 200 },
      )
    }
  })
})

describe('a user', () => {
  test('is identified by id, not by name', async () => {
    await servers.say('!todo add milk', { from: { id: 601, username: 'milkman' } })
    expect(await servers.say('!todo', { from: { id: 601, username: 'renamed' } })).toEqual([
      '1. milk',
    ])
    expect(await servers.say('!todo', { from: { id: 602, username: 'milkman' } })).toEqual([
      'Your list is empty.',
    ])
    const list = { next: 2, items: [{ id: 1, text: 'milk' }] }
    expect(await stored(servers.main, 'Todo')).toEqual({ 'telegram:601': list })
  })
  test('is an admin by id only', async () => {
    const [plugins] = await servers.say('!plugins', { from: { id: 4242 } })
    expect(plugins).toContain('Karma: counts')
    const refused = ['Only an admin may use !plugins.']
    for (const name of ['telegram:4242', '4242', 'operator']) {
      expect(await servers.say('!plugins', { from: { username: name, first_name: name } })).toEqual(
        refused,
      )
    }
    // The sender of an anonymous message is the group, not the placeholder user or the author.
    const group = { id: -100_777, title: 'A group', type: 'supergroup' }
    const from = { id: 4242, is_bot: true, username: 'GroupAnonymousBot' }
    expect(await servers.say('!plugins', { from, sender_chat: group })).toEqual(refused)
  })
  test('cannot be impersonated over the web', async () => {
    const { replies } = await postMessage('r', '!plugins', 'telegram:4242')
    expect(replies).toEqual(['Only an admin may use !plugins.'])
  })
  test('is an admin if BOT_ADMINS names them as text, the form of the dashboard', async () => {
    for (const id of [4343, 4344]) {
      expect((await servers.say('!plugins', { from: { id } }, servers.kv))[0]).toContain(
        'Karma: counts',
      )
    }
    const refused = ['Only an admin may use !plugins.']
    expect(await servers.say('!plugins', { from: { id: 4242 } }, servers.kv)).toEqual(refused)
  })
})

/** Resolves to the last reply in a chat after a request there. */
async function asked(text: string, chat: Record<string, unknown>): Promise<unknown> {
  await servers.say(text, { chat })
  return servers.api.texts(Number(chat['id'])).at(-1)
}

describe('a message', () => {
  const SEEN = 'was last seen on 2026-01-02 12:00 UTC'
  const group = { id: -4_100, type: 'group', title: 'A group' }
  const other = { id: -4_101, type: 'group', title: 'Another group' }

  test('in a private chat is neither stored nor shown to others, also not over the web', async () => {
    const from = { id: 610, username: 'secretive' }
    await servers.say('my pin is 1234', { from, chat: { id: 610, type: 'private' } })
    const sighting = (await stored(servers.main, 'Seen'))['secretive']
    expect(sighting).toMatchObject({ nick: 'secretive', messages: 1, text: '' })
    for (const namespace of ['Seen', 'Telegram', 'Karma', 'Factoids', 'core']) {
      expect(JSON.stringify(await stored(servers.main, namespace))).not.toContain('1234')
    }
    expect(await asked('!seen secretive', group)).toBe(`secretive ${SEEN}.`)
    expect(await postMessage('lobby', '!seen secretive')).toEqual({
      replies: [`secretive ${SEEN}.`],
    })
  })
  test('in the direct messages of a channel is not shown to the next sender', async () => {
    const channel = { id: -100_920, type: 'supergroup', is_direct_messages: true }
    servers.api.makeDirect(-100_920)
    const from = { id: 611, username: 'subscriber' }
    await servers.say('my pin is 5678', {
      from,
      chat: channel,
      direct_messages_topic: { topic_id: 1 },
    })
    await servers.say('!seen subscriber', { chat: channel, direct_messages_topic: { topic_id: 2 } })
    expect(servers.api.sent(-100_920)).toMatchObject([
      { status: 200, body: { text: `subscriber ${SEEN}.`, direct_messages_topic_id: 2 } },
    ])
  })
  test('in a group is shown only there, and the group is not named elsewhere', async () => {
    const from = { id: 612, username: 'talker' }
    await servers.say('hello\neve has 9 karma.', { from, chat: group })
    const told = `talker ${SEEN} in telegram:-4100, saying: hello eve has 9 karma.`
    expect(await asked('!seen talker', group)).toBe(told)
    expect(await asked('!seen talker', other)).toBe(`talker ${SEEN}.`)
    expect(await postMessage('lobby', '!seen talker')).toEqual({ replies: [`talker ${SEEN}.`] })
  })
  test('is not shown over the web to a user who names the chat as their room', async () => {
    const refusal = { error: 'The field "room" must not begin with "telegram:".' }
    expect(await postMessage('telegram:-4100', '!seen talker')).toEqual(refusal)
  })
})

describe('a command', () => {
  const known = ['I know it.']
  beforeAll(async () => {
    await servers.say('!learn it = I know it.')
    await servers.say('!learn it@work = At work.')
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
  ])('is handled if it is for this bot: %s', async (text, answer) => {
    // Telegram does not mark a path as a command.
    const marked = { entities: [{ offset: 0, length: 4, type: 'italic' }] }
    expect(await servers.say(text, text.startsWith('/etc') ? marked : {})).toEqual(answer)
  })
  test('/start is answered with the list of commands', async () => {
    expect(await servers.say('/start from-a-link')).toEqual(await servers.say('!help'))
    expect((await servers.say('/start'))[0]).toContain('!todo')
  })
  test('for another bot is not stored', async () => {
    const id = servers.nextId()
    const request = textUpdate(id, '!it@other_bot', { from: { username: 'not_for_us' } })
    expect(await deliver(servers.main, request)).toMatchObject({ status: 200 })
    expect(await stored(servers.main, 'Seen')).not.toHaveProperty('not_for_us')
    expect(await stored(servers.main, 'Telegram')).not.toHaveProperty([updateKey(id)])
  })
  test('that addresses the bot by name requests the name from Telegram once', async () => {
    await servers.say(`!it@${BOT_NAME}`)
    expect(servers.api.calls.filter(({ method }) => method === 'getMe')).toHaveLength(1)
    expect(await stored(servers.main, 'Telegram')).toMatchObject({ 'username:7130201': BOT_NAME })
  })
})

describe('a reply', () => {
  test('is plain text without a link preview, in the same topic', async () => {
    const chat = { id: -100_888, type: 'supergroup', is_forum: true }
    const inTopic = { chat, is_topic_message: true, message_thread_id: 17 }
    await servers.say('!learn link = <b>see</b> https://example.com *now*', inTopic)
    await servers.say('!link', { chat, message_thread_id: 5 })
    expect(servers.api.sent(-100_888).map(({ body }) => body)).toEqual([
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
    const texts = await servers.say('ann++ bob++')
    expect(texts).toEqual(['ann has 1 karma.\nbob has 1 karma.'])
  })
  test('to each of 20 concurrent messages counts all of them', async () => {
    const texts = await Promise.all(Array.from({ length: 20 }, () => servers.say('twenty++')))
    expect((await stored(servers.main, 'Karma'))['twenty']).toBe(20)
    const counts = texts.map(([text]) => Number(/\d+/.exec(String(text))?.[0]))
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })
  test('that is long is split into messages that Telegram accepts', async () => {
    const factoid = 'é'.repeat(3_900)
    for (let i = 0; i < 4; i++) await servers.say(`!learn long${i} = ${factoid}`)
    const texts = await servers.say('!backup', { from: { id: 4242 } })
    expect(texts.length).toBeGreaterThan(3)
    for (let i = 0; i < 4; i++) {
      expect(texts.join('\n')).toMatch(new RegExp(`"long${i}".*${factoid}`))
    }
    for (let i = 0; i < 4; i++) await servers.say(`!forget long${i}`)
  })
})
