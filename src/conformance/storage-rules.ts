import { assert, assertEqual, assertRejects, collect, sortedMap, sortKeys } from './assertions.ts'
import type { Rule } from './rule.ts'
import { createEntry, removeChange, repeat, setChange } from './test-data.ts'

/** The methods of a storage, called without a store. */
export const STORAGE_RULES: readonly Rule[] = [
  {
    id: 'storage/get-missing-key',
    name: 'get() resolves to undefined for a key that was never set, and getMany() leaves it out',
    fix: 'return undefined from get(), not null; do not look keys up in a plain object, whose prototype has names of its own',
    run: async (backend) => {
      const storage = await backend.openStorage()
      await storage.set('there', createEntry(1))
      assertEqual(await storage.get('missing'), undefined, 'get() of a missing key')
      assertEqual(
        sortKeys((await storage.getMany(['missing', 'there', 'toString'])).keys()),
        ['there'],
        'the keys that getMany() found',
      )
    },
  },
  {
    id: 'storage/entry-round-trip',
    name: 'an entry is read back equal: its value, version and expiry',
    fix: 'store all fields of the entry, and leave `expires` out of an entry that never expires',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const expires = Date.now() + 3_600_000
      await storage.set('plain', createEntry({ a: [1] }, 'v1'))
      await storage.set('expiring', createEntry(null, 'v2', expires))
      assertEqual(await storage.get('plain'), { value: { a: [1] }, version: 'v1' }, 'the entry')
      const expiring = { value: null, version: 'v2', expires }
      assertEqual(await storage.get('expiring'), expiring, 'the entry that expires')
      assertEqual(
        (await storage.getMany(['expiring'])).get('expiring'),
        expiring,
        'the entry that expires, in getMany()',
      )
    },
  },
  {
    id: 'storage/get-many',
    name: 'getMany() finds every stored key among 250',
    fix: "split the keys into as many calls as the backend's limit needs, and join the results",
    run: async (backend) => {
      const storage = await backend.openStorage()
      const keys = repeat(250, (i) => `k${i}`)
      const stored = keys.filter((_, i) => i % 2 === 0)
      await storage.commit(stored.map((key) => [setChange(key, createEntry(key))]))
      const found = await storage.getMany(keys)
      assert(
        found.size === 125,
        `getMany() of 250 keys, half of them stored: expected 125 entries; received ${found.size}`,
      )
      for (const [key, { value }] of found) assertEqual(value, key, `the value of ${key}`)
    },
  },
  {
    id: 'storage/large-namespace',
    name: 'keys(), entries(), len() and clear() cover all of 1,100 entries, and commit() takes a group of 250',
    fix: "follow the backend's cursor to the last page, and split writes and removals at its limit",
    run: async (backend) => {
      const storage = await backend.openStorage()
      const all = repeat(1100, (i) => setChange(`k${i}`, createEntry(i, `v${i}`)))
      await storage.commit([all.slice(0, 250)])
      assertEqual(await storage.len(), 250, 'len() after a group of 250')
      const outcomes = await storage.commit(all.slice(250).map((change) => [change]))
      assertEqual(outcomes.length, 850, 'the number of outcomes of 850 groups')
      const expected = sortKeys(all.map(({ key }) => key))
      assertEqual(sortKeys(await collect(storage.keys())), expected, 'keys()')
      assertEqual(
        sortKeys((await collect(storage.entries())).map(([key]) => key)),
        expected,
        'the keys of entries()',
      )
      assertEqual(await storage.len(), 1100, 'len()')
      assertEqual(await storage.liveLen(Date.now()), 1100, 'liveLen()')
      // Workers KV deletes at most a thousand keys in one invocation.
      await storage.commit(all.slice(0, 250).map(({ key }) => [removeChange(key)]))
      assertEqual(await storage.len(), 850, 'len() after 250 removals')
      await storage.clear()
      assertEqual(await collect(storage.keys()), [], 'keys() after clear()')
    },
  },
  {
    id: 'storage/set-replaces-entry',
    name: 'set() replaces the whole entry, including its expiry',
    fix: 'overwrite the stored entry; do not merge the new value into the old one',
    run: async (backend) => {
      const storage = await backend.openStorage()
      await storage.set('k', createEntry({ a: 1, b: 2 }, 'v1', Date.now() + 3_600_000))
      await storage.set('k', createEntry({ c: 3 }, 'v2'))
      assertEqual(await storage.get('k'), { value: { c: 3 }, version: 'v2' }, 'the entry')
      assertEqual(await storage.len(), 1, 'len()')
    },
  },
  {
    id: 'storage/remove',
    name: 'remove() removes the key, and succeeds for a key that does not exist',
    fix: 'delete the entry, and treat "not found" of the backend as success',
    run: async (backend) => {
      const storage = await backend.openStorage()
      await storage.set('k', createEntry(1))
      await storage.set('other', createEntry(2))
      await storage.remove('k')
      await storage.remove('k')
      assertEqual(await storage.get('k'), undefined, 'get() after remove()')
      assertEqual(await collect(storage.keys()), ['other'], 'keys() after remove()')
    },
  },
  {
    id: 'storage/len-and-keys',
    name: 'len() and keys() count every entry once, including entries with an expiry',
    fix: 'count each key once, however often it was written; leave it to the store to hide expired entries',
    run: async (backend) => {
      const storage = await backend.openStorage()
      assertEqual(await storage.len(), 0, 'len() of an empty namespace')
      await storage.set('a', createEntry(1))
      await storage.set('b', createEntry(null))
      await storage.set('b', createEntry(2))
      await storage.set('expiring', createEntry(3, 'v', Date.now() + 90_000))
      assertEqual(await storage.len(), 3, 'len()')
      assertEqual(sortKeys(await collect(storage.keys())), ['a', 'b', 'expiring'], 'keys()')
    },
  },
  {
    id: 'storage/prefix',
    name: 'a prefix selects exactly the keys that begin with it, in keys(), entries() and liveKeys()',
    fix: 'compare the prefix literally and with case; escape it if the backend matches patterns',
    run: async (backend) => {
      const storage = await backend.openStorage()
      for (const key of ['ab', 'abc', 'b', 'aB', 'a%', 'a_', 'a', 'a\0', 'a\0b'])
        await storage.set(key, createEntry(key))
      const keysOf = async (prefix: string): Promise<string[]> =>
        sortKeys(await collect(storage.keys({ prefix })))
      assertEqual(await keysOf('ab'), ['ab', 'abc'], "keys({ prefix: 'ab' })")
      assertEqual(await keysOf('a%'), ['a%'], "keys({ prefix: 'a%' })")
      assertEqual(await keysOf('a\0'), ['a\0', 'a\0b'], String.raw`keys({ prefix: 'a\0' })`)
      assertEqual(await keysOf('zzz'), [], "keys({ prefix: 'zzz' })")
      const entries = await collect(storage.entries({ prefix: 'ab' }))
      assertEqual(
        sortKeys(entries.map(([key]) => key)),
        ['ab', 'abc'],
        "the keys of entries({ prefix: 'ab' })",
      )
      assertEqual(
        sortKeys(await collect(storage.liveKeys(0, { prefix: 'ab' }))),
        ['ab', 'abc'],
        "liveKeys(0, { prefix: 'ab' })",
      )
    },
  },
  {
    id: 'storage/entries',
    name: 'entries() yields every key with its whole entry, small and large',
    fix: 'read values that the listing itself does not contain',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const large = 'x'.repeat(5000)
      await storage.set('small', createEntry({ n: 1 }, 's'))
      await storage.set('large', createEntry(large, 'l'))
      assertEqual(
        sortedMap(await collect(storage.entries())),
        new Map([
          ['large', { value: large, version: 'l' }],
          ['small', { value: { n: 1 }, version: 's' }],
        ]),
        'entries()',
      )
    },
  },
  {
    id: 'storage/live-entries',
    name: 'liveKeys(now) and liveLen(now) leave out entries with `expires` at or before `now`, to the millisecond',
    fix: 'compare `expires > now`, in milliseconds',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const at = Date.now() + 100_000
      await storage.set('stays', createEntry(1))
      await storage.set('later', createEntry(2, 'v', at + 1))
      await storage.set('now', createEntry(3, 'v', at))
      // The later time comes last: a storage may remove entries that have expired by then.
      assertEqual(
        sortKeys(await collect(storage.liveKeys(at - 1))),
        ['later', 'now', 'stays'],
        'liveKeys() a millisecond before the expiry',
      )
      assertEqual(await storage.liveLen(at - 1), 3, 'liveLen() a millisecond before the expiry')
      assertEqual(
        sortKeys(await collect(storage.liveKeys(at))),
        ['later', 'stays'],
        'liveKeys() at the expiry',
      )
      assertEqual(await storage.liveLen(at), 2, 'liveLen() at the expiry')
    },
  },
  {
    id: 'storage/clear',
    name: 'clear() removes every entry, and the storage can be used afterwards',
    fix: 'remove all entries of the namespace, including that of the empty key',
    run: async (backend) => {
      const storage = await backend.openStorage()
      for (const key of ['', 'a', 'b/c']) await storage.set(key, createEntry(key))
      await storage.clear()
      assertEqual(await storage.len(), 0, 'len() after clear()')
      assertEqual(await storage.get('a'), undefined, 'get() after clear()')
      await storage.set('a', createEntry(1))
      assertEqual(await storage.len(), 1, 'len() after clear() and set()')
    },
  },
  {
    id: 'storage/reads-return-copies',
    name: 'get(), getMany() and entries() return copies: changing one changes nothing stored',
    fix: 'copy the entry on each read, with structuredClone() or by parsing stored text',
    run: async (backend) => {
      const storage = await backend.openStorage()
      await storage.set('k', createEntry({ list: [1] }))
      for (const read of [
        storage.get('k'),
        storage.getMany(['k']).then((found) => found.get('k')),
      ]) {
        const { value } = (await read) ?? {}
        ;(value as { list: number[] }).list.push(2)
      }
      for (const [, { value }] of await collect(storage.entries()))
        (value as { list: number[] }).list.push(3)
      assertEqual((await storage.get('k'))?.value, { list: [1] }, 'the stored value')
    },
  },
  {
    id: 'storage/traits',
    name: 'traits have valid values, and a key of maxKeyBytes can be stored',
    fix: "correct the storage's traits; lower maxKeyBytes to what the backend takes",
    run: async (backend) => {
      const storage = await backend.openStorage()
      const { maxKeyBytes, maxValueBytes, atomic, consistency } = storage.traits
      assert(
        ['global', 'origin', 'instance', 'none'].includes(atomic),
        `traits.atomic: expected 'global', 'origin', 'instance' or 'none'; received ${atomic}`,
      )
      assert(
        ['strong', 'eventual'].includes(consistency),
        `traits.consistency: expected 'strong' or 'eventual'; received ${consistency}`,
      )
      assert(
        maxKeyBytes >= 1 && maxValueBytes >= 1,
        `traits.maxKeyBytes and maxValueBytes: expected at least 1; received ${maxKeyBytes} and ${maxValueBytes}`,
      )
      const key = 'k'.repeat(Math.min(maxKeyBytes, 100_000))
      await storage.set(key, createEntry(1))
      assertEqual(await collect(storage.keys()), [key], 'keys() after a key of the greatest length')
    },
  },
  {
    id: 'storage/invalid-input-not-stored',
    name: 'a store rejects an invalid key or value without writing anything',
    fix: 'check that a new namespace has no keys; the store validates input before it calls the storage',
    run: async (backend) => {
      const store = await backend.openStore()
      await assertRejects(store.set('\ud800', 1), 'INVALID_KEY', 'set() of an unpaired surrogate')
      await assertRejects(
        store.set('k', () => 1),
        'INVALID_VALUE',
        'set() to a function',
      )
      assertEqual(await store.size(), 0, 'size()')
    },
  },
]
