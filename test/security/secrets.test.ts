import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cloudflareKV } from '../../adapters/cloudflare-kv.ts'
import { durableObject } from '../../adapters/durable-object.ts'
import { indexeddb } from '../../adapters/indexeddb.ts'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { bearerAuth, callBot, createAdminHandler, remoteTarget } from '../../src/admin/index.ts'
import { encode } from '../../src/codec.ts'
import { isStoreError, type Manifest, StorageRuntime } from '../../src/index.ts'
import { BotApi } from '../../worker/telegram/bot-api.ts'

/** Part of every secret in this file. */
const SECRET = 'hunter2'

const logged: unknown[] = []

beforeEach(() => {
  for (const method of ['error', 'warn', 'log', 'info', 'debug'] as const)
    vi.spyOn(console, method).mockImplementation((...words) => void logged.push(...words))
})

afterEach(() => {
  vi.restoreAllMocks()
  logged.length = 0
})

/** Checks that nothing which a log or a response may show of `values` has the secret. */
function expectNoSecret(...values: unknown[]): void {
  for (const value of [...values, ...logged]) {
    const json = isStoreError(value) ? JSON.stringify(value) : ''
    const stack = value instanceof Error ? value.stack : ''
    // `inspect` is what console.error() prints: message, stack, causes and own properties.
    const shown = [inspect(value, { depth: 10, showHidden: true }), json, stack].join('\n')
    expect(shown).not.toContain(SECRET)
  }
}

/** Resolves to what a function throws. */
async function errorOf(run: () => unknown): Promise<unknown> {
  try {
    await run()
  } catch (error) {
    return error
  }
  throw new Error('It must fail.')
}

test('the check of this file sees a secret in a message, a cause, a property and a log', () => {
  const shown = [
    new Error(SECRET),
    new Error('x', { cause: new Error(SECRET) }),
    Object.assign(new Error('x'), { input: SECRET }),
    { deep: { deep: { deep: SECRET } } },
  ]
  for (const value of shown) expect(() => expectNoSecret(value)).toThrow(/hunter2/)
  console.error('the token is', SECRET)
  expect(() => expectNoSecret()).toThrow(/hunter2/)
})

/** A backend with a password, as an adapter outside this package declares it. */
const withPassword: Manifest = {
  name: 'WithPassword',
  description: 'A database with a password.',
  config: {
    password: { type: 'string', doc: 'the password', required: true },
    url: { type: 'string', doc: 'the address', required: true },
  },
  load: () => MemoryStoragePlugin,
}

describe('an invalid configuration rejects without', () => {
  test.each<[string, object]>([
    [
      'text that is not JSON',
      { STORAGE: 'WithPassword', STORAGE_CONFIG: `{"password":"${SECRET}"` },
    ],
    ['text that is a JSON string', { STORAGE: 'WithPassword', STORAGE_CONFIG: `"${SECRET}"` }],
    ['the other fields', { STORAGE: 'WithPassword', STORAGE_CONFIG: { password: SECRET } }],
    [
      'the values of unknown fields',
      { STORAGE: 'WithPassword', STORAGE_CONFIG: { password: SECRET, url: '', pasword: SECRET } },
    ],
    [
      'the parts of a value of a wrong type',
      { STORAGE: 'WithPassword', STORAGE_CONFIG: { password: { value: SECRET }, url: '' } },
    ],
    [
      'a variable in place of a binding',
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'TOKEN' }, TOKEN: SECRET },
    ],
    ['other variables', { STORAGE: 'Nothing', TOKEN: SECRET, STORAGE_CONFIG: { token: SECRET } }],
    ['bindings', { STORAGE: 'CloudflareKV', STORAGE_CONFIG: {}, KV: { token: SECRET } }],
    [
      'the fields of a binding',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: { SECRET } } },
    ],
  ])('%s', async (_, config) => {
    const manifests = [withPassword, durableObject, cloudflareKV, indexeddb]
    const error = await errorOf(() => StorageRuntime.start(config, manifests))
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(CONFIG_INVALID|PLUGIN_NOT_FOUND)$/),
    })
    expect(String(error)).toContain('STORAGE')
    expectNoSecret(error)
  })
})

describe('a call of the admin client rejects without the token', () => {
  const url = 'http://127.0.0.1:1/'
  test.each([
    ['for a server that cannot be reached', { url, token: SECRET }],
    ['with a line break', { url, token: `${SECRET}\nx` }],
    ['with a character that no header can have', { url, token: `${SECRET}’` }],
    ['in the query of the URL', { url: `${url}?token=${SECRET}` }],
    ['in the fragment of the URL', { url: `${url}#token=${SECRET}` }],
    ['as the password of the URL', { url: `http://ann:${SECRET}@127.0.0.1:1/` }],
    ['as the user of the URL', { url: `http://${SECRET}@127.0.0.1:1/` }],
    ['and without an invalid URL', { url: `127.0.0.1?${SECRET}`, token: SECRET }],
  ])('%s', async (_, access) => {
    expectNoSecret(await errorOf(() => callBot(access, 'admin/namespaces')))
    expectNoSecret(await errorOf(() => remoteTarget(access).namespaces()))
  })

  test('a line break around a token is not part of it', async () => {
    const sent = vi.spyOn(globalThis, 'fetch').mockResolvedValue(Response.json([]))
    await callBot({ url, token: 'a token\n' }, 'x')
    expect(sent.mock.calls[0]?.[1]?.headers).toMatchObject({ authorization: 'Bearer a token' })
  })
})

test('no answer of the admin API has the token, not even after an error of the storage', async () => {
  const plugin = new MemoryStoragePlugin()
  const handle = createAdminHandler({
    open: (storage) => {
      if (storage === 'broken') throw new Error(`cannot connect with ${SECRET}`)
      return new StorageRuntime(plugin)
    },
    authorize: bearerAuth(SECRET),
    secret: SECRET,
    onError: () => {},
  })
  const part = { format: 1, after: null, entries: [], next: null, sha256: '0' }
  for (const [method, path, body] of [
    ['GET', 'namespaces'],
    ['GET', 'namespaces?storage=broken'],
    ['GET', 'backup'],
    ['PUT', 'storage/N', { entries: { k: encode(1) } }],
    ['PUT', 'storage/N', { entries: { k: 1 } }],
    ['DELETE', 'storage/N'],
    ['POST', 'restore', { mode: 'merge', part }],
    ['POST', 'restore', { mode: 'merge', part, restore: SECRET.toUpperCase() }],
  ] as const) {
    for (const authorization of [`Bearer ${SECRET}`, 'Bearer wrong', '']) {
      const headers = { authorization, 'content-type': 'application/json' }
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
      const response = await handle(new Request(`https://bot.example/admin/${path}`, init))
      expectNoSecret([...(response?.headers ?? [])], await response?.text())
    }
  }
})

test('an error of the Bot API has neither the token nor the URL that contains it', async () => {
  const answers = [
    () => Promise.reject(new TypeError(`fetch failed: https://api.example/bot1:${SECRET}/getMe`)),
    () => Promise.resolve(Response.json({ ok: false, error_code: 400, description: SECRET })),
    () =>
      Promise.resolve(Response.json({ ok: false, error_code: 401, description: `bot1:${SECRET}` })),
    () => Promise.resolve(new Response(`<h1>${SECRET}</h1>`)),
    () => Promise.resolve(Response.json({ token: SECRET })),
  ]
  for (const answer of answers) {
    vi.spyOn(globalThis, 'fetch').mockImplementation(answer)
    expectNoSecret(await errorOf(() => new BotApi(`1:${SECRET}`, 'https://api.example').username()))
  }
  // grammY reads the global when it is imported, so the mock may not apply: this call fails anyway.
  const unreachable = new BotApi(`1:${SECRET}`, 'http://127.0.0.1:1')
  expectNoSecret(await errorOf(() => unreachable.send({ chat: 1 }, 'text', { retries: false })))
})
