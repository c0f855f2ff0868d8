import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { type StorageBase, StorageRuntime, StoreError } from '../../../src/index.ts'
import { readSlice } from '../../../src/backup/slice.ts'

const BOUNDS = { maxEntries: 3, maxBytes: 1000 }

const damage = (): StoreError => new StoreError('CORRUPT', 'The entry is damaged.')

async function filled(keys: readonly string[], value: unknown = 1): Promise<StorageRuntime> {
  const runtime = new StorageRuntime(new MemoryStoragePlugin())
  await using store = await runtime.open('n')
  for (const key of keys) await store.set(key, value)
  return runtime
}

const slice = async (
  runtime: StorageRuntime,
  options: Partial<Parameters<typeof readSlice>[1]> = {},
): Promise<[string[], boolean]> => {
  await using store = await runtime.open('n')
  const { entries, isLast } = await readSlice(store, { ...BOUNDS, ...options })
  return [[...entries.keys()], isLast]
}

test('a slice is sorted by code unit, begins after a key and reports whether it is the last', async () => {
  // U+10000 sorts before U+E000 by code unit, and after it by UTF-8.
  const runtime = await filled(['z', '\u{10000}', 'a', '\ue000', 'b'])
  expect(await slice(runtime)).toEqual([['a', 'b', 'z'], false])
  expect(await slice(runtime, { after: 'z' })).toEqual([['\u{10000}', '\ue000'], true])
  expect(await slice(runtime, { maxEntriesOfWholeStore: 5 })).toEqual([
    ['a', 'b', 'z', '\u{10000}', '\ue000'],
    true,
  ])
  expect(await slice(runtime, { prefix: 'b' })).toEqual([['b'], true])
  expect(await slice(runtime, { after: '\uffff' })).toEqual([[], true])
})

test('a single entry may be larger than the slice, unless allowOversizedEntry is false', async () => {
  const runtime = await filled(['a', 'b'], 'x'.repeat(900))
  expect(await slice(runtime)).toEqual([['a'], false])
  const large = await filled(['a', 'b'], 'x'.repeat(2000))
  expect(await slice(large)).toEqual([['a'], false])
  expect(await slice(large, { allowOversizedEntry: false })).toEqual([[], false])
})

test('an unreadable entry rejects with its key, although the listing has none', async () => {
  class Damaged extends MemoryStoragePlugin {
    override async open(namespace: string): Promise<StorageBase> {
      const storage = await super.open(namespace)
      const read = storage.getMany.bind(storage)
      storage.getMany = async (keys) => {
        if (keys.includes('bad')) throw damage()
        return read(keys)
      }
      storage.entries = () => {
        throw damage()
      }
      return storage
    }
  }
  const runtime = new StorageRuntime(new Damaged())
  await using store = await runtime.open('n')
  for (const key of ['a', 'bad', 'c']) await store.set(key, 1)
  await expect(readSlice(store, BOUNDS)).rejects.toMatchObject({ code: 'CORRUPT', key: 'bad' })
  expect([...(await readSlice(store, { ...BOUNDS, after: 'bad' })).entries.keys()]).toEqual(['c'])
})
