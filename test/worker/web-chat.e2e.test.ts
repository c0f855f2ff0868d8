import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DevServer } from '../../scripts/dev-server.ts'
import { isWebChatEnabled } from '../../worker/env.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from './support/test-servers.ts'

test.each<[boolean, unknown]>([
  [true, undefined],
  [true, 'on'],
  [false, 'off'],
  // Any other value turns it off, to be safe.
  [false, 'OFF'],
  [false, 'false'],
  [false, 'no'],
  [false, ''],
  [false, false],
  [false, null],
])('isWebChatEnabled() returns %j if WEB_CHAT is %j', (isEnabled, WEB_CHAT) => {
  const env = WEB_CHAT === undefined ? {} : { WEB_CHAT: WEB_CHAT as string }
  expect(isWebChatEnabled(env)).toBe(isEnabled)
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

describe('with WEB_CHAT = "off"', () => {
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

  test('/api/messages does not exist, with or without the token', async () => {
    const nothing = await ask(off, '/api/nothing')
    expect(nothing).toEqual([404, null, { error: 'Not found.' }])
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

  test('/api/storages returns chat: false, otherwise true', async () => {
    const [, , closed] = await ask(off, '/api/storages')
    const [, , open] = await ask(on, '/api/storages')
    expect(closed).toMatchObject({ chat: false, admin: true })
    expect(open).toEqual({ ...(closed as object), chat: true })
    expect(await say(on)).toMatchObject([200, null, { replies: ['bob has 1 karma.'] }])
  })

  test('the page, the admin API and Telegram still work', async () => {
    expect((await fetch(off.url)).status).toBe(200)
    const [found] = await ask(off, '/admin/storage/Karma', { headers: bearer })
    expect(found).toBe(200)
    const replayed = await ask(off, '/api/replay', {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/json' },
      body: JSON.stringify({ room: 'r', events: [] }),
    })
    expect(replayed[0]).toBe(200)
    // 401, because the request lacks the webhook's secret.
    const [asked] = await ask(off, '/telegram', { method: 'POST' })
    expect(asked).toBe(401)
  })
})
