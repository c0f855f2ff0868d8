import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { isStoreError, type Store } from 'botshelf'
import { CallHistory, type Ledger, ledger, recordOutcomes } from 'botshelf/testing'
import { createRandom } from '../../test/support/random.ts'
import type { LoadedStore } from './engine.ts'

/** The clients make their calls one after another, each. */
export const CLIENT_COUNT = 6
const LEDGER_COUNT = 2
const VALUE_COUNT = 3
const MAX_WAIT_MS = 60_000

export interface LoadOptions {
  /** The keys of the load begin with it. */
  readonly prefix: string
  readonly seed: number
  /** How many keys one `setMany` writes. */
  readonly groupSize: number
}

/** Concurrent clients that read and write a few keys until they are stopped, and what they did. */
export class Load {
  readonly history: CallHistory = new CallHistory()
  readonly #options: LoadOptions
  readonly #random: () => number
  /** The last number of each client in each ledger. */
  readonly #ledgerNumbers = new Map<string, number>()
  #callCount = 0
  #acknowledgedCount = 0
  #isStopped = false
  #clients: Promise<unknown> = Promise.resolve()

  constructor(options: LoadOptions) {
    this.#options = options
    this.#random = createRandom(options.seed)
  }

  /** The keys that `setMany` writes, all with one value. */
  get groupKeys(): string[] {
    const { prefix, groupSize } = this.#options
    return Array.from({ length: groupSize }, (_, index) => `${prefix}group ${index}`)
  }

  /** All keys of the load. */
  get keys(): string[] {
    const names = [
      'counter',
      ...Array.from({ length: LEDGER_COUNT }, (_, index) => `ledger ${index}`),
      ...Array.from({ length: VALUE_COUNT }, (_, index) => `value ${index}`),
    ]
    return [...names.map((name) => this.#options.prefix + name), ...this.groupKeys]
  }

  /** Starts a client for each store. It may be called again after `stop()`. */
  start(stores: readonly LoadedStore[]): void {
    this.#isStopped = false
    this.#clients = Promise.all(stores.map((store, index) => this.#run(store, `client ${index}`)))
  }

  /** Resolves when `count` more calls have succeeded. */
  async untilAcknowledged(count: number): Promise<void> {
    const goal = this.#acknowledgedCount + count
    const deadline = Date.now() + MAX_WAIT_MS
    while (this.#acknowledgedCount < goal) {
      if (Date.now() > deadline) throw new Error('The load makes no progress.')
      await sleep(5)
    }
  }

  /** Makes no further call. Resolves when the calls in flight have settled. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#clients
  }

  async #run(store: LoadedStore, client: string): Promise<void> {
    // A recorder calls only the methods that the load calls.
    const recorded = recordOutcomes(store as Store, { client, history: this.history }).store
    while (!this.#isStopped) {
      try {
        await this.#call(recorded, client)
        this.#acknowledgedCount++
        // Memory replies without a turn of the event loop.
        await nextTurn()
      } catch (error) {
        // The record has it. After a power cut every call fails until the end.
        if (!isStoreError(error)) throw error
        await sleep(5)
      }
    }
  }

  /** Makes one call. Each value is written once, so a read shows which call has written it. */
  async #call(store: Store, client: string): Promise<unknown> {
    const { prefix } = this.#options
    const id = ++this.#callCount
    const ledgerKey = `${prefix}ledger ${this.#below(LEDGER_COUNT)}`
    const valueKey = `${prefix}value ${this.#below(VALUE_COUNT)}`
    const draw = this.#below(100)
    if (draw < 30) {
      const number = (this.#ledgerNumbers.get(client + ledgerKey) ?? 0) + 1
      this.#ledgerNumbers.set(client + ledgerKey, number)
      const updater = ledger(client, number)
      return store.update(ledgerKey, (current) => updater(current as Ledger | undefined))
    }
    if (draw < 50) return store.increment(`${prefix}counter`)
    if (draw < 65) return store.set(valueKey, id)
    if (draw < 70) return store.delete(valueKey)
    if (draw < 80) return store.get(draw < 75 ? valueKey : `${prefix}counter`)
    return store.setMany(this.groupKeys.map((key) => [key, id] as const))
  }

  /** Returns a random whole number from 0 to `limit - 1`. */
  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}
