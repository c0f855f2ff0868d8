import { assert, assertEqual, collect, sortKeys } from './assertions.ts'
import type { Rule } from './rule.ts'
import { createEntry, repeat } from './test-data.ts'

const LIST_WHILE_WRITING =
  'take the keys in pages, or copy them before the first is yielded, so that writes do not disturb the listing'

/** The order of calls, and listings during writes. */
export const ORDER_RULES: readonly Rule[] = [
  {
    id: 'order/same-key',
    name: 'calls on one key take effect in the order in which they were made, awaited or not',
    fix: 'resolve commit() only when a later getMany() sees the changes',
    run: async (backend) => {
      const store = await backend.openStore()
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
        'the results in order',
      )
    },
  },
  {
    id: 'order/clear',
    name: 'clear() takes effect after the writes before it and before the writes after it',
    fix: 'resolve clear() only when every entry is removed, and remove nothing that is written later',
    run: async (backend) => {
      const store = await backend.openStore()
      await Promise.all([
        store.set('a', 1),
        store.set('b', 1),
        store.clear(),
        store.set('b', 2),
        store.set('c', 2),
      ])
      assertEqual(sortKeys(await collect(store.keys())), ['b', 'c'], 'keys()')
      assertEqual(await store.get('b'), 2, 'the value that was set after clear()')
    },
  },
  {
    id: 'order/rejected-call-alone',
    name: 'a call that is rejected does not affect the calls made with it',
    fix: 'return one outcome per group from commit(); do not reject the call for one group',
    run: async (backend) => {
      const store = await backend.openStore()
      const results = await Promise.allSettled([
        store.set('a', 1),
        store.set('a', () => 1),
        store.set('\udc00', 1),
        store.set('b', 2),
      ])
      assertEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
        'the results in order',
      )
      assertEqual(sortKeys(await collect(store.keys())), ['a', 'b'], 'keys()')
      assertEqual(await store.get('a'), 1, 'the value of a')
    },
  },
  {
    id: 'order/delete-while-listing',
    name: 'keys() lists each key once while the listed keys are deleted and set',
    fix: LIST_WHILE_WRITING,
    run: async (backend) => {
      const store = await backend.openStore()
      const keys = repeat(30, (i) => `k${i}`)
      for (const key of keys) await store.set(key, 1)
      const listed: string[] = []
      for await (const key of store.keys()) {
        listed.push(key)
        await (listed.length % 2 ? store.delete(key) : store.set(key, 2))
      }
      assertEqual(sortKeys(listed), sortKeys(keys), 'the listed keys')
      assertEqual(await store.size(), 15, 'size() after every other key was deleted')
    },
  },
  {
    id: 'order/write-while-listing',
    name: 'a listing ends and lists no key twice while keys are deleted, set again and added',
    fix: LIST_WHILE_WRITING,
    run: async (backend) => {
      const store = await backend.openStore()
      for (const key of ['a', 'b', 'c']) await store.set(key, 1)
      const listed: string[] = []
      for await (const key of store.keys()) {
        assert(listed.push(key) < 100, 'keys(): expected the listing to end; received 100 keys')
        await store.delete(key)
        await store.set(key, 2)
      }
      assertEqual(sortKeys(listed), ['a', 'b', 'c'], 'the listed keys')
      let count = 0
      for await (const [key] of store.entries()) {
        assert(++count < 100, 'entries(): expected the listing to end; received 100 entries')
        if (count <= 3) await store.set(`${key}+`, 1)
      }
      assert(count >= 3, `entries(): expected at least 3 entries; received ${count}`)
    },
  },
  {
    id: 'order/read-across-stores',
    name: 'what one runtime wrote, another runtime reads',
    fix: "resolve commit() only when the backend has stored the changes, or set traits.consistency to 'eventual'",
    exempt: ({ consistency }) =>
      consistency === 'strong'
        ? undefined
        : "reads may return older values (consistency: 'eventual')",
    run: async (backend) => {
      const [one, two] = await backend.openTwoStores()
      for (let i = 0; i < 10; i++) {
        await one.set('k', i)
        assertEqual(await two.get('k'), i, 'the value that the other runtime reads')
      }
      const storage = await backend.openStorage(one.namespace)
      await storage.set('direct', createEntry('x'))
      assertEqual(await one.get('direct'), 'x', 'the value written through the storage')
    },
  },
]
