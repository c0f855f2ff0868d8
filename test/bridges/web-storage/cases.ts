import { describe, expect, test, vi } from 'vitest'
import { type WebStorage, webStorage } from '../../../bridges/web-storage.ts'
import type { StorageRuntime, Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'

const HOUR = 3_600_000

type State = Record<string, unknown>

const nest = (x: State, y: State): State => ({ state: { counts: x, deeper: { still: y } } })

const createFields = (n: number): State => ({
  map: new Map([['n', n]]),
  list: [n],
  date: new Date(n),
  nan: NaN,
  none: undefined,
})

/** Tests what all libraries share. */
export function testWebStorage(backend: BridgeBackend): void {
  describeBridge('web-storage', backend, ({ open, openAll }) => {
    describe.each([{ merge: false }, { merge: true }])('with %o', (options) => {
      test('getItem() resolves to null for a missing key', async () => {
        const storage = webStorage(await open(), options)
        expect(await storage.getItem('app')).toBeNull()
      })

      test('getItem() resolves to what setItem() stored, until removeItem()', async () => {
        const storage = webStorage(await open(), options)
        const value = { since: new Date(0), tags: new Map([['a', new Set([1n])]]), none: undefined }
        await storage.setItem('app', value)
        expect(await storage.getItem('app')).toEqual(value)
        await storage.removeItem('app')
        await storage.removeItem('app')
        expect(await storage.getItem('app')).toBeNull()
      })

      test('values that count as false are kept', async () => {
        const { setItem, entries } = webStorage(await open(), options)
        await Promise.all([
          setItem('a', ''),
          setItem('b', 0),
          setItem('c', false),
          setItem('d', null),
        ])
        expect(await entries()).toEqual([
          ['a', ''],
          ['b', 0],
          ['c', false],
          ['d', null],
        ])
      })

      test('the methods need no this', async () => {
        const { getItem, setItem, removeItem, entries } = webStorage(await open(), options)
        await setItem('app', 'text')
        expect([await getItem('app'), await entries()]).toEqual(['text', [['app', 'text']]])
        await removeItem('app')
        expect(await entries()).toEqual([])
      })

      test('a key without a time to live never expires', async () => {
        const store = await open()
        await store.set('app', { a: 1 }, { ttl: HOUR })
        await webStorage(store, options).setItem('app', { a: 2 })
        expect(await store.record('app')).toEqual({ value: { a: 2 } })
      })

      test('a key expires its time to live after its last write', async () => {
        let time = Date.now()
        const storage = webStorage(await open(() => time), { ttl: HOUR, ...options })
        await storage.setItem('app', { a: 1 })
        time += HOUR - 1
        await storage.setItem('app', { a: 2 })
        time += HOUR - 1
        expect(await storage.getItem('app')).toEqual({ a: 2 })
        time += 1
        expect(await storage.getItem('app')).toBeNull()
        expect(await storage.entries()).toEqual([])
      })

      test('a value that cannot be stored rejects with its path, and changes nothing', async () => {
        const storage = webStorage<unknown>(await open(), options)
        await storage.setItem('app', { a: 1 })
        const written = storage.setItem('app', { state: { a: 2, add: () => {} } })
        await expect(written).rejects.toMatchObject({
          code: 'INVALID_VALUE',
          key: 'app',
          message: expect.stringContaining('$.state.add is a function'),
        })
        await expect(storage.setItem('app', undefined)).rejects.toMatchObject({
          code: 'INVALID_VALUE',
        })
        expect(await storage.getItem('app')).toEqual({ a: 1 })
      })

      test('a closed store rejects every call', async () => {
        const store = await open()
        const { getItem, setItem, removeItem, entries } = webStorage(store, options)
        await store.close()
        const calls = [getItem('a'), setItem('a', 1), removeItem('a'), entries()]
        for (const { reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[])
          expect(reason).toMatchObject({ code: 'STORE_NOT_OPEN' })
      })
    })

    test('writes of different keys by 10 clients are all kept', async () => {
      const storages = (await openAll<number>(10)).map((store) => webStorage(store))
      const writes = Array.from({ length: 100 }, async (_, index) =>
        storages[index % 10]!.setItem(`key-${index}`, index),
      )
      await Promise.all(writes)
      expect(await storages[0]!.entries()).toHaveLength(100)
    })

    test('without merge, a write replaces what another client wrote', async () => {
      const [a, b] = await openStorages({ merge: false })
      await a.setItem('app', { a: 1 })
      await b.setItem('app', { b: 1 })
      expect(await a.getItem('app')).toEqual({ b: 1 })
    })

    describe('with merge', () => {
      test('a write keeps the fields that others have changed, added or removed', async () => {
        const [a, b] = await openStorages({ merge: true })
        await a.setItem('app', { own: 0, changed: 0, removed: 0 })
        await b.getItem('app')
        await b.setItem('app', { own: 0, changed: 1, added: 1 })
        await a.setItem('app', { own: 1, changed: 0, removed: 0 })
        expect(await a.getItem('app')).toEqual({ own: 1, changed: 1, added: 1 })
      })

      test('a field that two clients changed gets the later value', async () => {
        const [a, b] = await openStorages({ merge: true })
        await a.setItem('app', { field: 0, gone: 0 })
        await b.getItem('app')
        await b.setItem('app', { field: 1, gone: 1 })
        await a.setItem('app', { field: 2 })
        expect(await b.getItem('app')).toEqual({ field: 2 })
      })

      test('fields are merged three levels deep, and below that replaced', async () => {
        const [a, b] = await openStorages({ merge: true })
        await a.setItem('app', nest({}, {}))
        await b.getItem('app')
        await b.setItem('app', nest({ b: 1 }, { b: 1 }))
        await a.setItem('app', nest({ a: 1 }, { a: 1 }))
        expect(await a.getItem('app')).toEqual(nest({ a: 1, b: 1 }, { a: 1 }))
      })

      test('a Map, a list and a Date count as changed only if their contents differ', async () => {
        const [a, b] = await openStorages({ merge: true })
        await a.setItem('app', { ...createFields(0), own: 0 })
        await b.getItem('app')
        await b.setItem('app', { ...createFields(1), own: 0 })
        await a.setItem('app', { ...createFields(0), own: 1 })
        expect(await a.getItem('app')).toEqual({ ...createFields(1), own: 1 })
      })

      test('0 and -0 differ', async () => {
        const [a, b] = await openStorages({ merge: true })
        await a.setItem('app', { field: 0 })
        await a.setItem('app', { field: -0 })
        expect(await b.getItem('app')).toEqual({ field: -0 })
      })

      test('a field that another client set to undefined stays so', async () => {
        const [a, b] = await openStorages({ merge: true })
        await a.setItem('app', { field: 1, own: 0 })
        await b.getItem('app')
        await b.setItem('app', { field: undefined, own: 0 })
        await a.setItem('app', { field: 1, own: 1 })
        expect(await a.getItem('app')).toStrictEqual({ field: undefined, own: 1 })
      })

      test('an object that the library changes in place and writes again is stored', async () => {
        const [a, b] = await openStorages({ merge: true })
        const staged: State = { field: 0, list: [] as number[] }
        await a.setItem('app', staged)
        staged['field'] = 1
        staged['list'] = [1]
        const written = a.setItem('app', staged)
        staged['field'] = 2
        await written
        expect(await b.getItem('app')).toEqual({ field: 1, list: [1] })
      })

      test('what getItem() returned belongs to the library', async () => {
        const [a] = await openStorages({ merge: true })
        await a.setItem('app', { list: [1] })
        const value = await a.getItem('app')
        ;(value!['list'] as number[]).push(2)
        await a.setItem('app', value!)
        expect(await a.getItem('app')).toEqual({ list: [1, 2] })
      })

      test('the first write of a client that has read nothing wins in all of its fields', async () => {
        const [a, b] = await openStorages({ merge: true })
        await a.setItem('app', { both: 1, a: 1 })
        await b.setItem('app', { both: 2, b: 2 })
        expect(await a.getItem('app')).toEqual({ both: 2, a: 1, b: 2 })
      })

      test('a key that another client removed is written whole', async () => {
        const [a, b] = await openStorages({ merge: true })
        await a.setItem('app', { a: 1, b: 1 })
        await b.removeItem('app')
        await a.setItem('app', { a: 1, b: 1 })
        expect(await b.getItem('app')).toEqual({ a: 1, b: 1 })
      })

      test('the first write after removeItem() wins in all of its fields', async () => {
        const [a, b] = await openStorages({ merge: true })
        await a.setItem('app', { a: 1 })
        await a.removeItem('app')
        await b.setItem('app', { a: 2 })
        await a.setItem('app', { a: 1 })
        expect(await b.getItem('app')).toEqual({ a: 1 })
      })

      test('text is replaced, as it has no fields', async () => {
        const [store, other] = await openAll<string>(2)
        const [a, b] = [webStorage(store!, { merge: true }), webStorage(other!, { merge: true })]
        await a.setItem('app', '{"a":1}')
        await b.setItem('app', '{"b":1}')
        expect(await a.getItem('app')).toBe('{"b":1}')
      })

      test('the write after a failed one stores the changes of both', async () => {
        const [store, other] = await openAll<State>(2)
        const storage = webStorage(store!, { merge: true })
        await storage.setItem('app', { a: 0, b: 0, c: 0 })
        await other!.update('app', (app) => ({ ...app, c: 1 }))
        const update = vi.spyOn(store!, 'update').mockRejectedValueOnce(new Error('offline'))
        await expect(storage.setItem('app', { a: 1, b: 0, c: 0 })).rejects.toThrow('offline')
        update.mockRestore()
        await storage.setItem('app', { a: 1, b: 1, c: 0 })
        expect(await other!.get('app')).toEqual({ a: 1, b: 1, c: 1 })
      })
    })

    describe('with merge, of writes that are not awaited', () => {
      test('all changes are stored by the write after two that failed', async () => {
        const { storage, other, failNext } = await openWithFailures()
        await storage.setItem('app', { a: 0, b: 0, c: 0, on: false })
        await other.update('app', (app) => ({ ...app, c: 1 }))
        failNext(2)
        await Promise.allSettled([
          storage.setItem('app', { a: 1, b: 0, c: 0, on: true }),
          storage.setItem('app', { a: 1, b: 1, c: 0, on: false }),
        ])
        await storage.setItem('app', { a: 1, b: 1, c: 0, on: true })
        expect(await other.get('app')).toEqual({ a: 1, b: 1, c: 1, on: true })
      })

      test('a write that succeeds after one that failed stores the changes of both', async () => {
        const { storage, other, failNext } = await openWithFailures()
        await storage.setItem('app', { a: 0, gone: 0 })
        failNext(1)
        await Promise.allSettled([
          storage.setItem('app', { a: 1, empty: {} }),
          storage.setItem('app', { a: 1, empty: {}, b: 1 }),
        ])
        expect(await other.get('app')).toEqual({ a: 1, b: 1, empty: {} })
      })

      test('a removed object does not return when the writes before failed', async () => {
        const { storage, other, failNext } = await openWithFailures()
        await storage.setItem('app', { field: { x: 1 } })
        failNext(1)
        await Promise.allSettled([
          storage.setItem('app', { field: 5 }),
          storage.setItem('app', { field: {} }),
        ])
        expect(await other.get('app')).toEqual({ field: {} })
      })

      test('the last of several writes decides, and the fields of others stay', async () => {
        const { storage, other } = await openWithFailures()
        await storage.setItem('app', { on: false, theirs: 0 })
        await other.update('app', (app) => ({ ...app, theirs: 1 }))
        await Promise.all(
          [true, false, true, false].map(async (on) => storage.setItem('app', { on, theirs: 0 })),
        )
        expect(await other.get('app')).toEqual({ on: false, theirs: 1 })
        await other.update('app', (app) => ({ ...app, on: true }))
        await storage.setItem('app', { on: false, theirs: 0, own: 1 })
        expect(await other.get('app')).toEqual({ on: true, theirs: 1, own: 1 })
      })
    })

    /** Opens a storage with merge, whose next writes can be made to fail, and a store beside it. */
    async function openWithFailures(): Promise<{
      storage: Storage
      other: Store<Record<string, State>>
      failNext: (count: number) => void
    }> {
      const [store, other] = await openAll<State>(2)
      const failNext = (count: number): void => {
        const update = vi.spyOn(store!, 'update')
        for (let n = 0; n < count; n++) update.mockRejectedValueOnce(new Error('offline'))
      }
      return { storage: webStorage(store!, { merge: true }), other: other!, failNext }
    }

    async function openStorages(options: { merge: boolean }): Promise<[Storage, Storage]> {
      const [a, b] = await openAll<State>(2)
      return [webStorage(a!, options), webStorage(b!, options)]
    }
    type Storage = WebStorage<State>

    describe('bad input', () => {
      test.each([
        ['a ttl of 0', { ttl: 0 }, 'options.ttl must be a positive number of milliseconds'],
        ['a ttl of NaN', { ttl: NaN }, 'options.ttl must be a positive number of milliseconds'],
        ['a ttl that is text', { ttl: '60' }, 'options.ttl must be'],
        ['merge that is text', { merge: 'yes' }, 'options.merge must be true or false'],
        ['an unknown option', { prefix: 'a' }, 'options.prefix is not an option here'],
        ['options that are null', null, 'options must be a plain object'],
      ])('%s is refused', async (_, options, message) => {
        const store = await open()
        expect(() => webStorage(store, options as object)).toThrow(
          expect.objectContaining({
            code: 'INVALID_VALUE',
            message: expect.stringContaining(message),
          }),
        )
      })

      test('the promise of a store is refused', () => {
        const promise = open() as unknown as Store
        expect(() => webStorage(promise)).toThrow(
          expect.objectContaining({ code: 'INVALID_VALUE' }),
        )
        expect(() => webStorage({} as StorageRuntime as never)).toThrow('needs an open store')
      })

      test('a store without atomic steps serves whole writes, and is refused with merge', async () => {
        const store = await openStoreWithoutAtomicSteps()
        const storage = webStorage(store)
        await storage.setItem('app', 'text')
        expect(await storage.getItem('app')).toBe('text')
        expect(() => webStorage(store, { merge: true })).toThrow(
          expect.objectContaining({ code: 'NOT_ATOMIC' }),
        )
      })
    })
  })
}
