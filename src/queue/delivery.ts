import { locate, StoreError } from '../errors.js'
import type { Change, Entry, Outcome, StorageBase } from '../storage.js'

const READ_ATTEMPTS = 3

/** Whether a group was applied, or its condition did not hold. Anything else is thrown. */
export type Verdict = 'applied' | 'conflict'

/**
 * Calls to one storage, with an answer even where the backend's own was lost: reads are made
 * again, and a write whose outcome is unknown is looked up. Every error names its place.
 */
export class Delivery {
  readonly #storage: StorageBase
  readonly #namespace: string

  constructor(storage: StorageBase, namespace: string) {
    this.#storage = storage
    this.#namespace = namespace
  }

  async read(key: string): Promise<Entry | undefined> {
    return (await this.retry(() => this.#storage.getMany([key]), key)).get(key)
  }

  async commit(changes: readonly Change[]): Promise<Verdict> {
    return this.#settle(changes, await this.#send(changes))
  }

  /** Decides on a change inside the backend's own transaction, where it offers one. */
  async transact(
    key: string,
    decide: (now: Entry | undefined) => Change | undefined,
  ): Promise<Verdict> {
    let change: Change | undefined
    let outcome: Outcome | undefined
    try {
      const outcomes = await this.#storage.transact?.([key], (now) => {
        change = decide(now.get(key))
        return change === undefined ? [] : [[change]]
      })
      outcome = outcomes?.[0]
    } catch (error) {
      outcome = this.#lost(error, key)
      if (change === undefined) throw outcome
    }
    return change === undefined ? 'applied' : this.#settle([change], outcome)
  }

  async clear(): Promise<void> {
    try {
      await this.#storage.clear()
    } catch (error) {
      throw this.#lost(error)
    }
  }

  /** Makes a read again while its error says that this may help. */
  async retry<T>(read: () => Promise<T>, key?: string): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await read()
      } catch (error) {
        const failed = this.#failedRead(error, key)
        // Whoever was blocked has waited already, as long as he was willing to.
        const again = failed.retryable && failed.code !== 'BLOCKED'
        if (!again || attempt === READ_ATTEMPTS) throw failed
        await sleep(Math.random() * 20 * 4 ** attempt)
      }
    }
  }

  /** Lists; while nothing has been listed yet, as for any other read. */
  async *iterate<T>(list: () => AsyncIterable<T>): AsyncGenerator<T> {
    const { first, rest } = await this.retry(async () => {
      const iterator = list()[Symbol.asyncIterator]()
      return { first: await iterator.next(), rest: iterator }
    })
    let running = true
    try {
      for (let next = first; !next.done; next = await rest.next()) yield next.value
      running = false
    } catch (error) {
      running = false
      throw this.#failedRead(error)
    } finally {
      // Only of a listing that was left early; the others have ended by themselves.
      if (running) await rest.return?.()
    }
  }

  async #send(changes: readonly Change[]): Promise<Outcome | undefined> {
    try {
      return (await this.#storage.commit([changes]))[0]
    } catch (error) {
      return this.#lost(error, changes[0]?.key)
    }
  }

  /**
   * Turns an outcome into an answer. After an unknown one a single read decides: our own version
   * is there, so it was applied; the expected one is there, so it was not, and is applied now;
   * anything else stays unknown, and nothing is written again.
   */
  async #settle(changes: readonly Change[], outcome: Outcome | undefined): Promise<Verdict> {
    if (outcome === 'applied' || outcome === 'conflict') return outcome
    const failed = this.#lost(
      outcome ?? new Error('a group of changes got no outcome'),
      changes[0]?.key,
    )
    const probe = changes.find((change) => 'entry' in change) ?? changes[0]
    // One change speaks for its group only where groups are whole.
    const speaks = changes.length === 1 || this.#storage.traits.atomic !== 'none'
    // An overloaded backend is better left alone.
    const decidable = failed.outcome === 'unknown' && failed.code !== 'OVERLOADED' && speaks
    if (!decidable || probe === undefined) throw failed
    let found: Entry | undefined
    try {
      found = await this.read(probe.key)
    } catch {
      throw failed
    }
    // That a key is gone does not tell who removed it, and two pops must not both have its value;
    // nor is it sure where a read may be older than the write.
    const certain = probe.ifVersion === undefined && this.#storage.traits.consistency === 'strong'
    const gone = found === undefined && certain
    const ours = 'entry' in probe ? found?.version === probe.entry.version : gone
    if (ours) return 'applied'
    // Versions are unique, absence is not: a key may have come and gone in between.
    const expected = typeof probe.ifVersion === 'string' && found?.version === probe.ifVersion
    // A conflict now would mean that the lost write arrived late after all.
    if (expected && (await this.#send(changes)) === 'applied') return 'applied'
    throw failed
  }

  #failedRead(error: unknown, key?: string): StoreError {
    return locate(error, { namespace: this.#namespace, key, outcome: 'not-applied' })
  }

  #lost(error: unknown, key?: string): StoreError {
    return locate(error, { namespace: this.#namespace, key, outcome: 'unknown' })
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
