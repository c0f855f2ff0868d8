import { expect, onTestFinished, test } from 'vitest'
import { cdp } from 'vitest/browser'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import { sleep } from '../../../src/async.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import type { StorageBase } from '../../../src/storage.ts'
import { replaceMethod } from './support/replace-method.ts'

function createPlugin(database: string = crypto.randomUUID()): IndexedDBStoragePlugin {
  return new IndexedDBStoragePlugin({ STORAGE_CONFIG: { database } })
}

async function openStore(): Promise<Store> {
  const runtime = new StorageRuntime(createPlugin())
  onTestFinished(() => runtime.close())
  return runtime.open('ns')
}

async function openStorage(database?: string): Promise<StorageBase> {
  const storage = await createPlugin(database).open('ns')
  onTestFinished(() => storage.close())
  // The identity of the database is read after the opening.
  await storage.getMany(['a'])
  await sleep(50)
  return storage
}

function set(key: string, version: string) {
  return { key, entry: { value: 1, version }, bytes: 2 }
}

/** Returns the versions of the entries that are read. */
async function readVersions(storage: StorageBase, ...keys: string[]): Promise<unknown[]> {
  const found = await storage.getMany(keys)
  return keys.map((key) => found.get(key)?.version)
}

/** Counts the transactions that begin until the test ends. */
function countTransactions(): () => number {
  let count = 0
  onTestFinished(
    replaceMethod(
      IDBDatabase.prototype,
      'transaction',
      (transaction) =>
        function (this: IDBDatabase, ...parameters) {
          count++
          return transaction.apply(this, parameters)
        },
    ),
  )
  return () => count
}

/** Calls `read` over and over, each time in the answer of the call before, until `stop` is called. */
function readEndlessly(read: () => Promise<unknown>): { stop: () => Promise<void> } {
  const stopping = new AbortController()
  const reading = (async () => {
    while (!stopping.signal.aborted) await read()
  })()
  return {
    stop() {
      stopping.abort()
      return reading
    },
  }
}

test('reads that are each awaited before the next share a transaction, up to 64 of them', async () => {
  const store = await openStore()
  await store.set('a', 1)
  await sleep(50)
  const transactions = countTransactions()
  for (let index = 0; index < 130; index++) expect(await store.get('a')).toBe(1)
  expect(transactions()).toBe(3)
})

test('reads at once and the reads that follow them share a transaction', async () => {
  const store = await openStore()
  await store.set('a', 1)
  await sleep(50)
  const transactions = countTransactions()
  const handle = async (): Promise<unknown> => [await store.get('a'), await store.get('b')]
  const results = await Promise.all([handle(), handle(), handle()])
  expect(results).toEqual([1, 2, 3].map(() => [1, undefined]))
  expect(transactions()).toBe(1)
})

test('a read that begins in a later task has a transaction of its own', async () => {
  const store = await openStore()
  await store.set('a', 1)
  await sleep(50)
  const transactions = countTransactions()
  for (let index = 0; index < 3; index++) {
    expect(await store.get('a')).toBe(1)
    await sleep(0)
  }
  expect(transactions()).toBe(3)
})

test('a read sees a write that began before it, although it follows an earlier read', async () => {
  const storage = await openStorage()
  const transactions = countTransactions()
  await storage.getMany(['a'])
  const writing = storage.commit([[set('a', 'v1')]])
  expect(await readVersions(storage, 'a')).toEqual(['v1'])
  expect(await writing).toEqual(['applied'])
  expect(transactions()).toBe(3)
})

test('a read sees a write that began while an earlier read was running', async () => {
  const storage = await openStorage()
  await storage.getMany(['a'])
  const reading = readVersions(storage, 'a')
  const writing = storage.commit([[set('a', 'v1')]])
  expect(await reading).toEqual([undefined])
  expect(await readVersions(storage, 'a')).toEqual(['v1'])
  expect(await writing).toEqual(['applied'])
})

test('of the reads that begin with an answer at once, one shares the transaction', async () => {
  const storage = await openStorage()
  await storage.commit([[set('a', 'v1'), set('b', 'v2')]])
  const transactions = countTransactions()
  await storage.getMany(['a'])
  const reads = [readVersions(storage, 'a'), readVersions(storage, 'b', 'a')]
  expect(await Promise.all(reads)).toEqual([['v1'], ['v2', 'v1']])
  expect(transactions()).toBe(2)
})

test('after a write that began with an answer, a read does not share the transaction of one that runs', async () => {
  const storage = await openStorage()
  const transactions = countTransactions()
  await storage.getMany(['a'])
  const writing = storage.commit([[set('a', 'v1')]])
  const reads = [readVersions(storage, 'a'), readVersions(storage, 'a')]
  expect(await Promise.all(reads)).toEqual([['v1'], ['v1']])
  expect(await writing).toEqual(['applied'])
  expect(transactions()).toBe(4)
})

test('what was read is released while no read runs', async () => {
  const storage = await openStorage()
  const requests: WeakRef<IDBRequest>[] = []
  onTestFinished(
    replaceMethod(
      IDBObjectStore.prototype,
      'get',
      (get) =>
        function (this: IDBObjectStore, key) {
          const request = get.call(this, key)
          requests.push(new WeakRef(request))
          return request
        },
    ),
  )
  for (let index = 0; index < 3; index++) await storage.getMany(['a'])
  // A WeakRef keeps its object until the task ends.
  await sleep(50)
  // vitest declares CDPSession as empty, for its browser provider to extend.
  const session = cdp() as { send?: (method: string) => Promise<unknown> }
  await session.send?.('HeapProfiler.collectGarbage')
  expect(requests.map((request) => request.deref())).toEqual([undefined, undefined, undefined])
})

test('a read that fails in a shared transaction fails alone', async () => {
  const storage = await openStorage()
  await storage.commit([[set('a', 'v1')]])
  onTestFinished(
    replaceMethod(
      IDBObjectStore.prototype,
      'get',
      (get) =>
        function (this: IDBObjectStore, key) {
          if (key === 'unreadable') throw new DOMException('', 'NotReadableError')
          return get.call(this, key)
        },
    ),
  )
  expect(await readVersions(storage, 'a')).toEqual(['v1'])
  const failing = storage.getMany(['a', 'unreadable'])
  const other = readVersions(storage, 'a')
  await expect(failing).rejects.toMatchObject({ code: 'CORRUPT', outcome: 'not-applied' })
  expect(await other).toEqual(['v1'])
  expect(await readVersions(storage, 'a')).toEqual(['v1'])
})

test('a read whose shared transaction is aborted after a time limit fails, and later ones work', async () => {
  const storage = await openStorage()
  await storage.commit([[set('a', 'v1')]])
  expect(await readVersions(storage, 'a')).toEqual(['v1'])
  const reading = storage.getMany(['a'])
  storage.onTimeout?.()
  await expect(reading).rejects.toMatchObject({ code: 'CONNECTION_LOST', outcome: 'not-applied' })
  expect(await readVersions(storage, 'a')).toEqual(['v1'])
})

test('a write of another connection runs between reads that follow one another endlessly', async () => {
  const database = crypto.randomUUID()
  const [reader, writer] = await Promise.all([openStorage(database), openStorage(database)])
  const endless = readEndlessly(() => reader.getMany(['a']))
  for (const version of ['v1', 'v2', 'v3']) {
    expect(await writer.commit([[set('a', version)]])).toEqual(['applied'])
    expect(await readVersions(reader, 'a')).toEqual([version])
  }
  await endless.stop()
})

test('reads that follow one another endlessly do not keep the database from being deleted', async () => {
  const database = crypto.randomUUID()
  const reader = await openStorage(database)
  await reader.commit([[set('a', 'v1')]])
  const endless = readEndlessly(() => reader.getMany(['a']))
  await sleep(20)
  await createPlugin(database).drop?.('ns')
  expect(await readVersions(reader, 'a')).toEqual([undefined])
  await endless.stop()
})
