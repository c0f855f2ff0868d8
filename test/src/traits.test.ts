import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { StorageRuntime } from '../../src/index.ts'
import { MinimalStoragePlugin } from '../support/minimal-plugin.ts'

test.each([new MemoryStoragePlugin(), new MinimalStoragePlugin({})])(
  'store.traits equals the traits of its storage, while the store is open and after',
  async (plugin) => {
    const { traits } = await plugin.open('n')
    const store = await new StorageRuntime(plugin).open('n')
    expect(store.traits).toEqual(traits)
    await store.close()
    expect(store.traits).toEqual(traits)
  },
)

test('store.traits has the limits that the storage declares', async () => {
  class SmallStoragePlugin extends MemoryStoragePlugin {
    override async open(namespace: string): ReturnType<MemoryStoragePlugin['open']> {
      const storage = await super.open(namespace)
      const value = { ...storage.traits, maxValueBytes: 1234, atomic: 'none', watch: false }
      return Object.defineProperty(storage, 'traits', { value })
    }
  }
  const store = await new StorageRuntime(new SmallStoragePlugin()).open('n')
  expect(store.traits).toMatchObject({ maxValueBytes: 1234, atomic: 'none', watch: false })
})

test('a prefix, `after` and each key of a list are at most traits.maxKeyBytes long', async () => {
  class ShortKeysPlugin extends MemoryStoragePlugin {
    override async open(namespace: string): ReturnType<MemoryStoragePlugin['open']> {
      const storage = await super.open(namespace)
      return Object.defineProperty(storage, 'traits', {
        value: { ...storage.traits, maxKeyBytes: 8 },
      })
    }
  }
  const store = await new StorageRuntime(new ShortKeysPlugin()).open('n')
  const long = 'x'.repeat(9)
  const calls = [
    store.keys({ prefix: long }).next(),
    store.keys({ after: long }).next(),
    store.clear({ prefix: long }),
    store.getMany(['a', long]),
    store.deleteMany(['a', long]),
    store.insert(long, 1),
    store.increment(long),
    store.append(long, 1),
    store.touch(long, { ttl: 1 }),
    store.transaction([long], () => 1),
  ]
  for (const result of await Promise.allSettled(calls))
    expect(result).toMatchObject({ reason: { code: 'INVALID_KEY' } })
})
