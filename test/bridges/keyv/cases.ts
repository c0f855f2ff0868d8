import { detectKeyvStorage, Keyv } from 'keyv'
import { expect, test } from 'vitest'
import { keyvStore } from '../../../bridges/keyv.ts'
import type { Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge, recordLostUpdates } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'

/** What Keyv stores without serialization. */
interface Envelope {
  value: number
  expires?: number
}

const createKeyv = (store: Store): Keyv =>
  new Keyv({ store: keyvStore(store), serialization: false, checkExpired: false })

/** Calls `increment` 100 times at once, each time for one of 10 clients. */
async function run100(increment: (client: number) => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: 100 }, async (_, index) => increment(index % 10)))
}

export function testKeyv(backend: BridgeBackend): void {
  describeBridge('keyv', backend, ({ open, openAll }) => {
    test('100 concurrent updates through adapter.store end at 100, and get() and set() of Keyv lose some', async (context) => {
      const adapters = (await openAll<Envelope>(10)).map((store) => ({
        adapter: keyvStore(store),
        update: () => store.update('n', (entry) => ({ ...entry, value: (entry?.value ?? 0) + 1 })),
      }))
      await run100(async (client) => adapters[client]!.update())
      const keyv = new Keyv({ store: adapters[0]!.adapter, serialization: false })
      const ours = 100 - (await keyv.get<number>('n'))!

      const map = new Map()
      const keyvs = Array.from({ length: 10 }, () => new Keyv({ store: map }))
      await run100(async (client) => {
        const n = (await keyvs[client]!.get<number>('n')) ?? 0
        await keyvs[client]!.set('n', n + 1)
      })
      const theirs = 100 - (await keyvs[0]!.get<number>('n'))!

      recordLostUpdates(context, { updates: 100, ours, theirs, theirName: 'get, set on a Map' })
      expect(ours).toBe(0)
      expect(theirs).toBeGreaterThan(0)
    })

    test('100 keys that 10 clients set at once are all stored', async () => {
      const clients = (await openAll(10)).map(createKeyv)
      const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`)
      const results = await Promise.all([
        ...keys.slice(0, 50).map(async (key, index) => clients[index % 10]!.set(key, key)),
        ...clients.slice(0, 5).map(async (client, index) => {
          const tens = keys.slice(50 + index * 10, 60 + index * 10)
          return client.setMany(tens.map((key) => ({ key, value: key })))
        }),
      ])
      expect(results.flat()).toEqual(keys.map(() => true))
      expect(await clients[9]!.getMany(keys)).toEqual(keys)
    })

    test('of 50 concurrent delete() calls one resolves to true', async () => {
      const clients = (await openAll(10)).map(createKeyv)
      await clients[0]!.set('token', 'ann')
      const results = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => clients[index % 10]!.delete('token')),
      )
      expect(results.filter(Boolean)).toEqual([true])
    })

    test('of 20 concurrent deleteMany() calls one deletes each key', async () => {
      const clients = (await openAll(10)).map(createKeyv)
      await clients[0]!.setMany([
        { key: 'a', value: 1 },
        { key: 'b', value: 2 },
      ])
      const results = await Promise.all(
        Array.from({ length: 20 }, async (_, index) =>
          clients[index % 10]!.deleteMany(['a', 'none', 'b']),
        ),
      )
      expect(results.filter((found) => found.some(Boolean))).toEqual([[true, false, true]])
    })

    test('Keyv uses the adapter as it is, without a wrapper', async () => {
      const adapter = keyvStore(await open())
      expect(new Keyv({ store: adapter }).store).toBe(adapter)
      expect(new Keyv(adapter).store).toBe(adapter)
      expect(adapter.capabilities).toEqual({ ...detectKeyvStorage(adapter), expires: true })
    })

    test('a key is stored without a prefix', async () => {
      const store = await open()
      await createKeyv(store).set('ann', 3)
      expect(await store.get('ann')).toEqual({ value: 3 })
    })

    test('getMany(), hasMany() and deleteMany() answer in the order of the keys', async () => {
      const keyv = createKeyv(await open())
      await keyv.setMany([
        { key: 'b', value: 2 },
        { key: 'a', value: 1 },
      ])
      expect(await keyv.getMany(['a', 'none', 'b', 'a'])).toEqual([1, undefined, 2, 1])
      expect(await keyv.hasMany(['none', 'b', 'a'])).toEqual([false, true, true])
      expect(await keyv.deleteMany(['none', 'b', 'b'])).toEqual([false, true, false])
      expect(await keyv.hasMany(['none', 'b', 'a'])).toEqual([false, false, true])
    })

    test('calls with no keys at all resolve to an empty list', async () => {
      const keyv = createKeyv(await open())
      expect(await keyv.setMany([])).toEqual([])
      expect(await keyv.getMany([])).toEqual([])
      expect(await keyv.hasMany([])).toEqual([])
      expect(await keyv.deleteMany([])).toEqual([])
    })

    test('the iterator yields every entry once, ordered by key', async () => {
      const keyv = createKeyv(await open())
      await keyv.setMany(['c', 'a', 'b'].map((key) => ({ key, value: `${key}!` })))
      const entries = []
      for await (const entry of keyv.iterator()) entries.push(entry)
      expect(entries).toEqual([
        ['a', 'a!'],
        ['b', 'b!'],
        ['c', 'c!'],
      ])
    })

    test('clear() removes the keys of its namespace only', async () => {
      const [ours, theirs] = [createKeyv(await open()), createKeyv(await open())]
      await ours.set('a', 1)
      await theirs.set('a', 2)
      await ours.clear()
      expect([await ours.get('a'), await theirs.get('a')]).toEqual([undefined, 2])
    })

    test('the namespace of Keyv is that of the store, and another one is refused', async () => {
      const store = await open()
      const adapter = keyvStore(store)
      expect(new Keyv({ store: adapter }).namespace).toBe(store.namespace)
      expect(new Keyv({ store: adapter, namespace: store.namespace }).store).toBe(adapter)
      const refusal = expect.objectContaining({
        code: 'INVALID_VALUE',
        message: `The namespace of Keyv must be that of the store; received "users". Open a store for each namespace: keyvStore(await runtime.open("users")). (in "${store.namespace}")`,
      })
      expect(() => new Keyv({ store: adapter, namespace: 'users' })).toThrow(refusal)
      const keyv = new Keyv(adapter)
      expect(() => (keyv.namespace = 'users')).toThrow(refusal)
    })

    test('the namespace that Keyv 5 sets is refused with the version that is needed', async () => {
      const store = await open()
      const adapter = keyvStore(store)
      expect(() => (adapter.namespace = 'keyv')).toThrow(
        expect.objectContaining({
          code: 'INVALID_VALUE',
          message: `The namespace of Keyv must be that of the store; received "keyv". Keyv 5 sets this itself, and botshelf/keyv needs Keyv 6. Open a store for each namespace: keyvStore(await runtime.open("keyv")). (in "${store.namespace}")`,
        }),
      )
    })

    test('disconnect() leaves the store open', async () => {
      const store = await open()
      const keyv = createKeyv(store)
      await keyv.disconnect()
      expect(store.isOpen).toBe(true)
    })

    test('a store without atomic steps, and what is no store, are refused', async () => {
      const store = await openStoreWithoutAtomicSteps()
      expect(() => keyvStore(store)).toThrow(expect.objectContaining({ code: 'NOT_ATOMIC' }))
      expect(() => keyvStore(open() as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_VALUE' }),
      )
    })
  })
}
