// oxlint-disable-next-line import/no-unassigned-import -- the import sets the globals of IndexedDB, and exports nothing
import 'fake-indexeddb/auto'
import { expect, test, vi } from 'vitest'
import { deafIndexedDB } from '../../../src/testing/index.ts'
import { testIndexedDBFaults } from './indexeddb-faults.ts'

testIndexedDBFaults({ isFake: true })

test('a fault is UNAVAILABLE where there is no IndexedDB', () => {
  vi.stubGlobal('indexedDB', undefined)
  try {
    expect(() => deafIndexedDB()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
  } finally {
    vi.unstubAllGlobals()
  }
})
