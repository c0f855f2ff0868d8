import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import {
  blockedIndexedDB,
  closedIndexedDB,
  deafIndexedDB,
  fullIndexedDB,
  type IndexedDBFault,
} from '../../../src/testing/index.ts'

const TIMEOUT_MS = 500

let count = 0
let prefix = ''
beforeEach(() => {
  prefix = `faults${count++}`
})

/** Restores a fault after the test, so that a test that fails does not affect the next. */
function use<T extends IndexedDBFault>(fault: T): T {
  onTestFinished(() => fault.restore())
  return fault
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('no error')))
  })
}

/** Resolves to the event that ends a transaction. */
function endOf(transaction: IDBTransaction): Promise<string> {
  return new Promise((resolve) => {
    transaction.addEventListener('complete', () => resolve('complete'))
    transaction.addEventListener('abort', () => resolve(`abort ${transaction.error?.name}`))
  })
}

/** Resolves to `deaf` if no event ends a transaction within 100 ms. */
function endOrDeaf(transaction: IDBTransaction): Promise<string> {
  const deaf = new Promise<string>((resolve) => setTimeout(resolve, 100, 'deaf'))
  return Promise.race([endOf(transaction), deaf])
}

/** Opens a database without botshelf. */
async function openRaw(name = prefix): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => {
    request.result.createObjectStore('entries')
    request.result.createObjectStore('meta')
  }
  const db = await resultOf(request)
  onTestFinished(() => db.close())
  return db
}

function put(db: IDBDatabase, key: string, value: unknown): IDBTransaction {
  const transaction = db.transaction('entries', 'readwrite')
  transaction.objectStore('entries').put(value, key)
  return transaction
}

function read(db: IDBDatabase, key: string): Promise<unknown> {
  return resultOf(db.transaction('entries').objectStore('entries').get(key) as IDBRequest<unknown>)
}

interface TestStore {
  readonly runtime: StorageRuntime
  readonly store: Store
  readonly events: string[]
}

async function openStore(openTimeout = 20_000): Promise<TestStore> {
  const events: string[] = []
  const plugin = new IndexedDBStoragePlugin({
    STORAGE_CONFIG: { database: prefix, openTimeout },
  })
  const runtime = new StorageRuntime(plugin, {
    operationTimeout: TIMEOUT_MS,
    onEvent: ({ type }) => events.push(type),
  })
  onTestFinished(() => runtime.close())
  return { runtime, store: await runtime.open('ns'), events }
}

/**
 * The tests of the faults: they run in a page, and with fake-indexeddb in Node.
 *
 * @param isFake whether it is fake-indexeddb, which begins a transaction that waits with the `complete`
 * event of the one before: with one that is deaf, only when another one is requested
 */
export function testIndexedDBFaults({ isFake = false } = {}): void {
  describe('deafIndexedDB()', () => {
    test('the nth transaction completes without an event, and only that one', async () => {
      const db = await openRaw()
      const fault = use(deafIndexedDB({ nth: 2 }))
      expect(await endOf(put(db, 'a', 1))).toBe('complete')
      expect(await endOrDeaf(put(db, 'b', 1))).toBe('deaf')
      expect(await endOf(put(db, 'c', 1))).toBe('complete')
      expect(fault.callCount).toBe(3)
      expect(await read(db, 'b')).toBe(1)
    })

    test('no request of a deaf transaction gets an event either', async () => {
      const db = await openRaw()
      use(deafIndexedDB())
      const transaction = db.transaction('entries')
      const events: string[] = []
      const request = transaction.objectStore('entries').get('a')
      request.onsuccess = () => events.push('onsuccess')
      request.addEventListener('success', () => events.push('success'), { capture: true })
      expect(await endOrDeaf(transaction)).toBe('deaf')
      expect(request.readyState).toBe('done')
      expect(events).toEqual([])
    })

    test('`count: Infinity` makes all deaf from the nth on, until restore()', async () => {
      const db = await openRaw()
      const fault = use(deafIndexedDB({ nth: 2, count: Number.POSITIVE_INFINITY }))
      expect(await endOf(put(db, 'a', 1))).toBe('complete')
      expect(await endOrDeaf(put(db, 'b', 1))).toBe('deaf')
      expect(await endOrDeaf(put(db, 'c', 1))).toBe('deaf')
      fault.restore()
      expect(await endOf(put(db, 'd', 1))).toBe('complete')
      expect(fault.callCount).toBe(3)
    })

    test('counts only transactions with the database, store and mode', async () => {
      const db = await openRaw()
      const other = use(deafIndexedDB({ database: 'other' }))
      const fault = use(deafIndexedDB({ database: prefix, store: 'entries', mode: 'readonly' }))
      expect(await endOf(put(db, 'a', 1))).toBe('complete')
      const meta = db.transaction('meta')
      meta.objectStore('meta').get('a')
      expect(await endOf(meta)).toBe('complete')
      const entries = db.transaction(['meta', 'entries'])
      entries.objectStore('entries').get('a')
      expect(await endOrDeaf(entries)).toBe('deaf')
      await fault.happened
      expect([fault.callCount, other.callCount]).toEqual([1, 0])
    })

    test.skipIf(isFake)('with `hold`, later transactions wait until restore()', async () => {
      const db = await openRaw()
      const fault = use(deafIndexedDB({ hold: true }))
      put(db, 'a', 1)
      const later = put(db, 'b', 2)
      expect(await endOrDeaf(later)).toBe('deaf')
      const ended = endOf(later)
      fault.restore()
      expect(await ended).toBe('complete')
      expect(await read(db, 'a')).toBe(1)
    })

    test('a write of a store is TIMEOUT and unknown, and the store works after it', async () => {
      const { store } = await openStore()
      use(deafIndexedDB({ store: 'entries', mode: 'readwrite' }))
      await expect(store.set('a', 1)).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
      expect(await store.get('a')).toBe(1)
    })

    test('`at: "commit"` begins once the commit was requested, so a step of a store is applied', async () => {
      const { store } = await openStore()
      use(deafIndexedDB({ store: 'entries', mode: 'readwrite', at: 'commit' }))
      const error = { code: 'TIMEOUT', outcome: 'unknown' }
      await expect(store.increment('n')).rejects.toMatchObject(error)
      expect(await store.get('n')).toBe(1)
    })

    test('a step that is held before its commit is TIMEOUT and not applied', async () => {
      const { store } = await openStore()
      use(deafIndexedDB({ store: 'entries', mode: 'readwrite', hold: true }))
      const error = { code: 'TIMEOUT', outcome: 'not-applied' }
      await expect(store.update('a', () => 1)).rejects.toMatchObject(error)
      expect(await store.get('a')).toBe(undefined)
      expect(await store.increment('a')).toBe(1)
    })
  })

  describe('fullIndexedDB()', () => {
    test('a put succeeds, and then its transaction aborts with QuotaExceededError', async () => {
      const db = await openRaw()
      await endOf(put(db, 'a', 'old'))
      const fault = use(fullIndexedDB())
      const transaction = db.transaction('entries', 'readwrite')
      const entries = transaction.objectStore('entries')
      const ended = endOf(transaction)
      expect(await resultOf(entries.put('new', 'a'))).toBe('a')
      expect(await resultOf(entries.put('new', 'b'))).toBe('b')
      expect(await ended).toBe('abort QuotaExceededError')
      expect(fault.callCount).toBe(1)
      expect([await read(db, 'a'), await read(db, 'b')]).toEqual(['old', undefined])
    })

    test('commit() does not commit it', async () => {
      const db = await openRaw()
      use(fullIndexedDB())
      const transaction = db.transaction('entries', 'readwrite')
      transaction.objectStore('entries').add('new', 'a')
      transaction.commit()
      expect(await endOf(transaction)).toBe('abort QuotaExceededError')
      expect(await read(db, 'a')).toBe(undefined)
    })

    test('an error of the transaction itself stays its error', async () => {
      const db = await openRaw()
      await endOf(put(db, 'a', 'old'))
      use(fullIndexedDB())
      const transaction = db.transaction('entries', 'readwrite')
      transaction.objectStore('entries').add('new', 'a')
      expect(await endOf(transaction)).toBe('abort ConstraintError')
    })

    test('writes of a store are QUOTA_EXCEEDED; reads and deletions work', async () => {
      const { store } = await openStore()
      await store.setMany({ a: 1, b: 2 })
      const fault = use(fullIndexedDB({ count: Number.POSITIVE_INFINITY }))
      const error = { code: 'QUOTA_EXCEEDED', outcome: 'not-applied' }
      await expect(store.set('a', 3)).rejects.toMatchObject(error)
      await expect(store.increment('a')).rejects.toMatchObject(error)
      await expect(store.insert('c', 1)).rejects.toMatchObject(error)
      expect(fault.callCount).toBe(3)
      await store.delete('b')
      expect([await store.get('a'), await store.size()]).toEqual([1, 1])
      fault.restore()
      expect(await store.increment('a')).toBe(2)
    })
  })

  describe('closedIndexedDB()', () => {
    test('the nth transaction aborts with UnknownError; its connection gets `close` and is dead', async () => {
      const db = await openRaw()
      let closeCount = 0
      const closed = new Promise<void>((resolve) => {
        db.addEventListener('close', () => {
          closeCount++
          resolve()
        })
      })
      use(closedIndexedDB({ nth: 2 }))
      const ends = [put(db, 'a', 1), put(db, 'b', 1), put(db, 'c', 1)].map(endOf)
      expect(await Promise.all(ends)).toEqual([
        'complete',
        'abort UnknownError',
        'abort UnknownError',
      ])
      await closed
      expect(() => db.transaction('entries')).toThrow(
        expect.objectContaining({ name: 'InvalidStateError' }),
      )
      const again = await openRaw()
      expect([await read(again, 'a'), await read(again, 'b')]).toEqual([1, undefined])
      expect(closeCount).toBe(1)
    })

    test('other connections stay open, and their transactions complete', async () => {
      const [db, other] = [await openRaw(), await openRaw(`${prefix} other`)]
      use(closedIndexedDB({ database: prefix }))
      const transaction = other.transaction('entries', 'readwrite')
      for (let key = 0; key < 1000; key++) transaction.objectStore('entries').put(1, key)
      const ended = [endOf(transaction), endOf(put(db, 'a', 1))]
      expect(await Promise.all(ended)).toEqual(['complete', 'abort UnknownError'])
      expect(await endOf(put(other, 'b', 1))).toBe('complete')
    })

    test('a transaction whose commit was requested completes without an event', async () => {
      const db = await openRaw()
      use(closedIndexedDB())
      const transaction = put(db, 'a', 1)
      transaction.commit()
      expect(await endOrDeaf(transaction)).toBe('deaf')
      expect(await read(await openRaw(), 'a')).toBe(1)
    })

    test('a step of a store runs again on a new connection, and is applied once', async () => {
      const { store, events } = await openStore()
      await store.set('n', 1)
      const fault = use(closedIndexedDB({ store: 'entries', mode: 'readwrite' }))
      expect(await store.increment('n')).toBe(2)
      expect(await store.get('n')).toBe(2)
      expect(fault.callCount).toBe(2)
      expect(events).toEqual(['reopened'])
    })

    test('with `at: "commit"` the requests succeed first, and what they wrote is stored', async () => {
      const db = await openRaw()
      use(closedIndexedDB({ at: 'commit' }))
      const transaction = db.transaction('entries', 'readwrite')
      const ended = endOrDeaf(transaction)
      expect(await resultOf(transaction.objectStore('entries').put(1, 'a'))).toBe('a')
      transaction.commit()
      expect(await ended).toBe('deaf')
      expect(() => db.transaction('entries')).toThrow(
        expect.objectContaining({ name: 'InvalidStateError' }),
      )
      expect(await read(await openRaw(), 'a')).toBe(1)
    })

    test('with `at: "commit"` a step of a store is applied once, and resolves', async () => {
      const { store, events } = await openStore()
      const fault = use(closedIndexedDB({ mode: 'readwrite', at: 'commit' }))
      expect(await store.increment('n')).toBe(1)
      await fault.happened
      expect(await store.get('n')).toBe(1)
      expect(events).toEqual(['reopened'])
    })
  })

  describe('blockedIndexedDB()', () => {
    test('dropping the namespace is BLOCKED, and works after restore()', async () => {
      const { runtime, store, events } = await openStore(TIMEOUT_MS)
      await store.set('a', 1)
      await store.close()
      const fault = use(await blockedIndexedDB({ database: `${prefix}/ns` }))
      await expect(runtime.drop('ns')).rejects.toMatchObject({ code: 'BLOCKED' })
      await fault.happened
      expect(fault.callCount).toBe(1)
      expect(events).toEqual(['blocked'])
      fault.restore()
      await runtime.drop('ns')
      expect(await indexedDB.databases()).not.toContainEqual(
        expect.objectContaining({ name: `${prefix}/ns` }),
      )
    })

    test('is UNAVAILABLE for a database that does not exist, and does not create it', async () => {
      const blocking = blockedIndexedDB({ database: prefix })
      await expect(blocking).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      expect(await indexedDB.databases()).not.toContainEqual(
        expect.objectContaining({ name: prefix }),
      )
    })
  })

  test('faults can be restored in any order', async () => {
    const db = await openRaw()
    const [first, second] = [use(deafIndexedDB({ nth: 9 })), use(deafIndexedDB({ nth: 9 }))]
    first.restore()
    await endOf(put(db, 'a', 1))
    expect([first.callCount, second.callCount]).toEqual([0, 1])
    second.restore()
    await endOf(put(db, 'a', 1))
    expect([first.callCount, second.callCount]).toEqual([0, 1])
    const third = use(deafIndexedDB({ nth: 9 }))
    third[Symbol.dispose]()
    await endOf(put(db, 'a', 1))
    expect(third.callCount).toBe(0)
  })

  test.each([
    { nth: 0 },
    { nth: 1.5 },
    { count: 0 },
    { mode: 'write' },
    { at: 'end' },
    { store: 1 },
    { database: null },
    { first: 1 },
  ])('options %j are INVALID_VALUE, and nothing is replaced', (options) => {
    const before = Object.getOwnPropertyDescriptors(IDBDatabase.prototype)
    for (const inject of [deafIndexedDB, fullIndexedDB, closedIndexedDB]) {
      expect(() => inject(options as object)).toThrow(
        expect.objectContaining({ code: 'INVALID_VALUE' }),
      )
    }
    expect(Object.getOwnPropertyDescriptors(IDBDatabase.prototype)).toEqual(before)
  })
}
