import { expect, test } from 'vitest'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'

const create = (openTimeout: number): IndexedDBStoragePlugin =>
  new IndexedDBStoragePlugin({ STORAGE_CONFIG: { openTimeout } })

test.each([0.5, 0, -1, 2 ** 31])('openTimeout: %s is CONFIG_INVALID', (openTimeout) => {
  expect(() => create(openTimeout)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`between 1 and 2147483647 ms; received ${openTimeout}.`),
    }),
  )
})

test.each([1, 2 ** 31 - 1])('openTimeout: %s is accepted', (openTimeout) => {
  expect(() => create(openTimeout)).not.toThrow()
})
