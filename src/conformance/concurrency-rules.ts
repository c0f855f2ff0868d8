import { assertEqual } from './assertions.ts'
import {
  openStore,
  pause,
  storeAt,
  increment,
  independentStores,
  repeat,
} from './independent-stores.ts'
import { type AnyStore, exemptUnlessAtomic, type Rule } from './test-backend.ts'

/** Writers at the same time: nothing that resolved is lost. */
export const CONCURRENCY_RULES: readonly Rule[] = [
  {
    id: 'atomic/updates-in-one-store',
    name: '100 concurrent updates of one key in one store lose nothing',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await openStore(subject)
      await Promise.all(repeat(100, () => store.update('n', increment)))
      assertEqual(await store.get('n'), 100)
    },
  },
  {
    id: 'atomic/updates-async',
    name: '100 concurrent updates with async functions lose nothing',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await openStore(subject)
      await Promise.all(repeat(100, () => store.update('n', async (n) => increment(n))))
      assertEqual(await store.get('n'), 100)
    },
  },
  {
    id: 'atomic/updates-slow',
    name: '25 concurrent updates whose functions wait for a timer lose nothing',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await openStore(subject)
      await Promise.all(
        repeat(25, () => store.update('n', (n) => pause(1).then(() => increment(n)))),
      )
      assertEqual(await store.get('n'), 25)
    },
  },
  {
    id: 'atomic/updates-among-strangers',
    name: '100 concurrent updates through 10 runtimes that know nothing of each other lose nothing',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const stores = await independentStores(subject, 10)
      await Promise.all(repeat(100, (i) => storeAt(stores, i).update('n', increment)))
      assertEqual(await storeAt(stores, 0).get('n'), 100)
    },
  },
  {
    id: 'atomic/mutable-among-strangers',
    name: '40 concurrent mutables through 4 runtimes keep every change',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const stores = await independentStores(subject, 4)
      await Promise.all(
        repeat(40, (i) =>
          storeAt(stores, i).mutable('list', (list) => (list as number[]).push(i), []),
        ),
      )
      assertEqual(
        ((await storeAt(stores, 0).get('list')) as number[]).toSorted((a, b) => a - b),
        repeat(40, (i) => i),
        'the list',
      )
    },
  },
  {
    id: 'atomic/set-among-updates',
    name: 'a blind set that races updates is ordered with them, never half-lost',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const [one, two] = (await independentStores(subject, 2)) as [AnyStore, AnyStore]
      const results = await Promise.all([
        ...repeat(20, (i) => (i % 2 ? one : two).update('n', increment)),
        two.set('n', 1000),
        ...repeat(20, (i) => (i % 2 ? one : two).update('n', increment)),
      ])
      const last = (await one.get('n')) as number
      const after = results.filter((n) => typeof n === 'number' && n > 1000).length
      assertEqual(last, 1000 + after, 'the count of the set and of all that came after it')
      let runs = 0
      await one.update('n', async (n) => {
        if (++runs === 1) await two.set('n', 5000)
        return increment(n)
      })
      assertEqual(await one.get('n'), 5001)
    },
  },
  {
    id: 'atomic/delete-and-recreate',
    name: 'a key that was deleted and made again with an equal value counts as changed',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const [one, two] = (await independentStores(subject, 2)) as [AnyStore, AnyStore]
      await one.set('k', 'same')
      let runs = 0
      await one.update('k', async (value) => {
        if (++runs === 1) {
          await two.delete('k')
          await two.set('k', 'same')
        }
        return `${String(value)} again`
      })
      assertEqual(runs, 2, 'how often the function ran')
      assertEqual(await one.get('k'), 'same again')
    },
  },
  {
    id: 'atomic/created-meanwhile',
    name: 'a key that appears while an update decides on its absence counts as changed',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const [one, two] = (await independentStores(subject, 2)) as [AnyStore, AnyStore]
      const seen: unknown[] = []
      await one.update('k', async (value) => {
        if (seen.push(value) === 1) await two.set('k', 1)
        return increment(value)
      })
      assertEqual(seen, [undefined, 1], 'what the function saw')
      assertEqual(await one.get('k'), 2)
    },
  },
]
