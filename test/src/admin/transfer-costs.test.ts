import { afterEach, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { callBot } from '../../../src/admin/client.ts'
import { bearerAuth, createAdminHandler } from '../../../src/admin/index.ts'
import { type BackupPart, readParts, runtimeTarget } from '../../../src/backup/index.ts'
import { encode } from '../../../src/codec.ts'
import { StorageRuntime } from '../../../src/index.ts'

afterEach(() => vi.unstubAllGlobals())

/** Counts how often the namespaces are listed. */
class CountingPlugin extends MemoryStoragePlugin {
  listings = 0

  override namespaces(): ReturnType<MemoryStoragePlugin['namespaces']> {
    this.listings++
    return super.namespaces()
  }
}

test('the parts of one large namespace do not list all namespaces again, in a backup and in a restore', async () => {
  const plugin = new CountingPlugin()
  const runtime = new StorageRuntime(plugin)
  const changes = Array.from({ length: 1000 }, (_, index) => ({
    namespace: 'Karma',
    key: `key ${index}`,
    value: encode(index),
  }))
  await runtimeTarget(runtime).apply(changes)
  const parts: BackupPart[] = []
  for await (const part of readParts(runtime)) parts.push(part)
  expect(parts).toHaveLength(5)
  expect(parts.flatMap(({ entries }) => entries)).toHaveLength(1000)
  // The first part and the last part.
  expect(plugin.listings).toBe(2)

  const handle = createAdminHandler({
    open: () => new StorageRuntime(plugin),
    authorize: bearerAuth('a token'),
    secret: 'a secret',
  })
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => handle(new Request(url, init)))
  let restore: string | undefined
  plugin.listings = 0
  for (const part of parts) {
    const access = { url: 'https://bot.example.com/', token: 'a token' }
    const body = { mode: 'replace', part, restore }
    const answer = await callBot(access, 'admin/restore', { body })
    ;({ restore } = answer as { readonly restore: string })
  }
  expect(plugin.listings).toBe(2)
})

test('a part starts after its cursor also if the namespace of the cursor is gone', async () => {
  const runtime = new StorageRuntime(new MemoryStoragePlugin())
  const changes = Array.from({ length: 300 }, (_, index) => ({
    namespace: index < 250 ? 'A' : 'B',
    key: `key ${String(index).padStart(3, '0')}`,
    value: encode(index),
  }))
  await runtimeTarget(runtime).apply(changes)
  const parts = readParts(runtime)
  const first = await parts.next()
  expect(first.value?.entries).toHaveLength(200)
  await (await runtime.open('A')).clear()
  const second = await parts.next()
  expect(second.value?.entries).toEqual(changes.slice(250))
  expect((await parts.next()).done).toBe(true)
})
