import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { noop } from '../../src/async.ts'
import { bearerAuth, createAdminHandler } from '../../src/admin/index.ts'
import { encode } from '../../src/codec.ts'
import { StorageRuntime } from '../../src/index.ts'
import { answerRoute } from '../../worker/routes.ts'

const TOKEN = 'a token'
const SECRET = 'a-webhook-secret'
const STORAGE = '/admin/storage/Karma'
const JSON_TYPE = { 'content-type': 'application/json' }
const AUTHORIZED = { ...JSON_TYPE, authorization: `Bearer ${TOKEN}` }

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

interface Bot {
  readonly runtime: StorageRuntime
  /** Sends a request to the admin API, or to the other routes of the bot. */
  readonly send: (path: string, init?: RequestInit) => Promise<Answer>
}

/** Creates the admin API on Memory, and the bot's other routes on a storage that nothing may reach. */
function createBot(): Bot {
  const plugin = new MemoryStoragePlugin()
  const admin = createAdminHandler({
    open: () => new StorageRuntime(plugin),
    authorize: bearerAuth(TOKEN),
    secret: TOKEN,
    onError: (error) => {
      throw error
    },
  })
  // An update without a message opens the storage, and calls nothing of it.
  const binding = { idFromName: noop, get: noop }
  const env = {
    STORAGE: 'DurableObject',
    STORAGE_CONFIG: { binding },
    ADMIN_TOKEN: TOKEN,
    TELEGRAM_BOT_TOKEN: '1:abc',
    TELEGRAM_WEBHOOK_SECRET: SECRET,
  }
  const ctx = { waitUntil: noop } as never
  return {
    runtime: new StorageRuntime(plugin),
    async send(path, init) {
      const request = new Request(`https://bot.example.com${path}`, init)
      const response = (await admin(request)) ?? (await answerRoute(request, env, ctx))
      return {
        status: response.status,
        headers: response.headers,
        body: await response.json(),
      }
    },
  }
}

async function namespacesOf(runtime: StorageRuntime): Promise<string[]> {
  const names: string[] = []
  for await (const name of runtime.namespaces()) names.push(name)
  return names
}

function nested(open: string, close: string, levels: number): string {
  return `${open.repeat(levels)}1${close.repeat(levels)}`
}

/** The routes that read a body, with the headers that they need. */
const BODIES: readonly [method: string, path: string, headers: Record<string, string>][] = [
  ['POST', '/api/messages', JSON_TYPE],
  ['POST', '/api/replay', AUTHORIZED],
  ['POST', '/telegram', { ...JSON_TYPE, 'x-telegram-bot-api-secret-token': SECRET }],
  ['PUT', STORAGE, AUTHORIZED],
  ['PUT', `${STORAGE}?as=json`, AUTHORIZED],
  ['PATCH', `${STORAGE}?as=json`, AUTHORIZED],
  ['POST', '/admin/restore', AUTHORIZED],
]

/** Bodies that are valid for some route, but for the part `$`. */
const TEMPLATES = [
  '$',
  '{"room":$,"user":"u","text":"t"}',
  '{"room":"r","user":"u","text":$}',
  '{"room":"r","events":$}',
  '{"room":"r","events":[$]}',
  '{"update_id":$}',
  '{"update_id":1,"message":$}',
  '{"update_id":1,"message":{"chat":{"id":1},"date":1,"text":"t","from":$}}',
  '{"entries":$}',
  '{"entries":{"k":$}}',
  '{"entries":{"k":"2:1"},"expires":$}',
  '{"lists":"append","entries":{"k":$}}',
  '{"lists":"append","remove":[$]}',
  '{"lists":$}',
  '{"mode":"merge","part":$}',
  '{"mode":"merge","part":{"format":1,"entries":[$],"after":null,"next":null,"sha256":""}}',
  '{"mode":"merge","restore":$}',
] as const

describe.each(BODIES)('a body of %s %s', (method, path, headers) => {
  test('that nests deeply is answered, with 400 or without an effect', async () => {
    const { send, runtime } = createBot()
    const parts = [nested('[', ']', 10_000), nested('{"k":', '}', 4000)]
    const bodies = TEMPLATES.flatMap((template) => parts.map((part) => template.replace('$', part)))
    for (const body of bodies) {
      const answer = await send(path, { method, headers, body })
      // Telegram sends fields that the bot does not use.
      expect(path === '/telegram' ? [200, 400] : [400]).toContain(answer.status)
      expect(JSON.stringify(answer.body).length).toBeLessThan(8000)
    }
    expect(await namespacesOf(runtime)).toEqual([])
  })

  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'with a field %j adds nothing to any object',
    async (name) => {
      const { send, runtime } = createBot()
      const own = Object.getOwnPropertyNames(Object.prototype)
      const bodies = [
        `{"${name}":{"polluted":1}}`,
        `{"entries":{"${name}":{"polluted":1}},"lists":"append"}`,
        `{"entries":{"k":{"${name}":{"polluted":1}}},"lists":"append"}`,
        `{"mode":"merge","part":{"${name}":{"polluted":1}}}`,
      ]
      for (const body of bodies) await send(path, { method, headers, body })
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
      expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(own)
      // A name is data, and may be stored as such.
      const store = await runtime.open('Karma')
      for await (const [, value] of store) expect(value).not.toBe(Object.prototype)
    },
  )
})

test('a name that every object has is an ordinary namespace and an ordinary key', async () => {
  const { send, runtime } = createBot()
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const path = `/admin/storage/${name}`
    const body = `{"entries":{"${name}":${JSON.stringify(encode(name))}}}`
    expect((await send(path, { method: 'PUT', headers: AUTHORIZED, body })).status).toBe(200)
    const page = await send(path, { headers: AUTHORIZED })
    expect(Object.entries(page.body['entries'] as object)).toEqual([[name, encode(name)]])
    expect(await (await runtime.open(name)).get(name)).toBe(name)
  }
  expect(await namespacesOf(runtime)).toEqual(['__proto__', 'constructor', 'toString'])
})

describe('a path', () => {
  // The namespace is decoded once, and is never a path.
  test.each([
    ['..%2f..%2fetc%2fpasswd', '../../etc/passwd'],
    ['%2e%2e%2fKarma', '../Karma'],
    ['a%00b', 'a\0b'],
    ['%252e%252e%252f', '%2e%2e%2f'],
    ['a%2fb', 'a/b'],
    ['a%5cb', String.raw`a\b`],
    ['a%0d%0ax-injected:1', 'a\r\nx-injected:1'],
    ['%3cscript%3e', '<script>'],
    ['a;b=c', 'a;b=c'],
  ])('/admin/storage/%s names one namespace, verbatim', async (segment, namespace) => {
    const { send, runtime } = createBot()
    const body = JSON.stringify({ entries: { k: encode(1) } })
    const init = { method: 'PUT', headers: AUTHORIZED, body }
    const { status, headers } = await send(`/admin/storage/${segment}`, init)
    expect(status).toBe(200)
    expect(headers.get('x-injected')).toBe(null)
    expect(await namespacesOf(runtime)).toEqual([namespace])
  })

  test.each([
    '/admin/storage/..',
    '/admin/storage/%2e%2e',
    '/admin/%2e%2e/admin',
    '/admin//storage/Karma',
    '//admin/storage/Karma',
    '/ADMIN/storage/Karma',
    '/admin%2fstorage%2fKarma',
    '/admin/storage/Karma/',
    '/admin/storage/Karma/..%2f',
    '/admin/storage/Karma%20/x',
    '/api/replay/',
    '/api/replay%00',
    '/api/./replay%2f',
  ])('%s is 404, also with the token', async (path) => {
    const { send, runtime } = createBot()
    for (const method of ['GET', 'POST', 'PUT'])
      expect((await send(path, { method, headers: AUTHORIZED })).status).toBe(404)
    expect(await namespacesOf(runtime)).toEqual([])
  })
})

describe('a header', () => {
  test.each([
    ['', 401],
    ['Bearer', 401],
    ['Bearer ', 401],
    [TOKEN, 401],
    [`Basic ${TOKEN}`, 401],
    [`Bearer ${TOKEN}, Bearer ${TOKEN}`, 401],
    [`Bearer ${TOKEN} x`, 401],
    [`Bearer ${TOKEN.toUpperCase()}`, 401],
    [`bearer ${TOKEN}`, 200],
  ])('authorization: %s is answered with %i', async (authorization, status) => {
    const { send } = createBot()
    expect((await send('/admin/namespaces', { headers: { authorization } })).status).toBe(status)
  })

  test.each([
    ['cookie', `token=${TOKEN}; authorization=Bearer ${TOKEN}`],
    ['x-authorization', `Bearer ${TOKEN}`],
    ['proxy-authorization', `Bearer ${TOKEN}`],
    ['x-http-method-override', 'PUT'],
    ['x-forwarded-for', '127.0.0.1'],
    ['x-original-url', '/api/storages'],
    ['host', 'localhost'],
  ])('%s gives no access', async (name, value) => {
    const { send } = createBot()
    for (const path of ['/admin/namespaces', '/api/replay', `/admin/namespaces?token=${TOKEN}`])
      expect((await send(path, { headers: { [name]: value } })).status).toBe(401)
  })

  test('no part of a request is repeated in the headers of the answer', async () => {
    const { send } = createBot()
    for (const path of [
      '/admin/injected',
      '/api/injected',
      '/admin/keys/injected?cursor=injected',
    ]) {
      const { headers } = await send(path, { headers: { ...AUTHORIZED, 'x-injected': 'injected' } })
      expect(JSON.stringify([...headers])).not.toContain('injected')
    }
  })
})

describe('a request from a page of another site', () => {
  const origin = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  const message = JSON.stringify({ room: 'r', user: 'u', text: 'hi' })

  test.each([
    ['PUT', STORAGE],
    ['PATCH', STORAGE],
    ['POST', '/admin/restore'],
    ['POST', '/api/messages'],
    ['POST', '/api/replay'],
    ['GET', '/api/storages'],
  ])('may not read the answer, and its preflight fails: %s %s', async (method, path) => {
    const { send } = createBot()
    const preflight = {
      ...origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type',
    }
    for (const [as, headers] of [
      ['OPTIONS', preflight],
      [method, { ...origin, ...AUTHORIZED }],
    ] as const) {
      const answer = await send(path, { method: as, headers })
      // A browser accepts a preflight only with a 2xx status and these headers.
      if (as === 'OPTIONS') expect(answer.status).toBeGreaterThanOrEqual(400)
      const names = [...answer.headers.keys()]
      expect(names.filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
  })

  // The types that a page may send to another site without a preflight.
  test.each([
    undefined,
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; application/json',
    'application/jsonp',
  ])('that needs no preflight is 415: a body of the type %s', async (type) => {
    const { send, runtime } = createBot()
    const sent = {
      ...origin,
      authorization: `Bearer ${TOKEN}`,
      ...(type && { 'content-type': type }),
    }
    const body = type === undefined ? new TextEncoder().encode(message) : message
    for (const [method, path] of BODIES) {
      const headers = { ...sent, 'x-telegram-bot-api-secret-token': SECRET }
      expect((await send(path, { method, headers, body })).status).toBe(415)
    }
    expect(await namespacesOf(runtime)).toEqual([])
  })

  test('an answer is not cached, and its type cannot be guessed', async () => {
    const { send } = createBot()
    for (const path of ['/api/storages', '/admin/namespaces', '/nothing']) {
      const { headers } = await send(path, { headers: AUTHORIZED })
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-type')).toMatch(/^application\/json/)
      expect(headers.has('set-cookie')).toBe(false)
    }
  })
})

test('a request for a WebSocket is answered as any other request', async () => {
  const { send } = createBot()
  const headers = { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': '13' }
  for (const [path, status] of [
    ['/', 404],
    ['/api/messages', 405],
    ['/admin/namespaces', 401],
    ['/telegram', 405],
  ] as const)
    expect((await send(path, { headers })).status).toBe(status)
})
