import { expect, onTestFinished, test } from 'vitest'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import type { StorageBase, StorageChange } from '../../../src/storage.ts'

async function openStorage(): Promise<StorageBase> {
  const plugin = new IndexedDBStoragePlugin({ STORAGE_CONFIG: { database: crypto.randomUUID() } })
  const storage = await plugin.open('ns')
  onTestFinished(() => storage.close())
  return storage
}

function set(key: string, version: string, expires?: number) {
  return { key, entry: { value: 1, version, ...(expires !== undefined && { expires }) }, bytes: 2 }
}

test('an entry that has expired counts as missing for every condition', async () => {
  const storage = await openStorage()
  await storage.commit([[set('k', 'old', 100)]])
  const withVersion = { ...set('k', 'new'), ifVersion: 'old' }
  const ifMissing = { ...set('k', 'new'), ifVersion: null }
  expect(await storage.commit([[withVersion]], { now: 100 })).toEqual(['conflict'])
  expect(await storage.commit([[ifMissing]], { now: 99 })).toEqual(['conflict'])
  expect(await storage.commit([[ifMissing]])).toEqual(['conflict'])
  expect(await storage.transact?.(['k'], () => [[withVersion]], { now: 100 })).toEqual(['conflict'])
  expect(await storage.transact?.(['k'], () => [[ifMissing]], { now: 100 })).toEqual(['applied'])
  expect(await storage.get('k')).toEqual({ value: 1, version: 'new' })
})

test('an entry that one group writes with a past expiry counts as missing for the next group', async () => {
  const storage = await openStorage()
  const groups = [[set('k', 'old', 100)], [{ ...set('k', 'new'), ifVersion: null }]]
  expect(await storage.commit(groups, { now: 100 })).toEqual(['applied', 'applied'])
})

test('the check of a condition decides over its group, writes nothing and reports no change', async () => {
  const storage = await openStorage()
  await storage.commit([[set('k', 'v1')]])
  const changes: StorageChange[] = []
  storage.watch?.((change) => changes.push(change))
  const results = await storage.commit([
    [{ key: 'k', check: true, ifVersion: 'v1' }, set('a', 'v2')],
    [{ key: 'k', check: true, ifVersion: 'v2' }, set('b', 'v2')],
    [{ key: 'c', check: true, ifVersion: null }],
  ])
  expect(results).toEqual(['applied', 'conflict', 'applied'])
  expect(await storage.getMany(['k', 'a', 'b', 'c'])).toEqual(
    new Map([
      ['k', { value: 1, version: 'v1' }],
      ['a', { value: 1, version: 'v2' }],
    ]),
  )
  expect(changes).toEqual([{ kind: 'set', key: 'a' }])
})

test('clearPrefix() removes the keys with the prefix and reports each', async () => {
  const storage = await openStorage()
  await storage.commit([['a', 'b1', 'b2', 'b\uffff', 'c'].map((key) => set(key, 'v'))])
  const changes: StorageChange[] = []
  storage.watch?.((change) => changes.push(change))
  await storage.clearPrefix('b')
  expect([...(await storage.getMany(['a', 'b1', 'b2', 'b\uffff', 'c'])).keys()]).toEqual(['a', 'c'])
  expect(changes).toEqual(['b1', 'b2', 'b\uffff'].map((key) => ({ kind: 'remove', key })))
})

test('clearPrefix() of very many keys reports that any key may have changed', async () => {
  const storage = await openStorage()
  await storage.commit([Array.from({ length: 1001 }, (_, index) => set(`b${index}`, 'v'))])
  const changes: StorageChange[] = []
  storage.watch?.((change) => changes.push(change))
  await storage.clearPrefix('b')
  expect(await storage.len()).toBe(0)
  expect(changes).toEqual([{ kind: 'unknown' }])
})
