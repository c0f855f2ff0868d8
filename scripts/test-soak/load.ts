// The mixed load of a soak. It runs in Node, in a page and in a Worker.

import {
  type RuntimeOptions,
  type StoragePluginBase,
  type Store,
  StorageRuntime,
} from '../../src/index.ts'
import { CallHistory } from '../../src/testing/index.ts'
import { runClients } from '../../test/histories/run-history.ts'

export interface LoadOptions {
  /** Creates a plugin for a runtime, over the same data each time. */
  readonly createPlugin: () => StoragePluginBase
  /** How many calls each of the clients makes in a batch. */
  readonly calls: number
  readonly options?: RuntimeOptions
  /** Called before some calls: it closes a connection or resets an object. */
  readonly disturb?: () => Promise<void>
}

/** What a batch of calls did. */
export interface LoadCounts {
  readonly calls: number
  /** How many calls failed, by the code or the name of their error. */
  readonly errors: Readonly<Record<string, number>>
}

const NAMESPACE = 'Soak'
const CLIENTS = 6
const SETTLE_TIMEOUT_MS = 180_000
const MAX_ATTEMPTS = 10

/**
 * Makes batches of random calls: with one runtime and store that stay open, and with two runtimes that
 * each batch opens and closes.
 */
export class Load {
  readonly #options: LoadOptions
  readonly #runtime: StorageRuntime
  #store: Store

  static async start(options: LoadOptions): Promise<Load> {
    const runtime = new StorageRuntime(options.createPlugin(), options.options)
    return new Load(options, runtime, await openWatched(runtime))
  }

  private constructor(options: LoadOptions, runtime: StorageRuntime, store: Store) {
    this.#options = options
    this.#runtime = runtime
    this.#store = store
  }

  /** Makes one batch of calls. Rejects if they do not settle, or if the store cannot be used again. */
  async run(seed: number): Promise<LoadCounts> {
    const { createPlugin, calls, options, disturb } = this.#options
    await this.#empty()
    const others = [1, 2].map(() => new StorageRuntime(createPlugin(), options))
    const runtimes = [this.#runtime, ...others]
    const history = new CallHistory()
    const errors: Record<string, number> = {}
    const settled = await settlesInTime(
      runClients({
        openStore: (client) => openWatched(runtimes[client % runtimes.length] as StorageRuntime),
        clients: CLIENTS,
        calls,
        seed,
        history,
        chaos: async (random) => {
          if (random() < 0.1) await this.#setExpiring(Math.floor(random() * 50)).catch(() => {})
          if (random() < 0.01) await disturb?.()
        },
      }).then(() => Promise.all(others.map((runtime) => runtime.close()))),
    )
    for (const { error } of history.records) {
      if (error === undefined) continue
      const kind = 'code' in error ? error.code : error.name
      errors[kind] = (errors[kind] ?? 0) + 1
    }
    if (!settled) {
      const pending = history.records.filter((record) => record.settled === undefined)
      throw new Error(
        `${pending.length} calls had not settled after ${SETTLE_TIMEOUT_MS / 1000} s, such as ${pending[0]?.method}()`,
      )
    }
    return { calls: history.records.length, errors }
  }

  async close(): Promise<void> {
    await this.#runtime.close()
  }

  async #setExpiring(number: number): Promise<void> {
    await this.#store.set(`expiring ${number}`, 'x'.repeat(1000), { ttl: 2000 })
  }

  /** A ledger grows with each batch, so a batch begins without one. */
  async #empty(): Promise<void> {
    if (!this.#store.isOpen) this.#store = await openWatched(this.#runtime)
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#store.clear()
        return
      } catch (error) {
        if (attempt === MAX_ATTEMPTS) throw error
      }
    }
  }
}

/** Opens a store with a reader of its changes, which ends when the store closes. */
async function openWatched(runtime: StorageRuntime): Promise<Store> {
  const store = await open(runtime)
  if (store.traits.watch) void readAll(store.watch()).catch(() => {})
  return store
}

/** While Chromium clears a site's data, it may not answer a request to open a database in time. */
async function open(runtime: StorageRuntime): Promise<Store> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runtime.open(NAMESPACE)
    } catch (error) {
      if (attempt === MAX_ATTEMPTS) throw error
    }
  }
}

async function readAll(changes: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of changes);
}

async function settlesInTime(work: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, SETTLE_TIMEOUT_MS, false)
  })
  try {
    return await Promise.race([work.then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}
