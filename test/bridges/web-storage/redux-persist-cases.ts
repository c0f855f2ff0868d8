import { legacy_createStore as createStore } from 'redux'
import {
  type PersistConfig,
  persistReducer,
  type Persistor,
  persistStore,
  REHYDRATE,
} from 'redux-persist'
import { expect, test, vi } from 'vitest'
import { webStorage } from '../../../bridges/web-storage.ts'
import type { Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

interface State {
  readonly count: number
  readonly name: string
}

const INITIAL: State = { count: 0, name: 'Ann' }

interface Client {
  readonly getState: () => State
  readonly increment: () => void
  readonly persistor: Persistor
}

/** Creates a Redux store whose state has been read from `store`. */
async function createClient(
  store: Store<Record<string, string>>,
  config: Partial<PersistConfig<State>> = {},
  onAction: (action: { type: string }) => void = () => {},
): Promise<Client> {
  const reducer = persistReducer<State>(
    { key: 'app', storage: webStorage(store), ...config },
    (state = INITIAL, action) => {
      onAction(action)
      return action.type === 'increment' ? { ...state, count: state.count + 1 } : state
    },
  )
  const redux = createStore(reducer)
  const increment = (): void => void redux.dispatch({ type: 'increment' })
  return new Promise((resolve) => {
    const persistor = persistStore(redux, null, () =>
      resolve({ getState: () => redux.getState(), increment, persistor }),
    )
  })
}

export function testReduxPersist(backend: BridgeBackend): void {
  describeBridge('web-storage', backend, ({ open, openAll }) => {
    test('redux-persist: a second client rehydrates the state', async () => {
      const [a, b] = await openAll<string>(2)
      const client = await createClient(a!)
      client.increment()
      await client.persistor.flush()
      expect(await a!.get('persist:app')).toContain('"count":"1"')
      expect((await createClient(b!)).getState()).toMatchObject({ count: 1, name: 'Ann' })
    })

    test('redux-persist: an empty store rehydrates with the initial state', async () => {
      const client = await createClient(await open<string>())
      expect(client.getState()).toMatchObject(INITIAL)
    })

    test('redux-persist: purge() removes the state', async () => {
      const store = await open<string>()
      const client = await createClient(store)
      client.increment()
      await client.persistor.flush()
      await client.persistor.purge()
      expect(await store.size()).toBe(0)
    })

    test('redux-persist: keys of 10 clients are all kept', async () => {
      const stores = await openAll<string>(10)
      await Promise.all(
        stores.map(async (store, index) => {
          const client = await createClient(store, { key: `client-${index}` })
          for (let i = 0; i < 10; i++) client.increment()
          await client.persistor.flush()
        }),
      )
      const entries = await webStorage(stores[0]!).entries()
      expect(entries.filter(([, state]) => state.includes('"count":"10"'))).toHaveLength(10)
    })

    test('redux-persist: the later client replaces the state of the earlier', async () => {
      const [a, b] = await openAll<string>(2)
      const clients = [await createClient(a!), await createClient(b!)]
      for (const client of clients) {
        client.increment()
        await client.persistor.flush()
      }
      expect(await a!.get('persist:app')).toContain('"count":"1"')
    })

    test('redux-persist: the action REHYDRATE carries the error of a read', async () => {
      const store = await open<string>()
      const error = new Error('offline')
      vi.spyOn(store, 'get').mockRejectedValueOnce(error)
      const onAction = vi.fn()
      await createClient(store, {}, onAction)
      expect(onAction).toHaveBeenCalledWith(
        expect.objectContaining({ type: REHYDRATE, err: error }),
      )
    })

    test('redux-persist: writeFailHandler() receives the error of a write', async () => {
      const store = await open<string>()
      const writeFailHandler = vi.fn()
      const client = await createClient(store, { writeFailHandler })
      await client.persistor.flush()
      await store.close()
      const log = vi.spyOn(console, 'error').mockReturnValue()
      client.increment()
      await client.persistor.flush()
      log.mockRestore()
      expect(writeFailHandler).toHaveBeenCalledExactlyOnceWith(
        expect.objectContaining({ code: 'STORE_NOT_OPEN' }),
      )
    })
  })
}
