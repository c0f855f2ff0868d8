import { expect, test } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../../adapters/cloudflare-kv.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { errorOf } from '../../support/promises.ts'
import { open, ScriptedKV } from './support/scripted-kv.ts'

test('keys are prefix/namespace:key, where only separators and the escape character are escaped', async () => {
  const kv = new ScriptedKV()
  const plugin = new CloudflareKVStoragePlugin({
    STORAGE_CONFIG: { binding: kv, prefix: 'my/bot' },
  })
  const store = await new StorageRuntime(plugin).open('a:b %/é')
  await store.set('k:/%', 1)
  expect([...kv.puts.keys()]).toEqual(['my%2Fbot/a%3Ab %25%2Fé:k:/%'])
})

test('the metadata of a small record contains it as ASCII, so that a listing of entries does not read it', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  await store.set('small', 'é'.repeat(50))
  await store.set('large', 'x'.repeat(1100))
  const [small, large] = [...kv.puts.values()]
  expect(small?.metadata.t).toMatch(/^[\x20-\x7e]+$/)
  expect(JSON.stringify(small?.metadata).length).toBeLessThanOrEqual(1024)
  expect(large?.metadata).toEqual({})
  kv.calls.length = 0
  const entries = new Map<string, unknown>()
  for await (const [key, value] of store) entries.set(key, value)
  expect(entries).toEqual(
    new Map([
      ['small', 'é'.repeat(50)],
      ['large', 'x'.repeat(1100)],
    ]),
  )
  expect(kv.calls).toEqual(['list', 'get'])
})

test('a record of a later format rejects with VERSION_MISMATCH, and a text that is no record rejects with CORRUPT', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  for (const [value, code] of [
    ['3:[1]', 'VERSION_MISMATCH'],
    ['{"v":1}', 'CORRUPT'],
    ['1:[[1],5]', 'CORRUPT'],
    ['1:[', 'CORRUPT'],
    ['2:[1,5]', 'CORRUPT'],
    ['2:[', 'CORRUPT'],
  ] as const) {
    kv.puts.set('botshelf/n:k', { value, metadata: {} })
    expect(await errorOf(store.get('k'))).toMatchObject({ code, key: 'k' })
  }
})

test('a listing delivers the entries before a text that cannot be read, names its key, and goes on after it', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  const large = 'x'.repeat(1100)
  for (const key of ['a', 'b', 'c']) await store.set(key, large)
  await store.set('d', 1)
  for (const metadata of [{}, { t: '1:[' }]) {
    kv.puts.set('botshelf/n:b', { value: '1:[', metadata })
    const seen: string[] = []
    const collect = async (after?: string): Promise<void> => {
      for await (const [key] of store.entries({ after })) seen.push(key)
    }
    const error = await errorOf(collect())
    expect(error).toMatchObject({ code: 'CORRUPT', key: 'b', namespace: 'n' })
    expect(seen).toEqual(['a'])
    await collect(error.key)
    expect(seen).toEqual(['a', 'c', 'd'])
    const [good, bad] = [store.get('a'), errorOf(store.get('b'))]
    expect(await good).toBe(large)
    expect(await bad).toMatchObject({ code: 'CORRUPT', key: 'b' })
  }
})

test('a namespace that leaves no bytes for keys rejects with INVALID_NAMESPACE', async () => {
  const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: new ScriptedKV() } })
  await expect(new StorageRuntime(plugin).open('é'.repeat(251))).rejects.toMatchObject({
    code: 'INVALID_NAMESPACE',
  })
  await expect(new StorageRuntime(plugin).open('é'.repeat(250))).resolves.toBeDefined()
})

test('a value that takes more than 25 MiB as text rejects with TOO_LARGE and is not sent', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  const error = await errorOf(store.set('k', '\u0000'.repeat(5_000_000)))
  expect(error).toMatchObject({ code: 'TOO_LARGE', outcome: 'not-applied' })
  expect(error.message).toContain('26214400')
  expect(kv.calls).toEqual([])
})

test('the expiration that KV gets is at least a minute ahead', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  await store.set('soon', 1, { ttl: 5 })
  await store.set('later', 1, { ttl: 3_600_000 })
  const [soon, later] = [...kv.puts.values()]
  const now = Date.now() / 1000
  expect(soon?.expiration).toBeGreaterThan(now + 60)
  expect(soon?.expiration).toBeLessThan(now + 63)
  expect(later?.expiration).toBeGreaterThanOrEqual((later?.metadata.x ?? 0) / 1000)
  expect(Number.isInteger(later?.expiration)).toBe(true)
})

test('an expiry after 2038, which KV rejects, is stored in the metadata only', async () => {
  const kv = new ScriptedKV()
  const { store } = await open(kv)
  await store.set('k', 1, { ttl: 20 * 365 * 86_400_000 })
  const [put] = [...kv.puts.values()]
  expect(put?.expiration).toBeUndefined()
  expect(put?.metadata.x).toBeGreaterThan(2 ** 31 * 1000)
})

test('opening a namespace calls nothing', async () => {
  const kv = new ScriptedKV()
  await open(kv)
  expect(kv.calls).toEqual([])
})
