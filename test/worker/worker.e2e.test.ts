import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DevServer } from '../../scripts/dev-server.ts'
import { decode } from '../../src/codec.ts'
import { STARTS_WITHIN, STORAGES, TestServers, TOKEN } from './support/test-servers.ts'

const servers = new TestServers()
let main: DevServer
let open: DevServer
let mainState: string

beforeAll(async () => {
  mainState = await servers.folder()
  const openState = await servers.folder()
  ;[main, open] = await Promise.all([servers.start(mainState, TOKEN), servers.start(openState)])
}, STARTS_WITHIN)

afterAll(() => servers.stop(), 20_000)

interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: { error?: string; replies?: string[]; entries?: Record<string, string> }
}

async function call(server: DevServer, path: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(new URL(path, server.url), init)
  const body = (await response.json()) as Reply['body']
  return { status: response.status, headers: response.headers, body }
}

function post(
  server: DevServer,
  body: unknown,
  headers: Record<string, string> = {},
  path = '/api/messages',
): Promise<Reply> {
  return call(server, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

const bearer = { authorization: `Bearer ${TOKEN}` }

async function say(
  server: DevServer,
  text: string,
  storage?: string,
  headers: Record<string, string> = {},
): Promise<readonly string[] | undefined> {
  const { status, body } = await post(server, { room: 'r', user: 'ann', text, storage }, headers)
  expect(body.error).toBeUndefined()
  expect(status).toBe(200)
  return body.replies
}

async function entries(
  server: DevServer,
  namespace: string,
  storage = 'DurableObject',
): Promise<Record<string, string> | undefined> {
  const path = `/admin/storage/${encodeURIComponent(namespace)}?storage=${storage}`
  return (await call(server, path, { headers: bearer })).body.entries
}

describe('POST /api/messages', () => {
  test('uses the Durable Object by default', async () => {
    expect(await say(main, '!learn answered = yes')).toEqual(['I will remember "answered".'])
    expect(await say(main, '!answered | bob', 'DurableObject')).toEqual(['bob: yes'])
    expect((await say(main, '!answered', 'CloudflareKV'))?.[0]).toContain('I do not know')
    expect(await say(main, 'hello')).toEqual([])
  })
  test('accepts any text, room and user', async () => {
    const user = '__proto__'
    const texts = [
      'bob++',
      '!todo add x',
      '!todo',
      '!__proto__',
      '!x\ud800',
      '\u0000',
      '!seen \ud800',
    ]
    for (const storage of STORAGES) {
      for (const text of texts) {
        expect(await post(main, { room: 'r', user, text, storage })).toMatchObject({ status: 200 })
        const odd = { room: '\ud800', user: 'half \ud800', text, storage }
        expect(await post(main, odd)).toMatchObject({ status: 200 })
      }
      expect(await entries(main, 'Seen', storage)).toHaveProperty(['__proto__'])
    }
  })
  test('counts 100 concurrent messages as 100 on the Durable Object', async () => {
    await Promise.all(Array.from({ length: 100 }, () => say(main, '!at-once')))
    expect(decode((await entries(main, 'Factoids'))?.['at-once'] ?? '')).toEqual({ asked: 100 })
  }, 30_000)
})

describe('the page', () => {
  test('has a content security policy that allows only its own files, and obeys it', async () => {
    const page = await fetch(main.url)
    // A link loads nothing.
    const html = (await page.text()).replaceAll(/<a href="https:[^"]+">/g, '<a>')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/)
    expect(policy).not.toContain('unsafe')
    expect(html).toContain('role="log"')
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|https?:/)
    for (const [, file] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await fetch(new URL(file ?? '', main.url))).status).toBe(200)
    }
    // Only the page's own files are served.
    for (const path of ['/_headers', '/tsconfig.json', '/wrangler.toml', '/../index.ts']) {
      expect((await fetch(new URL(path, main.url))).status).toBe(404)
    }
  })
})

describe('an invalid request is refused with one error message and stores nothing', () => {
  const good = { room: 'r', user: 'bad', text: '!bad' }
  test.each<[number, string, unknown, Record<string, string>]>([
    [415, 'Send JSON', good, { 'content-type': 'text/plain' }],
    [413, 'at most 32768 bytes', { ...good, text: '!bad é'.padEnd(20_000, 'é') }, {}],
    [
      400,
      '"text" is too long: it has 4097 characters, at most 4096',
      { ...good, text: '!bad'.padEnd(4097, 'é') },
      {},
    ],
    [400, 'not JSON', '{"room":', {}],
    [400, 'not JSON', '', {}],
    [400, 'must be a JSON object', [good], {}],
    [400, '"room" is missing', { user: 'bad', text: '!bad' }, {}],
    [400, '"user" is missing', { room: 'r', text: '!bad' }, {}],
    [400, '"text" is missing', { room: 'r', user: 'bad' }, {}],
    [400, '"text" must be a string', { ...good, text: 1 }, {}],
    [400, '"user" must be a string', { ...good, user: null }, {}],
    [400, '"user" is empty', { ...good, user: ' ' }, {}],
    [400, '"room" is empty', { ...good, room: '' }, {}],
    [400, '"text" is empty', { ...good, text: '' }, {}],
    [
      400,
      '"user" is too long: it has 65 characters, at most 64',
      { ...good, user: 'u'.repeat(65) },
      {},
    ],
    [
      400,
      '"room" is too long: it has 129 characters, at most 128',
      { ...good, room: 'r'.repeat(129) },
      {},
    ],
    [400, 'Unknown field "admin"', { ...good, admin: true }, {}],
    [
      400,
      'Unknown field "__proto__"',
      '{"room":"r","user":"bad","text":"!bad","__proto__":{}}',
      {},
    ],
    [400, 'one of: DurableObject, CloudflareKV', { ...good, storage: 'Memory' }, {}],
    [400, 'one of: DurableObject, CloudflareKV', { ...good, storage: 'toString' }, {}],
    [400, 'one of: DurableObject, CloudflareKV', { ...good, storage: null }, {}],
    [401, 'not the admin token', good, { authorization: 'Bearer wrong' }],
    [401, 'Send the header "authorization: Bearer', good, { authorization: TOKEN }],
  ])('%i: %s', async (status, sentence, body, headers) => {
    const reply = await post(main, body, headers)
    expect(reply.status).toBe(status)
    expect(Object.keys(reply.body)).toEqual(['error'])
    expect(reply.body.error).toContain(sentence)
  })
  test('405 with allow for another method', async () => {
    const reply = await call(main, '/api/messages')
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST'])
  })
  test('413 for a body without a length', async () => {
    const stream = new Blob([JSON.stringify({ ...good, text: '!bad'.padEnd(40_000) })]).stream()
    const init = { method: 'POST', body: stream, duplex: 'half' } as RequestInit
    const headers = { 'content-type': 'application/json' }
    expect((await call(main, '/api/messages', { ...init, headers })).status).toBe(413)
  })
  test('404 for a path without a route', async () => {
    for (const path of [
      '/api',
      '/api/messages/',
      '/admin/storage/',
      '/admin/storage/a/b',
      '/admin',
    ]) {
      expect((await call(main, path, { headers: bearer })).status).toBe(404)
    }
  })
  test('none of these requests stores anything', async () => {
    for (const storage of STORAGES) {
      expect(await entries(main, 'Seen', storage)).not.toHaveProperty('bad')
      expect(await entries(main, 'Factoids', storage)).not.toHaveProperty('bad')
    }
  })
})

describe('the operator', () => {
  test('is an admin only with the token', async () => {
    expect(await say(main, '!plugins')).toEqual(['Only an admin may use !plugins.'])
    expect((await say(main, '!plugins', undefined, bearer))?.join()).toContain('Karma')
  })
  test('reads in !storage that KV may lose updates', async () => {
    const text = (await say(main, '!storage', 'CloudflareKV', bearer))?.join('\n')
    expect(text).toContain('CloudflareKV holds:')
    expect(text).toContain('may lose one')
    expect((await say(main, '!storage', 'DurableObject', bearer))?.join()).not.toContain('lose')
  })
  test('reads a namespace', async () => {
    await say(main, '!learn read = me')
    const read = decode((await entries(main, 'Factoids'))?.['read'] ?? '')
    expect(read).toMatchObject({ text: 'me', by: 'web:ann', asked: 0 })
    expect(await entries(main, 'a/b:c %')).toEqual({})
    const bad = await call(main, '/admin/storage/%ff', { headers: bearer })
    expect([bad.status, bad.body.error]).toEqual([
      400,
      'The namespace in the path is not percent-encoded UTF-8.',
    ])
    const post405 = await post(main, {}, bearer, '/admin/storage/Factoids')
    expect([post405.status, post405.headers.get('allow')]).toEqual([405, 'GET, PUT, PATCH'])
    const unknown = await call(main, '/admin/storage/x?storage=Redis', { headers: bearer })
    expect(unknown.status).toBe(400)
  })
  test.each(['/api/replay', '/admin/storage/Factoids'])(
    'needs the token, otherwise 401: %s',
    async (path) => {
      const reply = await call(main, path)
      expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      expect((await call(main, path, { headers: { authorization: 'Bearer x' } })).status).toBe(401)
    },
  )
  test('does not exist if no token is configured', async () => {
    for (const path of ['/api/replay', '/admin/storage/Factoids']) {
      expect((await call(open, path, { headers: bearer })).status).toBe(404)
      expect((await post(open, {}, bearer, path)).status).toBe(404)
    }
    const refused = ['Only an admin may use !plugins.']
    for (const authorization of ['Bearer ', 'Bearer undefined', 'Bearer x']) {
      expect(await say(open, '!plugins', undefined, { authorization })).toEqual(refused)
    }
  })
})

describe('POST /api/replay', () => {
  const event = { at: 0, kind: 'message', nick: 'bad', text: '!bad' }
  test.each<[number, string, unknown]>([
    [400, '"events" must be a list', {}],
    [400, '"room" is missing', { events: [] }],
    [413, 'at most 200', { room: 'r', events: Array.from({ length: 201 }, () => event) }],
    [413, 'at most 262144 bytes', { room: 'r'.repeat(270_000), events: [] }],
    [400, 'Event 1: It must be an object', { room: 'r', events: [event, 1] }],
    [400, 'Event 0: The field "at"', { room: 'r', events: [{ ...event, at: '0' }] }],
    [400, 'Event 0: The field "at"', { room: 'r', events: [{ ...event, at: 1e300 }] }],
    [400, 'Event 0: The field "kind"', { room: 'r', events: [{ ...event, kind: 'join' }] }],
    [400, 'Event 0: The field "nick"', { room: 'r', events: [{ ...event, nick: '' }] }],
    [400, 'Event 0: The field "text"', { room: 'r', events: [{ ...event, text: 1 }] }],
    [400, 'Unknown field "admin"', { room: 'r', events: [{ ...event, admin: true }] }],
    [400, 'one of: DurableObject', { room: 'r', events: [event], storage: 'Memory' }],
  ])('%i: %s', async (status, sentence, body) => {
    const reply = await post(main, body, bearer, '/api/replay')
    expect([reply.status, reply.body.error]).toEqual([status, expect.stringContaining(sentence)])
    expect(await entries(main, 'Seen')).not.toHaveProperty('bad')
  })

  test('gives no nick of a log the rights of an admin', async () => {
    const events = [{ ...event, nick: 'eve', text: '!blacklist Todo' }]
    expect((await post(main, { room: 'r', events }, bearer, '/api/replay')).status).toBe(200)
    expect((await say(main, '!plugins', undefined, bearer))?.join()).not.toContain('blacklisted')
  })
})

describe('after kill -9 of the server', () => {
  test(
    'both storages still have their entries',
    async () => {
      for (const storage of STORAGES) {
        expect(await say(main, `!learn kept = on ${storage}`, storage)).toHaveLength(1)
      }
      await main.kill()
      await expect(fetch(main.url)).rejects.toThrow()
      main = await servers.start(mainState, TOKEN)
      for (const storage of STORAGES) {
        expect(await say(main, '!kept', storage)).toEqual([`on ${storage}`])
      }
    },
    STARTS_WITHIN,
  )
})
