import { assert, collect, assertEqual, sortKeys } from './assertions.ts'
import { independentStores, repeat } from './independent-stores.ts'
import { type AnyStore, entry, type Rule } from './test-backend.ts'

/** Program order, and listings while there are writes. */
export const ORDER_RULES: readonly Rule[] = [
  {
    id: 'order/same-key',
    name: 'un-awaited calls on one key take effect in the order they were made',
    run: async (subject) => {
      const store = await subject.store()
      const results = [
        store.set('k', 1),
        store.get('k'),
        store.set('k', 2),
        store.get('k'),
        store.delete('k'),
        store.has('k'),
        store.set('k', 3),
        store.get('k'),
      ]
      assertEqual(
        await Promise.all(results),
        [undefined, 1, undefined, 2, undefined, false, undefined, 3],
        'the results',
      )
    },
  },
  {
    id: 'order/clear',
    name: 'clear takes effect after the writes before it and ahead of those after it',
    run: async (subject) => {
      const store = await subject.store()
      await Promise.all([
        store.set('a', 1),
        store.set('b', 1),
        store.clear(),
        store.set('b', 2),
        store.set('c', 2),
      ])
      assertEqual(sortKeys(await collect(store.keys())), ['b', 'c'], 'the keys')
      assertEqual(await store.get('b'), 2)
    },
  },
  {
    id: 'order/one-bad-call',
    name: 'a call that is refused rejects its own promise and no other',
    run: async (subject) => {
      const store = await subject.store()
      const results = await Promise.allSettled([
        store.set('a', 1),
        store.set('a', () => 1),
        store.set('\udc00', 1),
        store.set('b', 2),
      ])
      assertEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
        'the results',
      )
      assertEqual(sortKeys(await collect(store.keys())), ['a', 'b'], 'the keys')
      assertEqual(await store.get('a'), 1)
    },
  },
  {
    id: 'order/delete-while-listing',
    name: 'keys may be deleted and set while they are listed; each that stays is listed once',
    run: async (subject) => {
      const store = await subject.store()
      const keys = repeat(30, (i) => `k${i}`)
      for (const key of keys) await store.set(key, 1)
      const listed: string[] = []
      for await (const key of store.keys()) {
        listed.push(key)
        await (listed.length % 2 ? store.delete(key) : store.set(key, 2))
      }
      assertEqual(sortKeys(listed), sortKeys(keys), 'the keys listed')
      assertEqual(await store.size(), 15, 'the number of keys left')
    },
  },
  {
    id: 'order/write-while-listing',
    name: 'a listing ends and lists no key twice, though each is deleted and set again, and others come',
    run: async (subject) => {
      const store = await subject.store()
      for (const key of ['a', 'b', 'c']) await store.set(key, 1)
      const listed: string[] = []
      for await (const key of store.keys()) {
        assert(listed.push(key) < 100, 'the listing does not end')
        await store.delete(key)
        await store.set(key, 2)
      }
      assertEqual(sortKeys(listed), ['a', 'b', 'c'], 'the keys listed')
      let count = 0
      for await (const [key] of store.entries()) {
        assert(++count < 100, 'the listing does not end')
        if (count <= 3) await store.set(`${key}+`, 1)
      }
      assert(count >= 3, 'every key that stays is listed')
    },
  },
  {
    id: 'order/stranger-reads',
    name: 'what one runtime wrote, another reads',
    exempt: ({ consistency }) =>
      consistency === 'strong' ? undefined : 'reads may be older than writes',
    run: async (subject) => {
      const [one, two] = (await independentStores(subject, 2)) as [AnyStore, AnyStore]
      for (let i = 0; i < 10; i++) {
        await one.set('k', i)
        assertEqual(await two.get('k'), i)
      }
      const storage = await subject.storage(one.namespace)
      await storage.set('direct', entry('x'))
      assertEqual(await one.get('direct'), 'x')
    },
  },
]
