import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import {
  type OperationRecord,
  type StorageBase,
  StorageRuntime,
  StoreError,
} from '../../../src/index.ts'
import { keysAfter, readSlice } from '../../../src/backup/slice.ts'
import { byCodeUnit } from '../../../src/key.ts'
import { KEYS_IN_TWO_ORDERS, Utf8StoragePlugin } from '../../support/utf8-plugin.ts'

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

test.each([
  ['UTF-16 code units', MemoryStoragePlugin],
  ['UTF-8', Utf8StoragePlugin],
])('slices have each entry once, by code unit, if a backend lists by %s', async (_, Plugin) => {
  await using runtime = new StorageRuntime(new Plugin())
  await using store = await runtime.open('n')
  await store.setMany(Object.fromEntries(KEYS_IN_TWO_ORDERS.map((key) => [key, key])))
  const expected = KEYS_IN_TWO_ORDERS.toSorted(byCodeUnit)
  for (let maxEntries = 1; maxEntries <= 9; maxEntries++) {
    const found: string[] = []
    for (let isLast = false; !isLast;) {
      const bounds = { after: found.at(-1), maxEntries, maxBytes: 1000 }
      const read = await readSlice(store, bounds)
      found.push(...read.entries.keys())
      ;({ isLast } = read)
    }
    expect(found).toEqual(expected)
    const listed: string[] = []
    for (let more: readonly string[] = ['']; more.length > 0;) {
      more = (await keysAfter(store, { after: listed.at(-1), limit: maxEntries })).slice(
        0,
        maxEntries,
      )
      listed.push(...more)
    }
    expect(listed).toEqual(expected)
  }
})

test('a slice is read in one listing, unless the order of backends may differ', async () => {
  const records: OperationRecord[] = []
  const onOperation = (record: OperationRecord): void => void records.push(record)
  await using runtime = new StorageRuntime(new MemoryStoragePlugin(), { onOperation })
  await using store = await runtime.open('n')
  await store.setMany({ a: 1, b: 1, c: 1, d: 1, e: 1, '\ue000': 1, '\uf000': 1 })
  const callsFor = async (after: string | undefined): Promise<readonly string[]> => {
    records.length = 0
    await readSlice(store, { after, maxEntries: 2, maxBytes: 1000 })
    return records.map(({ kind }) => kind)
  }
  expect(await callsFor(undefined)).toEqual(['entries'])
  expect(await callsFor('c')).toEqual(['entries'])
  expect(await callsFor('e')).toEqual(['entries'])
  expect(await callsFor('d')).toEqual(['entries', 'keys', 'getMany', 'getMany'])
})

test('a slice may begin after a key that is too long for the backend', async () => {
  class Short extends MemoryStoragePlugin {
    override async open(namespace: string): Promise<StorageBase> {
      const storage = await super.open(namespace)
      return Object.assign(storage, { traits: { ...storage.traits, maxKeyBytes: 3 } })
    }
  }
  await using runtime = new StorageRuntime(new Short())
  await using store = await runtime.open('n')
  await store.setMany({ a: 1, b: 2 })
  expect(await keysAfter(store, { after: 'aaaa', limit: 2 })).toEqual(['b'])
  expect((await readSlice(store, { ...BOUNDS, after: 'aaaa' })).entries.size).toBe(1)
})
