import type { Traits } from '../storage.ts'
import {
  compareByKey,
  assert,
  collect,
  assertRejects,
  assertEqual,
  sortKeys,
} from './assertions.ts'
import { entry, remove, type Rule, set } from './test-backend.ts'

/** What a storage itself must do, with no store around it. */
export const STORAGE_RULES: readonly Rule[] = [
  {
    id: 'contract/get-missing',
    name: 'a key that was never set is undefined, alone and among many',
    run: async (subject) => {
      const storage = await subject.storage()
      await storage.set('there', entry(1))
      assertEqual(await storage.get('missing'), undefined)
      assertEqual(
        sortKeys((await storage.getMany(['missing', 'there', 'toString'])).keys()),
        ['there'],
        'the keys found',
      )
    },
  },
  {
    id: 'contract/entry-kept-whole',
    name: 'an entry comes back equal: value, version and expiry',
    run: async (subject) => {
      const storage = await subject.storage()
      const expires = Date.now() + 3_600_000
      await storage.set('plain', entry({ a: [1] }, 'v1'))
      await storage.set('expiring', entry(null, 'v2', expires))
      assertEqual(await storage.get('plain'), { value: { a: [1] }, version: 'v1' }, 'the entry')
      assertEqual(
        await storage.get('expiring'),
        { value: null, version: 'v2', expires },
        'the entry',
      )
      assertEqual(
        (await storage.getMany(['expiring'])).get('expiring'),
        { value: null, version: 'v2', expires },
        'the entry among many',
      )
    },
  },
  {
    id: 'contract/many-keys',
    name: 'a read of 250 keys answers for each of them',
    run: async (subject) => {
      const storage = await subject.storage()
      const keys = Array.from({ length: 250 }, (_, i) => `k${i}`)
      await storage.commit(keys.filter((_, i) => i % 2 === 0).map((key) => [set(key, entry(key))]))
      const found = await storage.getMany(keys)
      assert(found.size === 125, `125 of 250 keys are there; ${found.size} were found`)
      for (const [key, { value }] of found) assertEqual(value, key)
    },
  },
  {
    id: 'contract/many-entries',
    name: 'of 1,100 entries none is left out of keys, entries, len or clear, and a group of 250 is whole',
    run: async (subject) => {
      const storage = await subject.storage()
      const all = Array.from({ length: 1100 }, (_, i) => set(`k${i}`, entry(i, `v${i}`)))
      await storage.commit([all.slice(0, 250)])
      assertEqual(await storage.len(), 250, 'the number of entries of one group')
      const outcomes = await storage.commit(all.slice(250).map((change) => [change]))
      assertEqual(outcomes.length, 850, 'the number of outcomes')
      const expected = sortKeys(all.map(({ key }) => key))
      assertEqual(sortKeys(await collect(storage.keys())), expected, 'the keys')
      assertEqual(
        sortKeys((await collect(storage.entries())).map(([key]) => key)),
        expected,
        'the entries',
      )
      assertEqual(await storage.len(), 1100, 'the number of entries')
      assertEqual(await storage.liveLen(Date.now()), 1100, 'the number of live entries')
      // Workers KV deletes no more than a thousand keys in one invocation.
      await storage.commit(all.slice(0, 250).map(({ key }) => [remove(key)]))
      assertEqual(await storage.len(), 850, 'the number of entries left')
      await storage.clear()
      assertEqual(await collect(storage.keys()), [], 'the keys after clear')
    },
  },
  {
    id: 'contract/set-replaces',
    name: 'a set replaces the whole entry, its expiry too',
    run: async (subject) => {
      const storage = await subject.storage()
      await storage.set('k', entry({ a: 1, b: 2 }, 'v1', Date.now() + 3_600_000))
      await storage.set('k', entry({ c: 3 }, 'v2'))
      assertEqual(await storage.get('k'), { value: { c: 3 }, version: 'v2' }, 'the entry')
      assertEqual(await storage.len(), 1, 'the number of entries')
    },
  },
  {
    id: 'contract/remove',
    name: 'a removed key is gone, and removing it again succeeds',
    run: async (subject) => {
      const storage = await subject.storage()
      await storage.set('k', entry(1))
      await storage.set('other', entry(2))
      await storage.remove('k')
      await storage.remove('k')
      assertEqual(await storage.get('k'), undefined)
      assertEqual(await collect(storage.keys()), ['other'], 'the keys left')
    },
  },
  {
    id: 'contract/len-and-keys',
    name: 'len and keys tell of every entry once, expired ones included',
    run: async (subject) => {
      const storage = await subject.storage()
      assertEqual(await storage.len(), 0, 'the number of entries')
      await storage.set('a', entry(1))
      await storage.set('b', entry(null))
      await storage.set('b', entry(2))
      await storage.set('gone', entry(3, 'v', Date.now() + 90_000))
      assertEqual(await storage.len(), 3, 'the number of entries')
      assertEqual(sortKeys(await collect(storage.keys())), ['a', 'b', 'gone'], 'the keys')
    },
  },
  {
    id: 'contract/prefix',
    name: 'a prefix selects the keys that begin with it, to the letter',
    run: async (subject) => {
      const storage = await subject.storage()
      for (const key of ['ab', 'abc', 'b', 'aB', 'a%', 'a_', 'a', 'a\0', 'a\0b'])
        await storage.set(key, entry(key))
      assertEqual(
        sortKeys(await collect(storage.keys({ prefix: 'ab' }))),
        ['ab', 'abc'],
        'the keys',
      )
      assertEqual(sortKeys(await collect(storage.keys({ prefix: 'a%' }))), ['a%'], 'the keys')
      assertEqual(
        sortKeys(await collect(storage.keys({ prefix: 'a\0' }))),
        ['a\0', 'a\0b'],
        'the keys',
      )
      assertEqual(await collect(storage.keys({ prefix: 'zzz' })), [], 'the keys')
      const entries = await collect(storage.entries({ prefix: 'ab' }))
      assertEqual(sortKeys(entries.map(([key]) => key)), ['ab', 'abc'], 'the entries')
      assertEqual(
        sortKeys(await collect(storage.liveKeys(0, { prefix: 'ab' }))),
        ['ab', 'abc'],
        'the live keys',
      )
    },
  },
  {
    id: 'contract/entries',
    name: 'entries gives every key with its whole entry, small and large',
    run: async (subject) => {
      const storage = await subject.storage()
      const large = 'x'.repeat(5000)
      await storage.set('small', entry({ n: 1 }, 's'))
      await storage.set('large', entry(large, 'l'))
      assertEqual(
        new Map((await collect(storage.entries())).toSorted(compareByKey)),
        new Map([
          ['large', { value: large, version: 'l' }],
          ['small', { value: { n: 1 }, version: 's' }],
        ]),
        'the entries',
      )
    },
  },
  {
    id: 'contract/live',
    name: 'liveKeys and liveLen leave out what has expired at that time, to the millisecond',
    run: async (subject) => {
      const storage = await subject.storage()
      const at = Date.now() + 100_000
      await storage.set('stays', entry(1))
      await storage.set('later', entry(2, 'v', at + 1))
      await storage.set('now', entry(3, 'v', at))
      // The future is asked last: a storage may reclaim what has expired by then.
      assertEqual(
        sortKeys(await collect(storage.liveKeys(at - 1))),
        ['later', 'now', 'stays'],
        'the live keys',
      )
      assertEqual(await storage.liveLen(at - 1), 3, 'the number of live entries')
      assertEqual(
        sortKeys(await collect(storage.liveKeys(at))),
        ['later', 'stays'],
        'the live keys',
      )
      assertEqual(await storage.liveLen(at), 2, 'the number of live entries')
    },
  },
  {
    id: 'contract/clear',
    name: 'clear removes every entry, and the storage works on',
    run: async (subject) => {
      const storage = await subject.storage()
      for (const key of ['', 'a', 'b/c']) await storage.set(key, entry(key))
      await storage.clear()
      assertEqual(await storage.len(), 0, 'the number of entries')
      assertEqual(await storage.get('a'), undefined)
      await storage.set('a', entry(1))
      assertEqual(await storage.len(), 1, 'the number of entries')
    },
  },
  {
    id: 'contract/copies-out',
    name: "what is read is the reader's own: changing it changes nothing stored",
    run: async (subject) => {
      const storage = await subject.storage()
      await storage.set('k', entry({ list: [1] }))
      for (const read of [
        storage.get('k'),
        storage.getMany(['k']).then((found) => found.get('k')),
      ]) {
        const { value } = (await read) ?? {}
        ;(value as { list: number[] }).list.push(2)
      }
      for (const [, { value }] of await collect(storage.entries()))
        (value as { list: number[] }).list.push(3)
      assertEqual((await storage.get('k'))?.value, { list: [1] })
    },
  },
  {
    id: 'contract/reopen',
    name: 'what was stored is there after the namespace was closed and opened again',
    run: async (subject) => {
      const namespace = subject.namespace()
      const storage = await subject.plugin.open(namespace)
      await storage.set('k', entry([1, 2], 'v1'))
      await storage.close()
      assertEqual(
        await (await subject.storage(namespace)).get('k'),
        { value: [1, 2], version: 'v1' },
        'the entry',
      )
    },
  },
  {
    id: 'contract/restart',
    name: 'what was stored is there for a plugin made anew over the same backend',
    exempt: ({ durable }: Traits) =>
      durable ? undefined : 'the data lives no longer than the plugin',
    run: async (subject) => {
      const namespace = subject.namespace()
      const storage = await subject.plugin.open(namespace)
      await storage.set('k', entry(new Date(7), 'v1'))
      await storage.close()
      const later = await subject.storage(namespace, await subject.restarted())
      assertEqual(await later.get('k'), { value: new Date(7), version: 'v1' }, 'the entry')
      assertEqual(await later.len(), 1, 'the number of entries')
    },
  },
  {
    id: 'contract/kept-without-close',
    name: 'a write that resolved is there for a plugin made anew, though nothing was closed',
    exempt: ({ durable }: Traits) =>
      durable ? undefined : 'the data lives no longer than the plugin',
    run: async (subject) => {
      const namespace = subject.namespace()
      await (await subject.storage(namespace)).set('k', entry('kept', 'v1'))
      const later = await subject.storage(namespace, await subject.restarted())
      assertEqual(await later.get('k'), { value: 'kept', version: 'v1' }, 'the entry')
    },
  },
  {
    id: 'contract/namespaces',
    name: 'a plugin that lists namespaces lists each that holds data, once and by its own name',
    run: async (subject) => {
      if (subject.plugin.namespaces === undefined) return 'the plugin lists no namespaces'
      const used = ['plain', 'sla/sh', 'co:lon', 'per%cent', '%2F', '日本'].map((name) =>
        subject.namespace(name),
      )
      for (const namespace of used) await (await subject.storage(namespace)).set('k', entry(1))
      const listed = await collect(subject.plugin.namespaces())
      for (const namespace of used) {
        assert(
          listed.filter((each) => each === namespace).length === 1,
          `${namespace} must be listed once`,
        )
      }
      return undefined
    },
  },
  {
    id: 'contract/traits',
    name: 'the traits are complete, and the largest sizes they name are real',
    run: async (subject) => {
      const storage = await subject.storage()
      const { maxKeyBytes, maxValueBytes, atomic, consistency } = storage.traits
      assert(['global', 'origin', 'instance', 'none'].includes(atomic), `atomic is ${atomic}`)
      assert(['strong', 'eventual'].includes(consistency), `consistency is ${consistency}`)
      assert(maxKeyBytes >= 1 && maxValueBytes >= 1, 'the limits must be at least 1')
      const key = 'k'.repeat(Math.min(maxKeyBytes, 100_000))
      await storage.set(key, entry(1))
      assertEqual(await collect(storage.keys()), [key], 'the longest key')
    },
  },
  {
    id: 'contract/bad-input-leaves-no-trace',
    name: 'a store refuses a bad key or value before anything reaches the storage',
    run: async (subject) => {
      const store = await subject.store()
      await assertRejects(store.set('\ud800', 1), 'INVALID_KEY', 'an unpaired surrogate')
      await assertRejects(
        store.set('k', () => 1),
        'INVALID_VALUE',
        'a function',
      )
      assertEqual(await store.size(), 0, 'the number of keys')
    },
  },
]
