import { describe, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import {
  type AdminHandlerOptions,
  type AuditRecord,
  bearerAuth,
  createAdminHandler,
  HttpError,
} from '../../../src/admin/index.ts'
import { createPart } from '../../../src/backup/part.ts'
import { encode } from '../../../src/codec.ts'
import { StorageRuntime, StoreError } from '../../../src/index.ts'

const TOKEN = 'a token'

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

interface Setup {
  readonly plugin: MemoryStoragePlugin
  /** The runtimes that `open` returned. */
  readonly opened: StorageRuntime[]
  /** Sends a request with the token; resolves to `undefined` where the handler does. */
  readonly send: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answer | undefined>
}

/** Creates a handler for one Memory plugin. */
function setUp(options: Partial<AdminHandlerOptions> = {}): Setup {
  const plugin = new MemoryStoragePlugin()
  const opened: StorageRuntime[] = []
  const handle = createAdminHandler({
    open: () => {
      const runtime = new StorageRuntime(plugin)
      opened.push(runtime)
      return runtime
    },
    authorize: bearerAuth(TOKEN),
    secret: TOKEN,
    ...options,
  })
  const send: Setup['send'] = async (method, path, body, headers = {}) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
    const authorization = `Bearer ${TOKEN}`
    const all = { authorization, 'content-type': 'application/json', ...headers }
    const request = new Request(`https://bot.example.com${path}`, { ...init, headers: all })
    const response = await handle(request)
    if (response === undefined) return undefined
    const json = (await response.json()) as Answer['body']
    return { status: response.status, headers: response.headers, body: json }
  }
  return { plugin, opened, send }
}

/** Collects the records of changes. */
function recorder(): { records: AuditRecord[]; onChange: (record: AuditRecord) => void } {
  const records: AuditRecord[] = []
  return { records, onChange: (record) => void records.push(record) }
}

/** Restores the first of two parts; resolves to the second part and the id for it. */
async function beginRestore(setup: Setup): Promise<{ part: unknown; restore: unknown }> {
  const first = await createPart({
    after: null,
    entries: [{ namespace: 'R', key: 'a', value: encode(1) }],
    isLast: false,
  })
  const answer = await setup.send('POST', '/admin/restore', { mode: 'merge', part: first })
  const next = await createPart({
    after: first.next,
    entries: [{ namespace: 'R', key: 'b', value: encode(1) }],
    isLast: true,
  })
  return { part: next, restore: answer?.body['restore'] }
}

const KARMA = '/admin/storage/Karma'
const ANN = { entries: { ann: encode(7) } }

describe('a path', () => {
  test('without a route resolves to undefined, and no option is called', async () => {
    const called = vi.fn()
    const { send } = setUp({ limit: called, authorize: called, open: called })
    for (const path of [
      '/',
      '/admin',
      '/admin/',
      '/admin/nothing',
      '/admin/constructor',
      '/admin/backup/a',
      '/admin/storage/a/b',
      '/admin/storage/',
      '/administrator/backup',
      '/api/messages',
    ]) {
      expect(await send('GET', path), path).toBeUndefined()
    }
    expect(called).not.toHaveBeenCalled()
  })
  test('is below basePath', async () => {
    const { send } = setUp({ basePath: '/bots/one' })
    expect(await send('GET', '/admin/namespaces')).toBeUndefined()
    expect(await send('GET', '/bots/one/namespaces')).toMatchObject({ body: { namespaces: [] } })
    const root = setUp({ basePath: '' })
    expect(await root.send('GET', '/namespaces')).toMatchObject({ status: 200 })
  })
  test.each(['admin', '/admin/', '/'])('cannot be below the basePath %j', (basePath) => {
    expect(() => setUp({ basePath })).toThrow(
      `basePath must begin with "/" and not end with one, such as "/admin"; received "${basePath}".`,
    )
  })
  test('that takes other methods is 405 with allow, for an authorized request only', async () => {
    const { send } = setUp()
    const answer = await send('DELETE', KARMA)
    expect([answer?.status, answer?.headers.get('allow')]).toEqual([405, 'GET, PUT, PATCH'])
    expect(await send('DELETE', KARMA, undefined, { authorization: '' })).toMatchObject({
      status: 401,
    })
  })
})

describe('authorize', () => {
  test('that resolves to true lets the request through', async () => {
    const { send } = setUp({ authorize: async () => true })
    expect(await send('PUT', KARMA, ANN)).toMatchObject({ body: { set: 1, removed: 0 } })
    expect(await send('GET', `${KARMA}?as=json`)).toMatchObject({ body: { entries: { ann: 7 } } })
  })
  test('that resolves to false is 401, and opens no storage', async () => {
    const { send, opened } = setUp({ authorize: async () => false })
    const answer = await send('GET', KARMA)
    expect(answer).toMatchObject({
      status: 401,
      body: { error: 'This request is not authorized.' },
    })
    expect(answer?.headers.get('www-authenticate')).toBe('Bearer')
    expect(opened).toEqual([])
  })
  test('may return the response or throw an HttpError', async () => {
    const returned = setUp({ authorize: () => Response.json({ no: 1 }, { status: 403 }) })
    expect(await returned.send('GET', KARMA)).toMatchObject({ status: 403, body: { no: 1 } })
    const thrown = setUp({
      authorize: () => {
        throw new HttpError(403, 'Not from here.')
      },
    })
    expect(await thrown.send('GET', KARMA)).toMatchObject({
      status: 403,
      body: { error: 'Not from here.' },
    })
  })
  test('that throws is 500, and the response shows no namespace and no key', async () => {
    const onError = vi.fn()
    const error = new StoreError('CORRUPT', 'damaged', { namespace: 'Tokens', key: 'k' })
    const { send } = setUp({ authorize: () => Promise.reject(error), onError })
    const answer = await send('GET', KARMA)
    expect([answer?.status, Object.keys(answer?.body ?? {})]).toEqual([500, ['error', 'code']])
    expect(onError).toHaveBeenCalledExactlyOnceWith(error)
  })
})

describe('bearerAuth()', () => {
  test.each([
    ['Bearer wrong', 401, 'The token is not the admin token of this bot.'],
    [TOKEN, 401, 'Send the header "authorization: Bearer <admin token>".'],
    ['Basic YTpi', 401, 'Send the header "authorization: Bearer <admin token>".'],
    ['Bearer ', 401, 'Send the header "authorization: Bearer <admin token>".'],
  ])('refuses %j', async (authorization, status, error) => {
    const { send } = setUp()
    expect(await send('GET', KARMA, undefined, { authorization })).toMatchObject({
      status,
      body: { error },
    })
  })
  test('refuses a request without a token', async () => {
    const request = new Request('https://bot.example.com/admin/namespaces')
    await expect(bearerAuth(TOKEN)(request)).rejects.toMatchObject({
      status: 401,
      message: 'Send the header "authorization: Bearer <admin token>".',
    })
  })
  test.each([undefined, ''])('answers 404 if the configured token is %j', async (token) => {
    const { send } = setUp({ authorize: bearerAuth(token) })
    expect(await send('GET', KARMA)).toMatchObject({ status: 404 })
    expect(await send('GET', KARMA, undefined, { authorization: 'Bearer ' })).toMatchObject({
      status: 404,
    })
  })
})

describe('limit', () => {
  test('is called before the token is checked', async () => {
    const authorize = vi.fn()
    const { send, opened } = setUp({
      authorize,
      limit: () => {
        throw new HttpError(429, 'Too many requests.', { 'retry-after': '60' })
      },
    })
    const answer = await send('GET', KARMA)
    expect([answer?.status, answer?.headers.get('retry-after')]).toEqual([429, '60'])
    expect(authorize).not.toHaveBeenCalled()
    expect(opened).toEqual([])
  })
  test('may return the response, or nothing to let the request through', async () => {
    const full = setUp({ limit: () => Response.json({}, { status: 429 }) })
    expect(await full.send('GET', KARMA)).toMatchObject({ status: 429 })
    const seen: string[] = []
    const free = setUp({ limit: async (request) => void seen.push(request.url) })
    expect(await free.send('GET', KARMA)).toMatchObject({ status: 200 })
    expect(seen).toEqual([`https://bot.example.com${KARMA}`])
  })
})

describe('open', () => {
  test('gets the storage that the request names, or undefined', async () => {
    const plugin = new MemoryStoragePlugin()
    const open = vi.fn((_storage: string | undefined) => new StorageRuntime(plugin))
    const { send } = setUp({ open })
    await send('GET', `${KARMA}?storage=KV`)
    await send('GET', KARMA)
    expect(open.mock.calls.map(([storage]) => storage)).toEqual(['KV', undefined])
  })
  test('may refuse a storage', async () => {
    const { send } = setUp({
      open: () => {
        throw new HttpError(400, '"storage" must be one of: Memory.')
      },
    })
    expect(await send('GET', `${KARMA}?storage=KV`)).toMatchObject({
      status: 400,
      body: { error: '"storage" must be one of: Memory.' },
    })
  })
  test('opens a runtime that the handler closes, also after a refusal', async () => {
    const { send, opened } = setUp()
    await send('GET', KARMA)
    await send('GET', `${KARMA}?cursor=x`)
    expect(opened).toHaveLength(2)
    for (const runtime of opened) {
      await expect(runtime.open('Karma')).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
    }
  })
  test('opens a runtime that closes after the response if there is waitUntil', async () => {
    const closing: Promise<unknown>[] = []
    const { send } = setUp({ waitUntil: (promise) => closing.push(promise) })
    await send('GET', KARMA)
    expect(closing).toHaveLength(1)
    await Promise.all(closing)
  })
})

describe('onChange', () => {
  test('is called after each change, with its entries', async () => {
    const { records, onChange } = recorder()
    const { send } = setUp({ onChange, defaultStorage: 'Memory' })
    await send('PUT', KARMA, ANN)
    await send('PATCH', `${KARMA}?storage=Other`, { lists: 'append', remove: ['ann'] })
    const entry = { namespace: 'Karma', key: 'zoe', value: encode(1) }
    const part = await createPart({ after: null, entries: [entry], isLast: true })
    await send('POST', '/admin/restore', { mode: 'merge', part })
    const ann = { namespace: 'Karma', key: 'ann' }
    expect(records).toEqual([
      {
        kind: 'set',
        storage: 'Memory',
        changes: [{ ...ann, value: encode(7) }],
        outcome: 'done',
      },
      { kind: 'merge', storage: 'Other', changes: [{ ...ann, remove: true }], outcome: 'done' },
      { kind: 'restore', storage: 'Memory', changes: [entry], outcome: 'done' },
    ])
  })
  test('is called after a change that failed after its first write', async () => {
    const { records, onChange } = recorder()
    const { plugin, send } = setUp({ onChange, onError: () => {} })
    const open = plugin.open.bind(plugin)
    plugin.open = async (namespace) =>
      Object.assign(await open(namespace), {
        commit: () => Promise.reject(new StoreError('QUOTA_EXCEEDED', 'full')),
        transact: undefined,
      })
    expect(await send('PUT', KARMA, ANN)).toMatchObject({
      status: 500,
      body: { code: 'QUOTA_EXCEEDED', namespace: 'Karma' },
    })
    expect(records).toMatchObject([
      { kind: 'set', storage: undefined, outcome: 'failed', code: 'QUOTA_EXCEEDED' },
    ])
  })
  test('is not called for a read or for a refused change', async () => {
    const { records, onChange } = recorder()
    const { send } = setUp({ onChange })
    await send('GET', KARMA)
    await send('PUT', KARMA, { entries: { ann: 7 } })
    await send('PUT', KARMA, ANN, { authorization: 'Bearer wrong' })
    expect(records).toEqual([])
  })
  test('that throws does not make the change fail', async () => {
    const onError = vi.fn()
    const error = new Error('The log is full.')
    const { send } = setUp({ onError, onChange: () => Promise.reject(error) })
    expect(await send('PUT', KARMA, ANN)).toMatchObject({ status: 200 })
    expect(onError).toHaveBeenCalledExactlyOnceWith(error)
  })
})

describe('excludedNamespaces', () => {
  test('are omitted from a backup and ignored by a restore', async () => {
    const { send } = setUp({ excludedNamespaces: ['Telegram'] })
    await send('PUT', '/admin/storage/Telegram', ANN)
    await send('PUT', KARMA, ANN)
    const backup = await send('GET', '/admin/backup')
    expect(backup?.body).toMatchObject({ entries: [{ namespace: 'Karma', key: 'ann' }] })
    const entries = [{ namespace: 'Telegram', key: 'ann', value: encode(8) }]
    const part = await createPart({ after: null, entries, isLast: true })
    const restored = await send('POST', '/admin/restore', { mode: 'replace', part })
    expect(restored?.body).toMatchObject({ set: 0, removed: 1, done: true })
    const left = await send('GET', '/admin/storage/Telegram')
    expect(left?.body).toMatchObject({ entries: { ann: encode(7) } })
  })
  test('are none by default', async () => {
    const { send } = setUp()
    await send('PUT', '/admin/storage/Telegram', ANN)
    expect((await send('GET', '/admin/backup'))?.body).toMatchObject({
      entries: [{ namespace: 'Telegram' }],
    })
  })
})

describe('secret', () => {
  test('signs restore tokens, which are invalid with another secret', async () => {
    const one = setUp({ secret: 'one' })
    const { part, restore } = await beginRestore(one)
    const body = { mode: 'merge', part, restore }
    expect(await setUp({ secret: 'two' }).send('POST', '/admin/restore', body)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('The restore token is invalid') as unknown },
    })
    expect(await one.send('POST', '/admin/restore', body)).toMatchObject({ status: 200 })
  })
  test('must not be empty for a restore', async () => {
    const onError = vi.fn()
    const { send } = setUp({ secret: '', onError })
    const part = await createPart({ after: null, entries: [], isLast: true })
    expect(await send('POST', '/admin/restore', { mode: 'merge', part })).toMatchObject({
      status: 500,
    })
    expect(await send('GET', '/admin/backup')).toMatchObject({ status: 200 })
    expect(onError).toHaveBeenCalledOnce()
  })
})
