// oxlint-disable-next-line import/no-unassigned-import -- the import sets the globals of IndexedDB, and exports nothing
import 'fake-indexeddb/auto'
import { expect, onTestFinished, test } from 'vitest'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import { rawIndexedDB } from './support/raw-indexeddb.ts'
import { replaceMethod } from './support/replace-method.ts'

const COUNT = 1200
const KEYS = Array.from({ length: COUNT }, (_, index) => `k${String(index).padStart(4, '0')}`)

async function openStore(database: string): Promise<Store> {
  const plugin = new IndexedDBStoragePlugin({ STORAGE_CONFIG: { database } })
  const runtime = new StorageRuntime(plugin)
  onTestFinished(() => runtime.close())
  const store = await runtime.open('ns')
  await store.setMany(Object.fromEntries(KEYS.map((key) => [key, key])))
  return store
}

async function list(listing: AsyncIterable<[string, unknown]>): Promise<[string[], unknown]> {
  const keys: string[] = []
  try {
    for await (const [key] of listing) keys.push(key)
    return [keys, undefined]
  } catch (error) {
    return [keys, error]
  }
}

test.each([0, 1, 499, 500, 501, 777, COUNT - 1])(
  'a listing delivers all entries before a record that is not from botshelf, at position %i',
  async (position) => {
    const store = await openStore(`foreign-${position}`)
    const bad = KEYS[position] as string
    await rawIndexedDB.putEntry(`foreign-${position}/ns`, bad, 'foreign')
    const error = expect.objectContaining({ code: 'CORRUPT', key: bad })
    expect(await list(store.entries())).toEqual([KEYS.slice(0, position), error])
    const behind = KEYS.slice(position + 1)
    expect(await list(store.entries({ reverse: true }))).toEqual([behind.toReversed(), error])
    expect(await list(store.entries({ after: bad }))).toEqual([behind, undefined])
  },
)

test('a listing reads smaller pages if the browser refuses one as too large', async () => {
  const store = await openStore('large')
  const counts: number[] = []
  // As in a browser without getAllRecords().
  Object.defineProperty(IDBObjectStore.prototype, 'getAllRecords', { value: undefined })
  const restore = replaceMethod(
    IDBObjectStore.prototype,
    'getAll',
    (getAll) =>
      function (this: IDBObjectStore, ...parameters) {
        counts.push(Number(parameters[1]))
        if (Number(parameters[1]) > 100) {
          throw new DOMException('Maximum IPC message size exceeded.', 'UnknownError')
        }
        return getAll.apply(this, parameters)
      },
  )
  onTestFinished(restore)
  expect(await list(store.entries())).toEqual([KEYS, undefined])
  expect(counts).toContain(63)
})
