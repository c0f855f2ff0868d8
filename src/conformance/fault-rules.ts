import { isStoreError } from '../errors.ts'
import type { Store } from '../store.ts'
import { eachFault, type FaultReport } from '../testing/each-fault.ts'
import type { FaultScript } from '../testing/fault-run.ts'
import { FAULT_KINDS, type FaultKind } from '../testing/faults.ts'
import { collect, fail } from './assertions.ts'
import type { Rule } from './rule.ts'
import { increment } from './test-data.ts'

/** How many runs wait for the backend at once. */
const CONCURRENCY = 8
/** Another call may exceed it too, and then has an unknown outcome. */
const OPERATION_TIMEOUT_MS = 50
const MAX_SHOWN_PROBLEMS = 5

const WHAT_FAILS: Readonly<Record<FaultKind, string>> = {
  'reject-before': 'rejects and is not made',
  'reject-after': 'is made and then rejects',
  'throw-before': 'throws and is not made',
  'throw-after': 'is made and throws',
  never: 'never settles',
  late: 'settles after its time limit',
  rubbish: 'resolves to what it must not',
  'in-part': 'is made in part',
  twice: 'is made twice',
}

/** What a plugin keeps to when one of its calls fails. Only with the option `faults`. */
export const FAULT_RULES: readonly Rule[] = FAULT_KINDS.map((fault) => ({
  id: `faults/${fault}`,
  name: `no write is lost or torn and nothing hangs if any one call ${WHAT_FAILS[fault]}`,
  fix: 'let the error state the true outcome, handle each promise, write nothing after onTimeout(), and let close() end; eachFault(), with faults only for this call, repeats the run',
  run: async (backend) => {
    const { reports } = await eachFault(() => backend.createPlugin(), faultScript, {
      faults: [fault],
      concurrency: CONCURRENCY,
      operationTimeout: OPERATION_TIMEOUT_MS,
      runtime: { allowLostUpdates: true },
    })
    if (reports.length > 0) fail(describeReports(reports))
  },
}))

function describeReports(reports: readonly FaultReport[]): string {
  const lines = reports.flatMap(({ on, nth, fault, problems }) =>
    problems.map((problem) =>
      on === undefined
        ? `without a fault: ${problem}`
        : `{ on: '${on}', nth: ${nth}, fault: '${fault}' }: ${problem}`,
    ),
  )
  const shown = lines.slice(0, MAX_SHOWN_PROBLEMS).join('\n  ')
  return `expected each run to be possible; ${lines.length} problems in ${reports.length} runs:\n  ${shown}`
}

type Values = Record<string, unknown> & { list: unknown[]; n: number; m: number }

/** Makes every call of a runtime and its stores. */
export const faultScript: FaultScript = async ({ runtime, open }) => {
  const openStore = (namespace: string): Promise<Store<Values> | undefined> =>
    attempt(() => open<Values>(namespace))
  const store = await openStore('one')
  const other = await openStore('one')
  if (store && other) await useStores(store, other)
  await attempt(() => store?.close())
  const second = await openStore('two')
  await attempt(() => second?.set('a', 1))
  await attempt(() => second?.close())
  await attempt(() => collect(runtime.namespaces()))
  await attempt(() => runtime.drop('two'))
  // The runtime closes what is left open.
}

async function useStores(store: Store<Values>, other: Store<Values>): Promise<void> {
  await attempt(() => store.set('a', 1))
  await Promise.all([
    attempt(() => store.set('a', 2)),
    attempt(() => store.update('n', increment)),
    attempt(() => other.update('n', increment)),
    attempt(() => other.set('b', [1])),
    attempt(() => store.get('a')),
  ])
  await attempt(() => store.setMany({ a: 3, b: 3, c: 3, d: 3 }))
  await attempt(() =>
    store.transaction(['a', 'b'], (tx) => {
      tx.set('a', 4)
      tx.set('b', 4)
    }),
  )
  await Promise.all([
    attempt(() => store.increment('m', 2)),
    attempt(() => store.append('list', 'x')),
    attempt(() => other.append('list', 'y')),
    attempt(() => store.insert('i', 1)),
    attempt(() => store.set('e', 1)),
  ])
  await attempt(() => store.getOrInsert('g', 1))
  await attempt(() => store.update('n', async (n) => increment(n)))
  await attempt(() => Promise.all([store.get('a'), store.has('b'), other.record('c')]))
  await attempt(() => other.getMany(['a', 'b', 'n']))
  await attempt(() => store.size())
  await attempt(() => collect(store.keys()))
  await attempt(() => collect(other.entries()))
  await attempt(() => watchOnce(store))
  await attempt(() => store.pop('c'))
  await attempt(() => store.deleteMany(['a', 'd']))
  await attempt(() => store.delete('i'))
  await attempt(() => store.touch('g', { ttl: 60_000 }))
  await attempt(() => store.clear({ prefix: 'l' }))
  await attempt(() => store.clear())
  await attempt(() => other.set('z', 1))
}

async function watchOnce(store: Store<Values>): Promise<void> {
  if (!store.traits.watch) return
  const watch = store.watch()
  const next = watch.next()
  await store.set('w', 1)
  await watch.return()
  await next
}

/** Ignores the errors that a fault may cause. */
async function attempt<T>(call: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (isStoreError(error)) return undefined
    throw error
  }
}
