import { expect, test } from 'vitest'
import { secondaryStorage } from '../../../bridges/better-auth.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'

/** Calls `call` so many times at once, each time for one of 10 clients. */
async function repeat<R>(times: number, call: (client: number) => Promise<R>): Promise<R[]> {
  return Promise.all(Array.from({ length: times }, async (_, index) => call(index % 10)))
}

/** Tests the methods of the storage, without Better Auth itself. */
export function testSecondaryStorage(backend: BridgeBackend): void {
  describeBridge('better-auth', backend, ({ open, openAll }) => {
    test('increment() counts each of 100 concurrent requests', async () => {
      const clients = (await openAll(10)).map(secondaryStorage)
      const counts = await repeat(100, async (client) => clients[client]!.increment('ip', 60))
      expect(counts.toSorted((a, b) => a - b)).toEqual(counts.map((_, index) => index + 1))
    })

    test('of 50 concurrent getAndDelete() calls one gets the value', async () => {
      const clients = (await openAll(10)).map(secondaryStorage)
      await clients[0]!.set('verification:ann', 'token', 60)
      const values = await repeat(50, async (client) =>
        clients[client]!.getAndDelete('verification:ann'),
      )
      expect(values.filter((value) => value !== null)).toEqual(['token'])
    })

    test('a missing key is null, and so is one after delete()', async () => {
      const storage = secondaryStorage(await open())
      await storage.set('a', 'value')
      await storage.delete('a')
      await storage.delete('none')
      expect(await storage.get('a')).toBeNull()
      expect(await storage.get('none')).toBeNull()
      expect(await storage.getAndDelete('none')).toBeNull()
    })

    test('a time to live is in seconds, and without one a value never expires', async () => {
      let now = Date.now()
      const store = await open(() => now)
      const storage = secondaryStorage(store)
      await storage.set('session', 'ann', 60)
      await storage.set('forever', 'ben')
      expect(await store.record('session')).toEqual({ value: 'ann', expires: now + 60_000 })
      expect(await store.record('forever')).toEqual({ value: 'ben' })
      now += 60_000
      expect(await storage.get('session')).toBeNull()
      expect(await storage.getAndDelete('session')).toBeNull()
    })

    test('set() without a time to live removes the expiry of the value before', async () => {
      const store = await open()
      const storage = secondaryStorage(store)
      await storage.set('a', 'first', 60)
      await storage.set('a', 'second')
      expect(await store.record('a')).toEqual({ value: 'second' })
    })

    test('set() with a time to live of 0 seconds removes the key', async () => {
      const store = await open()
      const storage = secondaryStorage(store)
      await storage.set('token', 'session')
      await storage.set('token', 'session', 0)
      expect(await storage.get('token')).toBeNull()
      expect(await store.size()).toBe(0)
    })

    test('a counter expires one window after its first increment, and then begins at 1', async () => {
      let now = Date.now()
      const storage = secondaryStorage(await open(() => now))
      expect(await storage.increment('ip', 10)).toBe(1)
      now += 9999
      expect(await storage.increment('ip', 10)).toBe(2)
      now += 1
      expect(await storage.increment('ip', 10)).toBe(1)
      now += 9999
      expect(await storage.increment('ip', 10)).toBe(2)
    })

    test('a counter with a window of 0 seconds is always 1', async () => {
      const storage = secondaryStorage(await open())
      expect(await storage.increment('ip', 0)).toBe(1)
      expect(await storage.increment('ip', 0)).toBe(1)
    })

    test('a time to live that is negative or no number is refused, and nothing is stored', async () => {
      const store = await open()
      const storage = secondaryStorage(store)
      for (const ttl of [-1, Number.NaN, Infinity, '60' as never, null as never]) {
        const error = { code: 'INVALID_VALUE', key: 'a', namespace: store.namespace }
        await expect(storage.set('a', 'value', ttl)).rejects.toMatchObject(error)
        await expect(storage.increment('a', ttl)).rejects.toMatchObject(error)
      }
      await expect(storage.increment('a', undefined as never)).rejects.toMatchObject({
        message: `ttl must be a number of seconds, 0 or more; received undefined. Correct the option of Better Auth that sets it, such as rateLimit.window. (in "${store.namespace}", key "a")`,
      })
      expect(await store.size()).toBe(0)
    })

    test('keys longer than 512 characters are kept apart, in every method', async () => {
      const store = await open()
      const storage = secondaryStorage(store)
      const keys = [
        'Ä'.repeat(512),
        'Ä'.repeat(513),
        `${'Ä'.repeat(5000)}1`,
        `${'Ä'.repeat(5000)}2`,
      ]
      for (const key of keys) await storage.set(key, key)
      expect(await store.get(keys[0]!)).toBe(keys[0])
      expect(await store.size()).toBe(4)
      for (const key of keys) {
        expect(await storage.get(key)).toBe(key)
        expect(await storage.getAndDelete(key)).toBe(key)
        expect(await storage.get(key)).toBeNull()
        expect([await storage.increment(key, 60), await storage.increment(key, 60)]).toEqual([1, 2])
        await storage.delete(key)
      }
      expect(await store.size()).toBe(0)
    })

    test('a key that is no well-formed string is refused, also a long one', async () => {
      const storage = secondaryStorage(await open())
      for (const key of [undefined as never, 5 as never, '\uD800', '\uD800'.repeat(600)]) {
        for (const call of [
          storage.get(key),
          storage.set(key, 'b'),
          storage.set(key, 'b', 0),
          storage.delete(key),
          storage.getAndDelete(key),
          storage.increment(key, 60),
        ]) {
          await expect(call).rejects.toMatchObject({ code: 'INVALID_KEY' })
        }
      }
    })

    test('an error of the store rejects the call, unchanged', async () => {
      const store = await open()
      const storage = secondaryStorage(store)
      await storage.set('session', 'text')
      await expect(storage.increment('session', 60)).rejects.toMatchObject({
        code: 'INVALID_VALUE',
        key: 'session',
      })
      await store.close()
      for (const call of [
        storage.get('a'),
        storage.set('a', 'b'),
        storage.set('a', 'b', 0),
        storage.delete('a'),
        storage.getAndDelete('a'),
        storage.increment('a', 60),
      ]) {
        await expect(call).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
      }
    })

    test('a store without atomic steps, and what is no store, are refused', async () => {
      const store = await openStoreWithoutAtomicSteps()
      expect(() => secondaryStorage(store)).toThrow(expect.objectContaining({ code: 'NOT_ATOMIC' }))
      expect(() => secondaryStorage(open() as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_VALUE' }),
      )
    })
  })
}
