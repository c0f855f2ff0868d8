import { IDBKeyRange } from 'fake-indexeddb'
import { expect, test, vi } from 'vitest'
import { Listing } from '../../../adapters/indexeddb/listing.ts'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

test('whoever asks a listing for several entries at once gets each of them once', async () => {
  const listing = new Listing('', async () => ({ items: ['a', 'b'], last: undefined }))
  const found = await Promise.all([listing.next(), listing.next(), listing.next()])
  expect(found.map(({ value }) => value)).toEqual(['a', 'b', undefined])
})
