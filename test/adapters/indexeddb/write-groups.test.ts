// oxlint-disable-next-line import/no-unassigned-import -- the import sets the globals of IndexedDB, and exports nothing
import 'fake-indexeddb/auto'
import { expect, test } from 'vitest'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import type { Change } from '../../../src/index.ts'

/** A group that sets the key `k` if it does not exist. */
const insertGroup = (version: string): Change[] => [
  { key: 'k', entry: { value: version, version }, bytes: 10, ifVersion: null },
]

test('a group of changes sees what the groups before it in the same commit have written', async () => {
  const storage = await new IndexedDBStoragePlugin({}).open('groups')
  expect(await storage.commit([insertGroup('a'), insertGroup('b')])).toEqual([
    'applied',
    'conflict',
  ])
  expect((await storage.getMany(['k'])).get('k')?.value).toBe('a')
  await storage.close()
})
