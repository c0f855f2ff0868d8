// oxlint-disable-next-line import/no-unassigned-import -- it puts its globals in place
import 'fake-indexeddb/auto'
import { expect, test } from 'vitest'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import type { Change } from '../../../src/index.ts'

/** What sets the key if it is not there. */
const insert = (version: string): Change[] => [
  { key: 'k', entry: { value: version, version }, bytes: 10, ifVersion: null },
]

test('a group sees what the groups before it in the same commit have written', async () => {
  const storage = await new IndexedDBStoragePlugin({}).open('groups')
  expect(await storage.commit([insert('a'), insert('b')])).toEqual(['applied', 'conflict'])
  expect((await storage.getMany(['k'])).get('k')?.value).toBe('a')
  await storage.close()
})
