import { expect, test } from 'vitest'
import {
  createJSONStorage,
  persist,
  type PersistStorage,
  type StorageValue,
} from 'zustand/middleware'
import { createStore } from 'zustand/vanilla'
import { webStorage } from '../../../bridges/web-storage.ts'
import { type BridgeBackend, describeBridge, recordLostUpdates } from '../support/bridge.ts'
import { getLocalStorage } from './local-storage.ts'

const CLIENTS = 10
const INCREMENTS = 10

type Counts = Record<string, number>

interface Counters {
  readonly counts: Counts
  /** Adds 1 to the counter of a client, as an action of the store. */
  increment(client: string): unknown
}

type Saved = StorageValue<Pick<Counters, 'counts'>>

export function testZustand(backend: BridgeBackend): void {
  describeBridge('web-storage', backend, ({ open, openAll }) => {
    test('zustand: 100 concurrent increments by 10 clients end at 100 with merge', async (context) => {
      const stores = await openAll<Saved>(CLIENTS)
      const name = stores[0]!.namespace
      const ours = await countAll(name, (index) => webStorage(stores[index]!, { merge: true }))
      const theirs = await countAll(name, () => createJSONStorage(getLocalStorage))
      recordLostUpdates(context, {
        updates: CLIENTS * INCREMENTS,
        ours: CLIENTS * INCREMENTS - ours,
        theirs: CLIENTS * INCREMENTS - theirs,
        theirName: backend.name === 'IndexedDB' ? 'localStorage' : 'a Map as localStorage',
      })
      expect(ours).toBe(100)
      expect(theirs).toBe(10)
    })

    test('zustand: a second client gets the state with its Dates and Maps', async () => {
      interface Notes {
        readonly since: Date
        readonly notes: ReadonlyMap<string, bigint>
        clear(): void
      }
      const [a, b] = await openAll<StorageValue<Omit<Notes, 'clear'>>>(2)
      const create = (store: typeof a): ReturnType<typeof createNotes> => createNotes(store!)
      function createNotes(store: NonNullable<typeof a>) {
        return createStore<Notes>()(
          persist(
            (set) => ({
              since: new Date(0),
              notes: new Map(),
              clear: () => set({ notes: new Map() }),
            }),
            {
              name: 'notes',
              storage: webStorage(store),
              partialize: ({ since, notes }) => ({ since, notes }),
            },
          ),
        )
      }
      const written = create(a)
      await written.persist.rehydrate()
      await written.setState({ since: new Date(5), notes: new Map([['a', 1n]]) })
      const read = create(b)
      await read.persist.rehydrate()
      expect(read.persist.hasHydrated()).toBe(true)
      expect(read.getState()).toMatchObject({ since: new Date(5), notes: new Map([['a', 1n]]) })
      read.getState().clear()
      expect(read.getState().notes.size).toBe(0)
    })

    test.each([true, false])(
      'zustand: a change during a rehydration is not replaced by what was stored before (merge: %s)',
      async (merge) => {
        const store = await open<Saved>()
        const counters = createCounters(webStorage(store, { merge }))
        await counters.persist.rehydrate()
        const increment = async (): Promise<unknown> => counters.getState().increment('a')
        await increment()
        await Promise.all([counters.persist.rehydrate(), increment()])
        await increment()
        expect((await store.get('app'))?.state.counts).toEqual({ a: 3 })
      },
    )

    test('zustand: createJSONStorage() stores text', async () => {
      const [a, b] = await openAll<string>(2)
      const [written, read] = [a!, b!].map((store) =>
        createCounters(createJSONStorage(() => webStorage(store))!),
      )
      await written!.persist.rehydrate()
      await written!.getState().increment('a')
      expect(await a!.get('app')).toBe('{"state":{"counts":{"a":1}},"version":0}')
      await read!.persist.rehydrate()
      expect(read!.getState().counts).toEqual({ a: 1 })
    })

    test('zustand: an empty store hydrates with the initial state', async () => {
      const counters = createCounters(webStorage(await open<Saved>()))
      const hydrated = new Promise((resolve) => counters.persist.onFinishHydration(resolve))
      expect(await hydrated).toMatchObject({ counts: {} })
    })

    test('zustand: a state of an earlier version is migrated, and stored', async () => {
      const store = await open<StorageValue<{ count: number }>>()
      await store.set('app', { state: { count: 3 }, version: 1 })
      const counter = createStore<{ count: number }>()(
        persist(() => ({ count: 0 }), {
          name: 'app',
          version: 2,
          storage: webStorage(store, { merge: true }),
          migrate: (state) => ({ count: (state as { count: number }).count * 10 }),
          skipHydration: true,
        }),
      )
      await counter.persist.rehydrate()
      expect(counter.getState()).toEqual({ count: 30 })
      expect(await store.get('app')).toEqual({ state: { count: 30 }, version: 2 })
    })

    test('zustand: with merge, a client of an earlier version adds its fields to the later one', async () => {
      const [a, b] = await openAll<StorageValue<Record<string, number>>>(2)
      const [earlier, later] = [a!, b!].map((store, index) =>
        createStore<Record<string, number>>()(
          persist(() => ({}), {
            name: 'app',
            version: index + 1,
            storage: webStorage(store, { merge: true }),
            migrate: () => ({ renamed: 1 }),
            skipHydration: true,
          }),
        ),
      )
      await earlier!.setState({ count: 1 })
      await later!.persist.rehydrate()
      await earlier!.setState({ count: 2 })
      expect(await a!.get('app')).toEqual({ state: { count: 2, renamed: 1 }, version: 2 })
    })

    test('zustand: clearStorage() removes the state', async () => {
      const store = await open<Saved>()
      const counters = createCounters(webStorage(store))
      await counters.persist.rehydrate()
      await counters.getState().increment('a')
      counters.persist.clearStorage()
      expect(await store.has('app')).toBe(false)
    })

    test('zustand: an action that was not left out rejects the promise of setState()', async () => {
      const store = await open<StorageValue<Counters>>()
      const counters = createStore<Counters>()(
        persist((): Counters => ({ counts: {}, increment() {} }), {
          name: 'app',
          storage: webStorage(store),
          skipHydration: true,
        }),
      )
      await expect(counters.setState({ counts: { a: 1 } })).rejects.toMatchObject({
        code: 'INVALID_VALUE',
        message: expect.stringContaining('$.state.increment is a function'),
      })
    })

    test('zustand: onRehydrateStorage receives the error of a read', async () => {
      const store = await open<Saved>()
      await store.close()
      const error = await new Promise((resolve) => {
        createCounters(webStorage(store), (_, failure) => resolve(failure))
      })
      expect(error).toMatchObject({ code: 'STORE_NOT_OPEN' })
    })
  })
}

/** Lets each client count in a field of its own, all at the same time, and returns the sum. */
async function countAll(
  name: string,
  createStorage: (index: number) => PersistStorage<Saved['state']> | undefined,
): Promise<number> {
  const open = async (index: number) => {
    const counters = createCounters(createStorage(index)!, undefined, name)
    await counters.persist.rehydrate()
    return counters
  }
  const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => open(index)))
  await Promise.all(
    clients.map(async (counters, index) => {
      for (let i = 0; i < INCREMENTS; i++) await counters.getState().increment(`client-${index}`)
    }),
  )
  await clients[0]!.persist.rehydrate()
  return Object.values(clients[0]!.getState().counts).reduce((sum, count) => sum + count, 0)
}

export function createCounters(
  storage: PersistStorage<Saved['state']>,
  onRehydrate: (state?: Counters, error?: unknown) => void = () => {},
  name = 'app',
) {
  return createStore<Counters>()(
    persist(
      (set) => ({
        counts: {},
        increment: (client) =>
          set(({ counts }) => ({ counts: { ...counts, [client]: (counts[client] ?? 0) + 1 } })),
      }),
      {
        name,
        storage,
        partialize: ({ counts }) => ({ counts }),
        onRehydrateStorage: () => onRehydrate,
      },
    ),
  )
}
