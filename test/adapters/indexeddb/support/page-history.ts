import type { StorageRuntime } from '../../../../src/index.ts'
import {
  CallHistory,
  type CallRecord,
  closedIndexedDB,
  deafIndexedDB,
  type IndexedDBFault,
} from '../../../../src/testing/index.ts'
import { type HistoryScenario, readContents, runClients } from '../../../histories/run-history.ts'
import { replaceMethod } from './replace-method.ts'

interface PageScenario extends Pick<HistoryScenario, 'name' | 'clients' | 'calls' | 'seed'> {
  /** How often a fault is set before a call, from 0 to 1. */
  readonly faultRate: number
}

/** Short, because a deaf transaction holds up its callers for that long. */
const OPERATION_TIMEOUT_MS = 300

/** The clients of one tab or worker, which share a namespace with those of others. */
export class PageHistory {
  // The clock is the same in all processes. Calls within a millisecond count as concurrent.
  readonly #history = new CallHistory({ clock: 'shared', now: () => Date.now() })
  readonly #startRuntime: (config: Record<string, unknown>) => Promise<StorageRuntime>
  readonly #faults: IndexedDBFault[] = []

  constructor(startRuntime: (config: Record<string, unknown>) => Promise<StorageRuntime>) {
    this.#startRuntime = startRuntime
  }

  /** Makes random calls, with faults between them. Resolves to their records. */
  async run({ faultRate, ...scenario }: PageScenario): Promise<readonly CallRecord[]> {
    const config = { operationTimeout: OPERATION_TIMEOUT_MS }
    const runtimes = [await this.#startRuntime(config), await this.#startRuntime(config)]
    const records = await runClients({
      ...scenario,
      history: this.#history,
      openStore: (client) => (runtimes[client % 2] as StorageRuntime).open('ns'),
      chaos: (random) => {
        if (random() < faultRate) this.#setFault(random)
      },
    })
    for (const fault of this.#faults) fault.restore()
    await Promise.all(runtimes.map((runtime) => runtime.close()))
    return records
  }

  /** How many faults have happened. */
  faultCount = 0

  /** How many calls were made. */
  get callCount(): number {
    return this.#history.records.length
  }

  /**
   * Lets this page write nothing more, as if it were killed now. Returns the records until now; those
   * of calls that are pending have the outcome `unknown`.
   */
  stop(): readonly CallRecord[] {
    for (const name of ['put', 'delete', 'clear'] as const) {
      replaceMethod(IDBObjectStore.prototype, name, () => () => {
        throw new Error('The page was killed.')
      })
    }
    return structuredClone(this.#history.records)
  }

  /** Reads what is stored at the end. */
  async readContents(): Promise<(readonly [key: string, value: unknown])[]> {
    const runtime = await this.#startRuntime({})
    const contents = await readContents(await runtime.open('ns'))
    await runtime.close()
    return contents
  }

  #setFault(random: () => number): void {
    const options = {
      store: 'entries',
      nth: 1 + Math.floor(random() * 3),
      at: random() < 0.5 ? 'begin' : 'commit',
    } as const
    const fault =
      random() < 0.6
        ? closedIndexedDB(options)
        : deafIndexedDB({ ...options, hold: random() < 0.5 })
    this.#faults.push(fault)
    void fault.happened.then(() => this.faultCount++)
  }
}
