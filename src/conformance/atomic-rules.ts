import { assert, assertEqual, assertRejects, collect, sortedMap, sortKeys } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { storeAt } from './test-backend.ts'
import { increment, repeat } from './test-data.ts'

/** `getOrInsert`, `pop` and `setMany`, and which atomic methods a backend supports. */
export const ATOMIC_RULES: readonly Rule[] = [
  {
    id: 'atomic/get-or-insert',
    name: 'one of 20 concurrent getOrInsert() calls inserts, and all resolve to its value',
    fix: 'report a conflict for `ifVersion: null` if the key has a live entry',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(4)
      const results = await Promise.all(
        repeat(20, (i) => storeAt(stores, i).getOrInsert('k', { by: i })),
      )
      const stored = await storeAt(stores, 0).get('k')
      for (const result of results) assertEqual(result, stored, 'the result of getOrInsert()')
      await storeAt(stores, 0).set('k', null)
      assertEqual(
        await storeAt(stores, 1).getOrInsert('k', 'new'),
        null,
        'getOrInsert() of a stored null',
      )
    },
  },
  {
    id: 'atomic/pop',
    name: 'one of 20 concurrent pop() calls resolves to the value, and the key is removed',
    fix: 'check ifVersion of a removal in the same atomic step, and report a mismatch as a conflict',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(4)
      await storeAt(stores, 0).set('k', 'prize')
      const results = await Promise.all(repeat(20, (i) => storeAt(stores, i).pop('k')))
      assertEqual(
        results.filter((value) => value !== undefined),
        ['prize'],
        'the values that pop() resolved to',
      )
      assertEqual(await storeAt(stores, 0).has('k'), false, 'has() after pop()')
    },
  },
  {
    id: 'atomic/set-many',
    name: 'setMany() takes an object, a Map or entries, stores all or nothing, and the last entry of a key wins',
    fix: 'apply all changes of a group or none',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.setMany({ a: 1, b: [2] })
      await store.setMany(new Map([['c', 3]]))
      await store.setMany([
        ['d', 4],
        ['a', 0],
        ['a', 5],
      ])
      await store.setMany([])
      assertEqual(
        sortedMap(await collect(store)),
        new Map<string, unknown>([
          ['a', 5],
          ['b', [2]],
          ['c', 3],
          ['d', 4],
        ]),
        'the stored entries',
      )
      await assertRejects(
        store.setMany({ a: 'new', z: () => 1 }),
        'INVALID_VALUE',
        'setMany() with a function',
      )
      await assertRejects(
        store.setMany([
          ['a', 'new'],
          ['\ud800', 1],
        ]),
        'INVALID_KEY',
        'setMany() with an invalid key',
      )
      await assertRejects(store.setMany(null as never), 'INVALID_VALUE', 'setMany(null)')
      await assertRejects(store.setMany('ab' as never), 'INVALID_VALUE', "setMany('ab')")
      assertEqual(await store.get('a'), 5, 'the value of a after the rejected calls')
      assertEqual(await store.size(), 4, 'size() after the rejected calls')
    },
  },
  {
    id: 'atomic/set-many-read-consistently',
    name: 'getMany() of a storage sees all entries of a setMany() or none',
    fix: 'write a group in one transaction, and read the keys of one getMany() from one snapshot',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const [writer] = await backend.openTwoStores()
      const reader = await backend.openStorage(writer.namespace)
      const progress = { writes: 0 }
      const written = (async () => {
        for (; progress.writes < 20; progress.writes++) {
          const i = progress.writes
          await writer.setMany({ a: i, b: i, c: i })
        }
      })()
      const mixed: string[] = []
      while (progress.writes < 20) {
        const found = await reader.getMany(['a', 'b', 'c'])
        const values = [...found.values()].map(({ value }) => value)
        if (new Set(values).size > 1 || values.length % 3) mixed.push(values.join())
      }
      await written
      assertEqual(mixed, [], 'the reads that saw a part of a setMany()')
    },
  },
  {
    id: 'atomic/not-supported',
    name: "with atomic: 'none', update(), mutable(), getOrInsert(), pop() and setMany() reject with NOT_ATOMIC and store nothing",
    fix: "keep traits.atomic at 'none' if the backend has no conditional writes; the store then refuses these methods",
    exempt: ({ atomic }) =>
      atomic === 'none' ? undefined : `the backend has conditional writes (atomic: '${atomic}')`,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('k', 1)
      await assertRejects(store.update('k', increment), 'NOT_ATOMIC', 'update()')
      await assertRejects(
        store.mutable('k', () => {}),
        'NOT_ATOMIC',
        'mutable()',
      )
      await assertRejects(store.getOrInsert('k', 2), 'NOT_ATOMIC', 'getOrInsert()')
      await assertRejects(store.pop('k'), 'NOT_ATOMIC', 'pop()')
      const { message } = await assertRejects(store.setMany({ a: 1 }), 'NOT_ATOMIC', 'setMany()')
      assert(
        message.includes('allowLostUpdates'),
        `the message of NOT_ATOMIC: expected the option allowLostUpdates in it; received "${message}"`,
      )
      assertEqual(new Map(await collect(store)), new Map([['k', 1]]), 'the stored entries')
    },
  },
  {
    id: 'atomic/allow-lost-updates',
    name: 'with the option allowLostUpdates, all five methods work one after another on every backend',
    fix: "with atomic: 'none', write the changes of a group one after another",
    run: async (backend) => {
      const store = await backend.openStore({ allowLostUpdates: true })
      assertEqual(await store.update('n', increment), 1, 'update()')
      assertEqual(await store.update('n', async (n) => increment(n)), 2, 'an async update()')
      const list = await store.mutable('list', (draft) => (draft as number[]).push(1), [])
      assertEqual(list, [1], 'mutable()')
      assertEqual(await store.getOrInsert('n', 7), 2, 'getOrInsert()')
      await store.setMany({ a: 1, b: 2 })
      assertEqual(await store.pop('a'), 1, 'pop()')
      assertEqual(sortKeys(await collect(store.keys())), ['b', 'list', 'n'], 'keys()')
    },
  },
]
