import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DevServer } from '../../scripts/dev-server.ts'
import { talksOverWeb } from '../../worker/env.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from './support/test-servers.ts'

test.each<[boolean, unknown]>([
  [true, undefined],
  [true, 'on'],
  [false, 'off'],
  // Whoever wrote these meant to close it, or nobody knows what he meant.
  [false, 'OFF'],
  [false, 'false'],
  [false, 'no'],
  [false, ''],
  [false, false],
  [false, null],
])('the bot talks over the web: %j, if WEB_CHAT is %j', (talks, WEB_CHAT) => {
  const env = WEB_CHAT === undefined ? {} : { WEB_CHAT: WEB_CHAT as string }
  expect(talksOverWeb(env)).toBe(talks)
})

async function ask(server: DevServer, path: string, init: RequestInit = {}): Promise<unknown[]> {
  const reply = await fetch(new URL(path, server.url), init)
  return [reply.status, reply.headers.get('allow'), await reply.json()]
}

function say(server: DevServer, headers: Record<string, string> = {}): Promise<unknown[]> {
  return ask(server, '/api/messages', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ room: 'r', user: 'ann', text: 'bob++' }),
  })
}

describe('where WEB_CHAT is off', () => {
  const servers = new TestServers()
  let off: DevServer
  let on: DevServer

  beforeAll(async () => {
    const telegram = { TELEGRAM_BOT_TOKEN: '1:x', TELEGRAM_WEBHOOK_SECRET: 'secret' }
    ;[off, on] = await Promise.all([
      servers.start(await servers.folder(), TOKEN, { variables: { WEB_CHAT: 'off', ...telegram } }),
      servers.start(await servers.folder(), TOKEN),
    ])
  }, STARTS_WITHIN)
  afterAll(() => servers.stop(), 20_000)

  const bearer = { authorization: `Bearer ${TOKEN}` }

  test('there is no address for messages, whoever asks and however', async () => {
    const nothing = await ask(off, '/api/nothing')
    expect(nothing).toEqual([404, null, { error: 'There is nothing here.' }])
    expect(await say(off)).toEqual(nothing)
    expect(await say(off, bearer)).toEqual(nothing)
    expect(await say(off, { authorization: 'Bearer wrong' })).toEqual(nothing)
    expect(await ask(off, '/api/messages')).toEqual(nothing)
    expect(await ask(off, '/admin/namespaces', { headers: bearer })).toMatchObject([
      200,
      null,
      { namespaces: [] },
    ])
  })

  test('the Worker says so, and else that it talks', async () => {
    const [, , closed] = await ask(off, '/api/storages')
    const [, , open] = await ask(on, '/api/storages')
    expect(closed).toMatchObject({ chat: false, admin: true })
    expect(open).toEqual({ ...(closed as object), chat: true })
    expect(await say(on)).toMatchObject([200, null, { replies: ['bob has 1 karma.'] }])
  })

  test('the page, the operator and Telegram are served as ever', async () => {
    expect((await fetch(off.url)).status).toBe(200)
    const [found] = await ask(off, '/admin/storage/Karma', { headers: bearer })
    expect(found).toBe(200)
    const replayed = await ask(off, '/api/replay', {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/json' },
      body: JSON.stringify({ room: 'r', events: [] }),
    })
    expect(replayed[0]).toBe(200)
    // It asks for the secret that Telegram shows.
    const [asked] = await ask(off, '/telegram', { method: 'POST' })
    expect(asked).toBe(401)
  })
})
