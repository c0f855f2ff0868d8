import { deferred } from '../async.ts'
import {
  assert,
  collect,
  assertRejects,
  assertEqual,
  sortKeys,
  compareByKey,
} from './assertions.ts'
import {
  openStore,
  pause,
  storeAt,
  increment,
  independentStores,
  repeat,
} from './independent-stores.ts'
import { exemptUnlessAtomic, type Rule } from './test-backend.ts'

/** Atomic steps one by one: what they store, what they resolve to, and what happens when they fail. */
export const ATOMIC_RULES: readonly Rule[] = [
  {
    id: 'atomic/throws',
    name: 'when the function throws, its own error comes out and nothing is stored',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await openStore(subject)
      await store.set('k', { list: [1] })
      const own = new TypeError('mine')
      const spoil = (value: unknown): never => {
        ;(value as { list: number[] }).list.push(2)
        throw own
      }
      const steps = [
        () => store.update('k', spoil),
        () => store.mutable('k', spoil),
        () => store.update('k', async (v) => spoil(v)),
        () => store.mutable('k', (v) => pause(1).then(() => spoil(v))),
      ]
      for (const step of steps) {
        const error: unknown = await step().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        assert(error === own, `the function's own error must come out; it was ${String(error)}`)
      }
      assertEqual(await store.get('k'), { list: [1] })
      await assertRejects(
        store.update('k', () => ({ f: () => 1 })),
        'INVALID_VALUE',
        'an update to a function',
      )
      assertEqual(await store.get('k'), { list: [1] })
      assertEqual(await store.update('k', () => 'works on'), 'works on')
    },
  },
  {
    id: 'atomic/update-results',
    name: 'update stores what the function returns, removes on undefined, and resolves to a copy of what is stored',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await openStore(subject)
      assertEqual(await store.update('k', (value) => value), undefined)
      assert(!(await store.has('k')), 'undefined for a missing key stores nothing')
      const next = { list: [1] }
      const stored = (await store.update('k', () => next)) as { list: number[] }
      assertEqual(stored, { list: [1] })
      next.list.push(2)
      stored.list.push(3)
      assertEqual(await store.get('k'), { list: [1] })
      assertEqual(await store.update('k', () => null), null)
      assertEqual(await store.get('k'), null)
      assertEqual(await store.update('k', () => undefined), undefined)
      assert(!(await store.has('k')), 'undefined removes the key')
    },
  },
  {
    id: 'atomic/mutable-results',
    name: 'mutable stores the draft, ignores what the function returns, and needs an initial to start from nothing',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await openStore(subject)
      assertEqual(
        await store.mutable('k', (draft) =>
          assert(draft === undefined, 'a missing key is undefined'),
        ),
        undefined,
      )
      assert(!(await store.has('k')), 'nothing is stored without an initial')
      const initial = [0]
      assertEqual(await store.mutable('k', (list) => (list as number[]).push(1), initial), [0, 1])
      assertEqual(
        await store.mutable('k', (list) => (list as number[]).push(2), initial),
        [0, 1, 2],
      )
      assertEqual(initial, [0], 'the initial, which is never changed')
      assertEqual(
        await store.mutable('k', async (list) => (list as number[]).length === 3 && 'ignored'),
        [0, 1, 2],
      )
      assertEqual(await store.get('k'), [0, 1, 2])
      await assertRejects(
        store.mutable('k', (list) => (list as unknown[]).push(() => 1)),
        'INVALID_VALUE',
        'a draft with a function',
      )
      assertEqual(await store.get('k'), [0, 1, 2])
    },
  },
  {
    id: 'atomic/get-or-insert',
    name: 'of 20 concurrent getOrInserts one inserts, and all get its value',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const stores = await independentStores(subject, 4)
      const got = await Promise.all(
        repeat(20, (i) => storeAt(stores, i).getOrInsert('k', { by: i })),
      )
      for (const value of got)
        assertEqual(value, await storeAt(stores, 0).get('k'), 'what one of them got')
      await storeAt(stores, 0).set('k', null)
      assertEqual(await storeAt(stores, 1).getOrInsert('k', 'new'), null, 'a stored null')
    },
  },
  {
    id: 'atomic/pop',
    name: 'of 20 concurrent pops one gets the value, and the key is gone',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const stores = await independentStores(subject, 4)
      await storeAt(stores, 0).set('k', 'prize')
      const got = await Promise.all(repeat(20, (i) => storeAt(stores, i).pop('k')))
      assertEqual(
        got.filter((value) => value !== undefined),
        ['prize'],
        'what the pops got',
      )
      assert(!(await storeAt(stores, 0).has('k')), 'the key must be gone')
    },
  },
  {
    id: 'atomic/set-many',
    name: 'setMany stores all or nothing, from an object, a Map or pairs, and the last of a key wins',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await openStore(subject)
      await store.setMany({ a: 1, b: [2] })
      await store.setMany(new Map([['c', 3]]))
      await store.setMany([
        ['d', 4],
        ['a', 0],
        ['a', 5],
      ])
      await store.setMany([])
      assertEqual(
        new Map((await collect(store)).toSorted(compareByKey)),
        new Map<string, unknown>([
          ['a', 5],
          ['b', [2]],
          ['c', 3],
          ['d', 4],
        ]),
        'what is stored',
      )
      await assertRejects(
        store.setMany({ a: 'new', z: () => 1 }),
        'INVALID_VALUE',
        'a group with a function',
      )
      await assertRejects(
        store.setMany([
          ['a', 'new'],
          ['\ud800', 1],
        ]),
        'INVALID_KEY',
        'a group with a bad key',
      )
      await assertRejects(store.setMany(null as never), 'INVALID_VALUE', 'no group')
      await assertRejects(store.setMany('ab' as never), 'INVALID_VALUE', 'a string')
      assertEqual(await store.get('a'), 5)
      assertEqual(await store.size(), 4, 'the number of keys')
    },
  },
  {
    id: 'atomic/set-many-seen-whole',
    name: 'whoever reads the keys in one call sees a setMany whole or not at all',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const writer = await openStore(subject)
      const reader = await subject.storage(writer.namespace)
      const progress = { rounds: 0 }
      const written = (async () => {
        for (; progress.rounds < 20; progress.rounds++) {
          const i = progress.rounds
          await writer.setMany({ a: i, b: i, c: i })
        }
      })()
      const mixed: string[] = []
      while (progress.rounds < 20) {
        const found = [...(await reader.getMany(['a', 'b', 'c'])).values()].map(
          ({ value }) => value,
        )
        if (new Set(found).size > 1 || found.length % 3) mixed.push(found.join())
      }
      await written
      assertEqual(mixed, [], 'what shows parts of two groups')
    },
  },
  {
    id: 'atomic/nested',
    name: 'a function that writes its own key is a CONFLICT and no deadlock; another key it may write',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await openStore(subject)
      await store.set('k', 1)
      await assertRejects(
        store.update('k', async () => {
          await store.set('k', 5)
          return 2
        }),
        'CONFLICT',
        'a set of the same key inside update',
      )
      await assertRejects(
        store.update('k', async () => {
          void store.update('other', increment)
          await store.set('k', 5)
        }),
        'CONFLICT',
        'a set of the same key after an update of another',
      )
      await assertRejects(
        store.mutable('k', () => store.update('k', increment)),
        'CONFLICT',
        'an update inside mutable',
      )
      assertEqual(await store.get('k'), 1)
      assertEqual(
        await store.update('k', async (n) => {
          await store.set('other', n)
          return increment(await store.get('k'))
        }),
        2,
      )
      assertEqual(await store.get('other'), 1)
    },
  },
  {
    id: 'atomic/reads-do-not-wait',
    name: 'a read does not wait for an update whose function is still running, and sees the old value',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await openStore(subject)
      await store.set('k', 'old')
      const { promise: gate, resolve: open } = deferred()
      const { promise: started, resolve: start } = deferred()
      const updated = store.update('k', async () => {
        start()
        await gate
        return 'new'
      })
      await started
      assertEqual(await store.get('k'), 'old')
      open()
      assertEqual(await updated, 'new')
    },
  },
  {
    id: 'atomic/refused',
    name: 'where nothing can be atomic, the five methods are NOT_ATOMIC and store nothing',
    exempt: ({ atomic }) => (atomic === 'none' ? undefined : 'the backend has conditional writes'),
    run: async (subject) => {
      const store = await subject.store()
      await store.set('k', 1)
      await assertRejects(store.update('k', increment), 'NOT_ATOMIC', 'update')
      await assertRejects(
        store.mutable('k', () => {}),
        'NOT_ATOMIC',
        'mutable',
      )
      await assertRejects(store.getOrInsert('k', 2), 'NOT_ATOMIC', 'getOrInsert')
      await assertRejects(store.pop('k'), 'NOT_ATOMIC', 'pop')
      const { message } = await assertRejects(store.setMany({ a: 1 }), 'NOT_ATOMIC', 'setMany')
      assert(message.includes('allowLostUpdates'), `the message must say what to do: ${message}`)
      assertEqual(new Map(await collect(store)), new Map([['k', 1]]), 'what is stored')
    },
  },
  {
    id: 'atomic/allowed-to-lose',
    name: 'with allowLostUpdates the five methods work, one after another',
    run: async (subject) => {
      const store = await subject.store({ allowLostUpdates: true })
      assertEqual(await store.update('n', increment), 1)
      assertEqual(await store.update('n', async (n) => increment(n)), 2)
      assertEqual(await store.mutable('list', (list) => (list as number[]).push(1), []), [1])
      assertEqual(await store.getOrInsert('n', 7), 2)
      await store.setMany({ a: 1, b: 2 })
      assertEqual(await store.pop('a'), 1)
      assertEqual(sortKeys(await collect(store.keys())), ['b', 'list', 'n'], 'the keys')
    },
  },
]
