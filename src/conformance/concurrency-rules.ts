import { sleep } from '../async.ts'
import { assertEqual } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { storeAt } from './test-backend.ts'
import { increment, repeat } from './test-data.ts'

const CHECK_AND_WRITE =
  'check ifVersion and write in one atomic step of the backend, and report a mismatch as a conflict'

/** Concurrent writes to one key: no update that resolved is lost. */
export const CONCURRENCY_RULES: readonly Rule[] = [
  {
    id: 'atomic/update-concurrent',
    name: '100 concurrent update() calls on one key of one store are all applied',
    fix: CHECK_AND_WRITE,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await Promise.all(repeat(100, () => store.update('n', increment)))
      assertEqual(await store.get('n'), 100, 'the counter')
    },
  },
  {
    id: 'atomic/update-async',
    name: '100 concurrent update() calls with async updaters are all applied',
    fix: CHECK_AND_WRITE,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await Promise.all(repeat(100, () => store.update('n', async (n) => increment(n))))
      assertEqual(await store.get('n'), 100, 'the counter')
    },
  },
  {
    id: 'atomic/update-slow',
    name: '25 concurrent update() calls whose updaters wait for a timer are all applied',
    fix: CHECK_AND_WRITE,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await Promise.all(
        repeat(25, () => store.update('n', (n) => sleep(1).then(() => increment(n)))),
      )
      assertEqual(await store.get('n'), 25, 'the counter')
    },
  },
  {
    id: 'atomic/update-across-stores',
    name: '100 concurrent update() calls from stores of 10 runtimes are all applied',
    fix: CHECK_AND_WRITE,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(10)
      await Promise.all(repeat(100, (i) => storeAt(stores, i).update('n', increment)))
      assertEqual(await storeAt(stores, 0).get('n'), 100, 'the counter')
    },
  },
  {
    id: 'atomic/mutable-across-stores',
    name: '40 concurrent mutable() calls from stores of 4 runtimes are all applied',
    fix: CHECK_AND_WRITE,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(4)
      const push = (i: number): Promise<unknown> =>
        storeAt(stores, i).mutable('list', (list) => (list as number[]).push(i), [])
      await Promise.all(repeat(40, push))
      assertEqual(
        ((await storeAt(stores, 0).get('list')) as number[]).toSorted((a, b) => a - b),
        repeat(40, (i) => i),
        'the sorted list',
      )
    },
  },
  {
    id: 'atomic/set-during-updates',
    name: 'a set() during updates of its key takes effect before or after each of them',
    fix: 'give the entry the version that the change carries, also where the change has no ifVersion',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const [one, two] = await backend.openTwoStores()
      const update = (i: number): Promise<unknown> => (i % 2 ? one : two).update('n', increment)
      const results = await Promise.all([
        ...repeat(20, update),
        two.set('n', 1000),
        ...repeat(20, update),
      ])
      const updatesAfterSet = results.filter((n) => typeof n === 'number' && n > 1000).length
      assertEqual(await one.get('n'), 1000 + updatesAfterSet, 'the counter')
      let runs = 0
      await one.update('n', async (n) => {
        if (++runs === 1) await two.set('n', 5000)
        return increment(n)
      })
      assertEqual(await one.get('n'), 5001, 'the counter after a set() within an updater')
    },
  },
  {
    id: 'atomic/recreated-during-update',
    name: 'update() runs its updater again if the key was deleted and set to an equal value meanwhile',
    fix: 'compare ifVersion with the stored version, not with the stored value',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const [one, two] = await backend.openTwoStores()
      await one.set('k', 'equal')
      let runs = 0
      await one.update('k', async (value) => {
        if (++runs === 1) {
          await two.delete('k')
          await two.set('k', 'equal')
        }
        return `${String(value)}, updated`
      })
      assertEqual(runs, 2, 'how often the updater ran')
      assertEqual(await one.get('k'), 'equal, updated', 'the value')
    },
  },
  {
    id: 'atomic/created-during-update',
    name: 'update() of a missing key runs its updater again if the key was created meanwhile',
    fix: 'report a conflict for `ifVersion: null` if the key has a live entry',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const [one, two] = await backend.openTwoStores()
      const received: unknown[] = []
      await one.update('k', async (value) => {
        if (received.push(value) === 1) await two.set('k', 1)
        return increment(value)
      })
      assertEqual(received, [undefined, 1], 'the values that the updater received')
      assertEqual(await one.get('k'), 2, 'the value')
    },
  },
]
