import { assert, assertEqual, assertRejects, collect } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'

/** `getMany` and `deleteMany`. */
export const MANY_RULES: readonly Rule[] = [
  {
    id: 'many/get-many',
    name: 'getMany() resolves to a map of the keys that have a live value, in the order in which they were asked for',
    fix: 'find every stored key in getMany(), and return its expiry',
    run: async (backend) => {
      const store = await backend.openStore()
      for (const key of ['a', 'b', 'c', '']) await store.set(key, `value of ${key}`)
      await store.set('null', null)
      await store.set('expired', 1, { ttl: 90_000 })
      backend.advanceClock(90_000)
      const keys = ['c', 'missing', 'a', 'expired', '', 'c', 'null', 'toString']
      const expected = new Map<string, unknown>([
        ['c', 'value of c'],
        ['a', 'value of a'],
        ['', 'value of '],
        ['null', null],
      ])
      assertEqual(await store.getMany(keys), expected, 'getMany() of a list')
      assertEqual(await store.getMany(new Set(keys)), expected, 'getMany() of a set')
      assertEqual(await store.getMany([]), new Map(), 'getMany() of no keys')
      const together = await Promise.all([store.set('a', 1), store.getMany(['b', 'a'])])
      assertEqual([...together[1].values()], ['value of b', 1], 'getMany() after set()')
    },
  },
  {
    id: 'many/get-many-copies',
    name: 'getMany() returns new copies',
    fix: 'copy the entry on each read, with structuredClone() or by parsing stored text',
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('k', { list: [1] })
      const [one, two] = await Promise.all([store.getMany(['k']), store.getMany(['k'])])
      ;(one.get('k') as { list: number[] }).list.push(2)
      assertEqual(two.get('k'), { list: [1] }, 'the value of another call')
      assertEqual(await store.get('k'), { list: [1] }, 'the stored value')
    },
  },
  {
    id: 'many/delete-many',
    name: 'deleteMany() removes the keys that exist, and ignores the others',
    fix: 'remove all keys of a group, and treat "not found" of the backend as success',
    run: async (backend) => {
      const store = await backend.openStore()
      for (const key of ['a', 'b', 'c', 'd', '']) await store.set(key, 1)
      await store.deleteMany(['a', 'missing', 'c', 'a'])
      assertEqual(await collect(store.keys()), ['', 'b', 'd'], 'keys()')
      await store.deleteMany(new Set(['']))
      await store.deleteMany([])
      assertEqual(await collect(store.keys()), ['b', 'd'], 'keys() after deleteMany() of a set')
      await Promise.all([store.set('b', 2), store.deleteMany(['b', 'd']), store.set('d', 3)])
      assertEqual(new Map(await collect(store)), new Map([['d', 3]]), 'entries() in order')
    },
  },
  {
    id: 'many/delete-many-atomic',
    name: 'a getMany() of a storage sees all keys of a deleteMany() or none',
    fix: 'write a group in one transaction, and read the keys of one getMany() from one snapshot',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const [writer] = await backend.openTwoStores()
      const reader = await backend.openStorage(writer.namespace)
      const progress = { isDone: false }
      const written = (async () => {
        for (let i = 0; i < 20; i++) {
          await writer.setMany({ a: i, b: i, c: i })
          await writer.deleteMany(['c', 'b', 'a'])
        }
        progress.isDone = true
      })()
      const sizes = new Set<number>()
      while (!progress.isDone) sizes.add((await reader.getMany(['a', 'b', 'c'])).size)
      await written
      for (const size of sizes)
        assert(size % 3 === 0, `getMany() of 3 keys: expected 0 or 3 entries; received ${size}`)
    },
  },
  {
    id: 'many/invalid-keys',
    name: 'getMany() and deleteMany() reject a list with an invalid key with INVALID_KEY, and remove nothing',
    fix: 'check that get() returns what was last set; the store validates keys before it calls the storage',
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('a', 1)
      for (const keys of [['a', '\ud800'], ['a', 5], 'a', null, undefined, 5, { a: 1 }]) {
        const what = `with ${Object.prototype.toString.call(keys)}`
        const list = keys as string[]
        await assertRejects(store.getMany(list), 'INVALID_KEY', `getMany() ${what}`)
        await assertRejects(store.deleteMany(list), 'INVALID_KEY', `deleteMany() ${what}`)
      }
      assertEqual(await store.get('a'), 1, 'get() after the rejected calls')
    },
  },
]
