import { sleep } from '../async.ts'
import type { Turns } from '../turns.ts'
import { assert, assertEqual } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { storeAt, type TestBackend } from './test-backend.ts'
import { increment, repeat } from './test-data.ts'

const NO_TURNS = 'the storage does not order the clients of a key: it has no `turns`'

/** Many clients that change one key at once. */
export const HOT_KEY_RULES: readonly Rule[] = [
  {
    id: 'hot-keys/turns',
    name: 'turns of one key are granted one at a time, in the order of the requests, to all clients of the backend',
    fix: 'let the backend order the requests, or share one LocalTurns between all storages of a namespace; leave `turns` out if neither is possible',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const [one, two] = await backend.openTwoStores()
      const holder = await openTurns(backend, one.namespace)
      const other = await openTurns(backend, two.namespace)
      if (holder === undefined || other === undefined) return NO_TURNS
      const events: string[] = []
      const first = await holder.request(['k', 'j'], 30_000)
      const later = [other, holder].map(async (turns, index) => {
        // Requests of two clients that are sent at once may arrive in another order.
        await sleep(index * 100)
        const turn = await turns.request(index === 0 ? ['k'] : ['j', 'k'], 30_000)
        events.push(`${index} starts`)
        await sleep(5)
        events.push(`${index} ends`)
        turn.release()
      })
      const free = await other.request(['free'], 30_000)
      events.push('the turn of another key')
      free.release()
      await sleep(200)
      events.push('the first ends')
      first.release()
      await Promise.all(later)
      assertEqual(
        events,
        ['the turn of another key', 'the first ends', '0 starts', '0 ends', '1 starts', '1 ends'],
        'the turns in order',
      )
      return undefined
    },
  },
  {
    id: 'hot-keys/slow-updates',
    name: '30 concurrent update() calls of one key from stores of 3 runtimes, with updaters that take 5 ms, are all applied in few runs',
    fix: 'report a mismatch of ifVersion as a conflict, and let `turns` order the clients of the backend',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(3)
      const hasTurns = (await openTurns(backend, storeAt(stores, 0).namespace)) !== undefined
      let runs = 0
      const update = (i: number): Promise<unknown> =>
        storeAt(stores, i).update('n', async (n) => {
          runs++
          await sleep(5)
          return increment(n)
        })
      await Promise.all(repeat(30, update))
      assertEqual(await storeAt(stores, 0).get('n'), 30, 'the counter')
      // An update that has lost runs once more in its turn, and again only if the turn has lapsed.
      // Without turns across clients, it loses to at most one update of each other store in a row.
      const most = hasTurns ? 70 : 150
      assert(runs <= most, `30 updates: expected at most ${most} runs; received ${runs}`)
    },
  },
  {
    id: 'hot-keys/slow-updater-beside-writes',
    name: 'update() with an updater that takes 50 ms succeeds while another client sets the key every 5 ms',
    fix: 'let writes without a condition wait for the turn of another client, in isContended() or in the backend',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const [one, two] = await backend.openTwoStores()
      if ((await openTurns(backend, one.namespace)) === undefined) return NO_TURNS
      const progress = { isUpdated: false }
      const writing = (async () => {
        for (let i = 0; !progress.isUpdated; i++) {
          await two.set('k', `set ${i}`)
          await sleep(5)
        }
      })()
      let runs = 0
      try {
        await one.update('k', async (value) => {
          runs++
          await sleep(50)
          return `updated ${String(value)}`
        })
      } finally {
        progress.isUpdated = true
        await writing
      }
      assert(runs <= 8, `update(): expected at most 8 runs of the updater; received ${runs}`)
      return undefined
    },
  },
]

/** Opens a storage of a namespace as another client does, and returns its turns if it has them. */
async function openTurns(backend: TestBackend, namespace: string): Promise<Turns | undefined> {
  const storage = await backend.openStorage(namespace, await backend.createPluginOfOtherClient())
  return storage.turns
}
