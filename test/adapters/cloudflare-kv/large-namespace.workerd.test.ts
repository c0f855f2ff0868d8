import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../../adapters/cloudflare-kv.ts'

const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_KV } })

test('keys, entries and len cover all of 1,100 entries, and clear() deletes all of them or none', async () => {
  const storage = await plugin.open(crypto.randomUUID())
  const all = Array.from({ length: 1100 }, (_, i) => ({
    key: `k${i}`,
    entry: { value: i, version: `v${i}` },
    bytes: 8,
  }))
  expect(await storage.commit([all.slice(0, 250)])).toEqual(['applied'])
  expect(await storage.len()).toBe(250)
  const rest = all.slice(250).map((change) => [change])
  expect(await storage.commit(rest)).toEqual(rest.map(() => 'applied'))
  expect(await storage.len()).toBe(1100)
  const keys = new Set<string>()
  for await (const key of storage.keys()) keys.add(key)
  expect(keys).toEqual(new Set(all.map(({ key }) => key)))
  const entries = new Map<string, unknown>()
  for await (const [key, entry] of storage.entries()) entries.set(key, entry)
  expect(entries).toEqual(new Map(all.map(({ key, entry }) => [key, entry])))
  await expect(storage.clear()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  expect(await storage.len()).toBe(1100)
  await storage.commit(all.slice(0, 900).map(({ key }) => [{ key, remove: true }]))
  await storage.clear()
  expect(await storage.len()).toBe(0)
})
