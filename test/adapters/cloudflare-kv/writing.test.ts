import { expect, test } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../../adapters/cloudflare-kv.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { errorOf } from '../../support/promises.ts'
import { numberedKeys, open, ScriptedKV } from './support/scripted-kv.ts'

test('a write that KV rejects with 429 is retried twice, a second apart, and then rejects with RATE_LIMITED', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  kv.fail = (_, count) =>
    count < 3 ? new Error('KV PUT failed: 429 Too Many Requests') : undefined
  const before = Date.now()
  await store.set('k', 1)
  expect(kv.calls).toEqual(['put', 'put', 'put'])
  expect(Date.now() - before).toBeGreaterThanOrEqual(2000)
  kv.fail = () => new Error('KV PUT failed: 429 Too Many Requests')
  expect(await errorOf(store.set('k', 2))).toMatchObject({
    code: 'RATE_LIMITED',
    outcome: 'not-applied',
    retryable: true,
  })
})

test.each([
  [
    'KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.',
    'TOO_LARGE',
    'not-applied',
  ],
  [
    'KV PUT failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512.',
    'INVALID_KEY',
    'not-applied',
  ],
  ['KV PUT failed: 400 Invalid expiration', 'BACKEND_ERROR', 'not-applied'],
  ['KV PUT failed: 503 Service Unavailable', 'CONNECTION_LOST', 'unknown'],
  ['something new', 'BACKEND_ERROR', 'unknown'],
])('the error "%s" of KV is %s with the outcome %s', async (message, code, outcome) => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  const cause = new Error(message)
  kv.fail = (call) => (call === 'put' ? cause : undefined)
  const error = await errorOf(store.set('k', 1))
  expect(error).toMatchObject({ code, outcome, namespace: 'n', key: 'k' })
  expect(error.cause).toBe(cause)
})

test('when a group fails half-way, the message says how many of its changes were written', async () => {
  const kv = new ScriptedKV()
  const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: kv } })
  const store = await new StorageRuntime(plugin, { allowLostUpdates: true }).open('n')
  kv.fail = (_, count) => (count === 2 ? new Error('KV PUT failed: 500 Internal Error') : undefined)
  const error = await errorOf(store.setMany({ a: 1, b: 2, c: 3 }))
  expect(error).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
  expect(error.message).toContain('1 of 3 changes were written')
})

test('clear() that fails deletes nothing afterwards, and later writes stay', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  for (let i = 0; i < 50; i++) await store.set(`k${i}`, i)
  kv.fail = (call, count) =>
    call === 'delete' && count === 3 ? new Error('KV DELETE failed: 500 Internal Error') : undefined
  kv.deleteMs = 2
  expect(await errorOf(store.clear())).toMatchObject({ code: 'CONNECTION_LOST' })
  // Deletes that were under way when one failed still happen.
  expect(kv.callCount('delete')).toBeLessThan(12)
  await store.set('k40', 'new')
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(await store.get('k40')).toBe('new')
})

test.each([
  ['KV DELETE failed: 429 Too Many Requests', 'RATE_LIMITED', true],
  ['Too many API requests by single Worker invocation.', 'RATE_LIMITED', false],
  ['KV DELETE failed: 500 Internal Error', 'CONNECTION_LOST', true],
])(
  'clear() that fails midway with "%s" says how many entries it removed',
  async (message, code, retryable) => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    for (let i = 0; i < 8; i++) await store.set(`k${i}`, i)
    kv.fail = (call, count) => (call === 'delete' && count > 3 ? new Error(message) : undefined)
    const error = await errorOf(store.clear())
    expect(error).toMatchObject({ code, outcome: 'unknown', retryable, namespace: 'n' })
    expect(error.message).toMatch(/^3 of 8 entries were removed, then: Workers KV: /)
    expect(kv.puts.size).toBe(5)
  },
)

test('clear() whose first delete fails has its outcome, unless another may have been done', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  for (let i = 0; i < 8; i++) await store.set(`k${i}`, i)
  const limit = new Error('Too many API requests by single Worker invocation.')
  const outcomeOfClear = async (): Promise<string> => (await errorOf(store.clear())).outcome
  kv.fail = (call) => (call === 'delete' ? limit : undefined)
  expect(await outcomeOfClear()).toBe('not-applied')
  kv.fail = (call, count) => {
    if (call !== 'delete') return undefined
    return count % 6 === 5 ? new Error('KV DELETE failed: 500 Internal Error') : limit
  }
  expect(await outcomeOfClear()).toBe('unknown')
  kv.fail = (call) => (call === 'list' ? new Error('something new') : undefined)
  expect(await outcomeOfClear()).toBe('not-applied')
  expect(kv.puts.size).toBe(8)
})

test('setMany() whose first write fails has its outcome', async () => {
  const kv = new ScriptedKV()
  const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: kv } })
  const store = await new StorageRuntime(plugin, { allowLostUpdates: true }).open('n')
  kv.fail = () => new Error('Too many API requests by single Worker invocation.')
  const error = await errorOf(store.setMany({ a: 1, b: 2 }))
  expect(error).toMatchObject({ code: 'RATE_LIMITED', outcome: 'not-applied', key: 'a' })
  expect(error.message).toMatch(/^Workers KV: Too many/)
})

test('deleteMany() that fails midway says how many keys it removed', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  const keys = numberedKeys(8)
  for (const key of keys) await store.set(key, 1)
  kv.fail = (call, count) =>
    call === 'delete' && count > 3
      ? new Error('Too many API requests by single Worker invocation.')
      : undefined
  const error = await errorOf(store.deleteMany(keys))
  expect(error).toMatchObject({ code: 'RATE_LIMITED', outcome: 'unknown', retryable: false })
  expect(error.message).toMatch(/^3 of 8 entries were removed, then: Workers KV: /)
})
