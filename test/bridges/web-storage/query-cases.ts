import { createAsyncStoragePersister } from '@tanstack/query-async-storage-persister'
import { QueryClient } from '@tanstack/query-core'
import {
  experimental_createQueryPersister as createQueryPersister,
  type PersistedQuery,
  persistQueryClientRestore,
  persistQueryClientSave,
} from '@tanstack/query-persist-client-core'
import { expect, test, vi } from 'vitest'
import { webStorage } from '../../../bridges/web-storage.ts'
import type { Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

type Queries = Store<Record<string, PersistedQuery>>

const keep = (query: PersistedQuery): PersistedQuery => query

function createPersister(store: Queries, maxAge = Infinity) {
  return createQueryPersister<PersistedQuery>({
    storage: webStorage(store),
    serialize: keep,
    deserialize: keep,
    maxAge,
  })
}

/** Fetches in a client of its own. */
async function fetchQuery<T>(store: Queries, id: number, queryFn: () => T): Promise<T> {
  return new QueryClient().fetchQuery<T, Error, T, number[]>({
    queryKey: [id],
    queryFn,
    persister: createPersister(store).persisterFn,
  })
}

export function testQuery(backend: BridgeBackend): void {
  describeBridge('web-storage', backend, ({ open, openAll }) => {
    test('TanStack Query: 100 queries that 10 clients fetch at the same time are all kept', async () => {
      const stores = await openAll<PersistedQuery>(10)
      const fetches = Array.from({ length: 100 }, async (_, id) =>
        fetchQuery(stores[id % 10]!, id, () => ({ id, at: new Date(id) })),
      )
      await Promise.all(fetches)
      await vi.waitFor(async () => expect(await stores[0]!.size()).toBe(100))
      const client = new QueryClient()
      await createPersister(stores[9]!).restoreQueries(client)
      for (let id = 0; id < 100; id++)
        expect(client.getQueryData([id])).toEqual({ id, at: new Date(id) })
    })

    test('TanStack Query: a second client restores a query instead of fetching it', async () => {
      const [a, b] = await openAll<PersistedQuery>(2)
      await fetchQuery(a!, 1, () => new Map([['a', 1]]))
      await vi.waitFor(async () => expect(await b!.size()).toBe(1))
      const queryFn = vi.fn(() => new Map())
      expect(await fetchQuery(b!, 1, queryFn)).toEqual(new Map([['a', 1]]))
      expect(queryFn).not.toHaveBeenCalled()
    })

    test('TanStack Query: persisterGc() and removeQueries() find their keys', async () => {
      const store = await open<PersistedQuery>()
      for (const id of [1, 2]) await fetchQuery(store, id, () => id)
      await vi.waitFor(async () => expect(await store.size()).toBe(2))
      await createPersister(store).removeQueries({ queryKey: [1] })
      expect([await store.size(), await store.has('tanstack-query-[2]')]).toEqual([1, true])
      await createPersister(store, -1).persisterGc()
      expect(await store.size()).toBe(0)
    })

    test('TanStack Query: createAsyncStoragePersister() saves and restores a whole client', async () => {
      const [a, b] = await openAll<string>(2)
      const create = (store: typeof a) =>
        createAsyncStoragePersister({ storage: webStorage(store!) })
      const saved = new QueryClient()
      saved.setQueryData(['user'], { name: 'Ann' })
      await persistQueryClientSave({ queryClient: saved, persister: create(a) })
      const restored = new QueryClient()
      await persistQueryClientRestore({ queryClient: restored, persister: create(b) })
      expect(restored.getQueryData(['user'])).toEqual({ name: 'Ann' })
      await create(b).removeClient()
      await persistQueryClientRestore({ queryClient: restored, persister: create(b) })
      expect(await a!.size()).toBe(0)
    })

    test('TanStack Query: a failed read rejects, and the library removes what is stored', async () => {
      const store = await open<string>()
      const persister = createAsyncStoragePersister({ storage: webStorage(store) })
      await persistQueryClientSave({ queryClient: new QueryClient(), persister })
      vi.spyOn(store, 'get').mockRejectedValueOnce(new Error('offline'))
      const log = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')]
      for (const method of log) method.mockReturnValue()
      const restored = persistQueryClientRestore({ queryClient: new QueryClient(), persister })
      await expect(restored).rejects.toThrow('offline')
      for (const method of log) method.mockRestore()
      expect(await store.size()).toBe(0)
    })

    test('TanStack Query: retry() receives the error of a write', async () => {
      const store = await open<string>()
      await store.close()
      const retry = vi.fn()
      const persister = createAsyncStoragePersister({ storage: webStorage(store), retry })
      await persistQueryClientSave({ queryClient: new QueryClient(), persister })
      expect(retry).toHaveBeenCalledExactlyOnceWith(
        expect.objectContaining({ error: expect.objectContaining({ code: 'STORE_NOT_OPEN' }) }),
      )
    })
  })
}
