import { Keyv, type KeyvEntry } from 'keyv'
import { expect, test } from 'vitest'
import { keyvStore } from '../../../bridges/keyv.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

const listener = (): void => {}

export function testKeyvRules(backend: BridgeBackend): void {
  describeBridge('keyv', backend, ({ open }) => {
    test('a time to live of Keyv expires in the store, to the millisecond', async () => {
      let now = Date.now()
      const store = await open(() => now)
      const keyv = new Keyv({ store: keyvStore(store), checkExpired: false })
      await keyv.set('a', 1, 60_000)
      await keyv.setMany([{ key: 'b', value: 2, ttl: 60_000 }])
      const expires = (await store.record('a'))!.expires!
      expect(expires - now).toBeGreaterThanOrEqual(60_000)
      now = expires - 1
      expect([await keyv.get('a'), await keyv.has('a')]).toEqual([1, true])
      now = expires
      expect([await keyv.get('a'), await keyv.has('a')]).toEqual([undefined, false])
      now = expires + 60_000
      expect(await keyv.getMany(['a', 'b'])).toEqual([undefined, undefined])
      expect(await keyv.hasMany(['a', 'b'])).toEqual([false, false])
      expect(await keyv.deleteMany(['a', 'b'])).toEqual([false, false])
      expect(await keyv.delete('a')).toBe(false)
      expect((await keyv.iterator().next()).done).toBe(true)
    })

    test('the default time to live of Keyv is used, and with 0, a negative number or none the key never expires', async () => {
      const store = await open()
      const keyv = new Keyv({ store: keyvStore(store), ttl: 60_000 })
      await keyv.set('default', 1)
      for (const ttl of [0, -1, Number.NaN]) await keyv.set(`never-${ttl}`, 2, ttl)
      expect((await store.record('default'))?.expires).toBeGreaterThan(Date.now())
      const names = ['never-0', 'never--1', 'never-NaN']
      for (const name of names) expect(await store.record(name)).not.toHaveProperty('expires')
    })

    test('Keyv itself ignores a time to live that is negative or no number, and the key never expires', async () => {
      const store = await open()
      const keyv = new Keyv({ store: keyvStore(store), ttl: -5 })
      for (const ttl of [undefined, -1, Number.NaN, Number.POSITIVE_INFINITY, '1h'] as number[]) {
        expect(await keyv.set('a', 1, ttl)).toBe(true)
        expect(await keyv.setMany([{ key: 'b', value: 1, ttl }])).toEqual([true])
        const records = await Promise.all(['a', 'b'].map((key) => store.record(key)))
        expect(records.map((record) => record?.expires)).toEqual([undefined, undefined])
        expect(await keyv.getMany(['a', 'b'])).toEqual([1, 1])
      }
    })

    test('set() replaces the expiry, and one in the past removes the value', async () => {
      const store = await open()
      const adapter = keyvStore(store)
      await adapter.set('a', 'first', Date.now() + 60_000)
      await adapter.set('a', 'second')
      expect(await store.record('a')).toEqual({ value: 'second' })
      await adapter.set('a', 'third', Date.now())
      expect([await adapter.get('a'), await store.size()]).toEqual([undefined, 0])
    })

    test('with checkExpired, Keyv deletes what another client wrote since the read of an expired value', async () => {
      const results = []
      for (const checkExpired of [true, false]) {
        const store = await open()
        const keyv = new Keyv({ store: keyvStore(store), serialization: false, checkExpired })
        // Keyv compares `expires` of the value, and the store its own. Here only Keyv sees an expiry.
        await store.set('a', { value: 'old', expires: 1 })
        keyv.onHook({
          event: 'before:deleteMany',
          handler: async () => store.set('a', { value: 'new' }),
        })
        results.push([await keyv.get('a'), await store.has('a')])
      }
      expect(results).toEqual([
        [undefined, false],
        ['old', true],
      ])
    })

    test('an error of the store rejects the call of Keyv, unchanged', async () => {
      const store = await open()
      const keyv = new Keyv({ store: keyvStore(store) })
      await store.close()
      const closed = expect.objectContaining({ code: 'STORE_NOT_OPEN', name: 'StoreError' })
      const entries: KeyvEntry[] = [{ key: 'a', value: 1 }]
      for (const call of [
        keyv.get('a'),
        keyv.set('a', 1),
        keyv.has('a'),
        keyv.delete('a'),
        keyv.getMany(['a']),
        keyv.setMany(entries),
        keyv.hasMany(['a']),
        keyv.deleteMany(['a']),
        keyv.clear(),
        keyv.iterator().next(),
      ]) {
        await expect(call).rejects.toEqual(closed)
      }
    })

    test('with a listener for errors, Keyv passes each error to it once and answers as for a missing key', async () => {
      const store = await open()
      const keyv = new Keyv({ store: keyvStore(store) })
      const codes: unknown[] = []
      keyv.on('error', ({ code }) => codes.push(code))
      await store.close()
      expect(await keyv.get('a')).toBeUndefined()
      expect(await keyv.set('a', 1)).toBe(false)
      expect(codes).toEqual(['STORE_NOT_OPEN', 'STORE_NOT_OPEN'])
    })

    test('without serialization, values keep the types that the store knows', async () => {
      const keyv = new Keyv({ store: keyvStore(await open()), serialization: false })
      const value = { when: new Date(0), tags: new Set(['a']), big: 10n, none: undefined }
      await keyv.set('a', value)
      await keyv.set('b', undefined)
      expect(await keyv.get('a')).toEqual(value)
      expect([await keyv.get('b'), await keyv.has('b')]).toEqual([undefined, true])
    })

    test('without serialization, an instance of a class is INVALID_VALUE and nothing is stored', async () => {
      const store = await open()
      const keyv = new Keyv({ store: keyvStore(store), serialization: false })
      const error = { code: 'INVALID_VALUE', key: 'a', outcome: 'not-applied' }
      const url = new URL('https://example.com')
      await expect(keyv.set('a', { url })).rejects.toMatchObject(error)
      await expect(
        keyv.setMany<unknown>([
          { key: 'b', value: 1 },
          { key: 'a', value: { url } },
        ]),
      ).rejects.toMatchObject(error)
      expect(await store.size()).toBe(0)
    })

    test('a key that is no well-formed string or a wrong expiry is refused', async () => {
      const adapter = keyvStore(await open())
      const keyv = new Keyv({ store: adapter })
      await expect(keyv.set('\uD800', 1)).rejects.toMatchObject({ code: 'INVALID_KEY' })
      await expect(keyv.get(5 as never)).rejects.toMatchObject({ code: 'INVALID_KEY' })
      const error = { code: 'INVALID_VALUE', outcome: 'not-applied' }
      for (const expires of [Number.NaN, Number.POSITIVE_INFINITY, '1h', {}] as number[]) {
        await expect(adapter.set('a', 'b', expires)).rejects.toMatchObject(error)
        const entries = [{ key: 'a', value: 'b', expires }]
        await expect(adapter.setMany(entries)).rejects.toMatchObject(error)
      }
      expect(await adapter.has('a')).toBe(false)
    })

    test('Keyv stores nothing under the empty key', async () => {
      const store = await open()
      expect(await new Keyv({ store: keyvStore(store) }).set('', 1)).toBe(false)
      expect(await store.size()).toBe(0)
    })

    test('what Keyv writes as raw values, it reads back', async () => {
      const keyv = new Keyv({ store: keyvStore(await open()) })
      const expires = Date.now() + 60_000
      await keyv.setRaw('a', { value: 1, expires })
      await keyv.setManyRaw([{ key: 'b', value: { value: 2 } }])
      expect(await keyv.getManyRaw(['a', 'b'])).toEqual([{ value: 1, expires }, { value: 2 }])
    })

    test('the adapter emits nothing and has no listeners', async () => {
      const adapter = keyvStore(await open())
      expect(adapter.on('error', listener)).toBe(adapter)
      expect(adapter.emit('error')).toBe(false)
      expect([adapter.listeners('error'), adapter.rawListeners('error')]).toEqual([[], []])
      expect([adapter.eventNames(), adapter.listenerCount('error')]).toEqual([[], 0])
    })
  })
}
