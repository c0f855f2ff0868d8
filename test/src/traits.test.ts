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
