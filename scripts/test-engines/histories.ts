// Histories: several clients call at the same time, and what they read and wrote is checked.

import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { StorageRuntime } from '../../src/index.ts'
import { type CallRecord, CallHistory, checkHistory } from '../../src/testing/index.ts'
import { readContents, runClients } from '../../test/histories/run-history.ts'

const SEEDS = [1, 2, 3, 4, 5]
const CALLS_PER_CLIENT = 25
/** The path of the script that a Worker of the page runs. */
export const WORKER_PATH = 'worker.js'

/** The part of a history that is made in one page or Worker. */
export interface HistoryPart {
  readonly namespace: string
  readonly name: string
  readonly seed: number
  readonly connections: number
  /** Counts the calls of all parts, which orders them. */
  readonly counter: Int32Array
}

/** A case resolves to why it cannot run here, and rejects with what is wrong with its history. */
export interface HistoryCase {
  readonly run: () => Promise<string | undefined>
}

/** Eight clients of one page, on four connections. */
export const PAGE_HISTORIES: readonly HistoryCase[] = SEEDS.map((seed) => ({
  async run() {
    const counter = new Int32Array(1)
    const namespace = `page ${seed}`
    await checkNamespace(seed, namespace, () =>
      runPart({ namespace, name: 'page', seed, connections: 4, counter }),
    )
    return undefined
  },
}))

/** A page and two Workers, with two clients and one connection each. */
export const WORKER_HISTORIES: readonly HistoryCase[] = SEEDS.map((seed) => ({
  async run() {
    if (typeof SharedArrayBuffer === 'undefined') {
      return 'a page that was loaded over HTTP shares no memory with its Workers'
    }
    const counter = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    const part = { namespace: `workers ${seed}`, connections: 1, counter }
    await checkNamespace(seed, part.namespace, async () => {
      const records = await Promise.all([
        runPart({ ...part, name: 'page', seed }),
        runInWorker({ ...part, name: 'first worker', seed: seed + 100 }),
        runInWorker({ ...part, name: 'second worker', seed: seed + 200 }),
      ])
      return records.flat()
    })
    return undefined
  },
}))

/** Runs the clients of a part, two for each connection to the database. */
export async function runPart(part: HistoryPart): Promise<readonly CallRecord[]> {
  const { namespace, name, seed, connections, counter } = part
  const runtimes = Array.from({ length: connections }, createRuntime)
  const records = await runClients({
    openStore: (client) => (runtimes[client % connections] as StorageRuntime).open(namespace),
    clients: 2 * connections,
    calls: CALLS_PER_CLIENT,
    seed,
    name,
    history: new CallHistory({ clock: 'shared', now: () => Atomics.add(counter, 0, 1) }),
  })
  await Promise.all(runtimes.map((runtime) => runtime.close()))
  return records
}

async function checkNamespace(
  seed: number,
  namespace: string,
  runCalls: () => Promise<readonly CallRecord[]>,
): Promise<void> {
  const records = await runCalls()
  const runtime = createRuntime()
  const store = await runtime.open(namespace)
  const contents = await readContents(store)
  await store.close()
  await runtime.drop(namespace)
  await runtime.close()
  const [violation, ...others] = checkHistory(records, contents)
  if (violation === undefined) return
  throw new Error(`seed ${seed}: ${violation.message} (and ${others.length} more violations)`)
}

function createRuntime(): StorageRuntime {
  const config = { STORAGE_CONFIG: { database: 'histories', durability: 'relaxed' } }
  return new StorageRuntime(new IndexedDBStoragePlugin(config))
}

async function runInWorker(part: HistoryPart): Promise<readonly CallRecord[]> {
  const worker = new Worker(WORKER_PATH, { type: 'module' })
  try {
    return await new Promise((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<readonly CallRecord[]>) =>
        resolve(data),
      )
      worker.addEventListener('error', ({ message }) =>
        reject(new Error(`A Worker failed: ${message}`)),
      )
      worker.postMessage(part, [])
    })
  } finally {
    worker.terminate()
  }
}
