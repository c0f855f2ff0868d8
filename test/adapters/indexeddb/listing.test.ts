import { IDBKeyRange } from 'fake-indexeddb'
import { expect, test, vi } from 'vitest'
import { Listing } from '../../../adapters/indexeddb/listing.ts'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

test('concurrent calls of next() get each entry once', async () => {
  const listing = new Listing({}, 2, async () => ({ items: ['a', 'b'], lastKey: undefined }))
  const found = await Promise.all([listing.next(), listing.next(), listing.next()])
  expect(found.map(({ value }) => value)).toEqual(['a', 'b', undefined])
})
