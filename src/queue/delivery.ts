import { locate } from '../errors.js'
import type { Change, Entry, Outcome, StorageBase } from '../storage.js'
import type { StoreError } from '../errors.js'

const READ_ATTEMPTS = 3

type Groups = readonly (readonly Change[])[]

/**
 * Calls to one storage, with an answer even where the backend's own was lost: reads are made
 * again, and writes whose outcome is unknown are looked up.
 */
export class Delivery {
  readonly #storage: StorageBase

  constructor(storage: StorageBase) {
    this.#storage = storage
  }

  /** @throws StoreError */
  getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.retry(() => this.#storage.getMany(keys))
  }

  async commit(groups: Groups): Promise<readonly Outcome[]> {
    const outcomes = await this.#send(groups)
    return outcomes.every(isKnown) ? outcomes : this.#settle(groups, outcomes)
  }

  /**
   * Decides on groups inside the backend's own transaction, where it offers one.
   *
   * @throws StoreError if nothing was decided
   */
  async transact(
    keys: readonly string[],
    decide: (now: Map<string, Entry>) => Groups,
  ): Promise<readonly Outcome[]> {
    let groups: Groups | undefined
    let outcomes: readonly Outcome[]
    try {
      const made = await this.#storage.transact?.(keys, (now) => (groups = decide(now)))
      if (groups === undefined) throw new Error('it resolved a transaction that it never ran')
      outcomes = answered(groups, made)
    } catch (error) {
      if (groups === undefined || groups.length === 0) throw failedRead(error)
      const failed = lost(error)
      outcomes = groups.map(() => failed)
    }
    return outcomes.every(isKnown) ? outcomes : this.#settle(groups, outcomes)
  }

  /** @throws StoreError */
  async clear(): Promise<void> {
    try {
      await this.#storage.clear()
    } catch (error) {
      throw lost(error)
    }
  }

  /**
   * Makes a read again while its error says that this may help.
   *
   * @throws StoreError
   */
  async retry<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await read()
      } catch (error) {
        const failed = failedRead(error)
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
      throw failedRead(error)
    } finally {
      // Only of a listing that was left early; the others have ended by themselves.
      if (running) await rest.return?.()
    }
  }

  async #send(groups: Groups): Promise<readonly Outcome[]> {
    try {
      return answered(groups, await this.#storage.commit(groups))
    } catch (error) {
      const failed = lost(error)
      return groups.map(() => failed)
    }
  }

  /**
   * Finds out about unknown outcomes. A single read decides: a group's own version is there, so it
   * was applied; the expected one is there, so it was not, and is applied now; anything else stays
   * unknown, and nothing is written again.
   */
  async #settle(groups: Groups, outcomes: readonly Outcome[]): Promise<readonly Outcome[]> {
    const { atomic, consistency } = this.#storage.traits
    const probes = new Map<number, Change>()
    for (const [index, changes] of groups.entries()) {
      const outcome = outcomes[index]
      // An overloaded backend is better left alone.
      if (typeof outcome !== 'object' || outcome.outcome !== 'unknown') continue
      if (outcome.code === 'OVERLOADED') continue
      // One change speaks for its group only where groups are whole.
      if (changes.length > 1 && atomic === 'none') continue
      const probe = changes.find((change) => 'entry' in change) ?? changes[0]
      if (probe !== undefined) probes.set(index, probe)
    }
    if (probes.size === 0) return outcomes
    let found: Map<string, Entry>
    try {
      found = await this.getMany([...new Set([...probes.values()].map(({ key }) => key))])
    } catch {
      return outcomes
    }
    const settled = [...outcomes]
    const unsent: number[] = []
    for (const [index, probe] of probes) {
      const version = found.get(probe.key)?.version
      // That a key is gone does not tell who removed it, and two pops must not both have its value;
      // nor is it sure where a read may be older than the write.
      const certain = probe.ifVersion === undefined && consistency === 'strong'
      const gone = version === undefined && certain
      if ('entry' in probe ? version === probe.entry.version : gone) settled[index] = 'applied'
      // Versions are unique, absence is not: a key may have come and gone in between.
      else if (version !== undefined && version === probe.ifVersion) unsent.push(index)
    }
    if (unsent.length === 0) return settled
    const sent = await this.#send(unsent.map((index) => groups[index] ?? []))
    // A conflict now would mean that the lost write arrived late after all.
    for (const [at, index] of unsent.entries())
      if (sent[at] === 'applied') settled[index] = 'applied'
    return settled
  }
}

/** A storage has to answer for every group. */
function answered(groups: Groups, outcomes: readonly Outcome[] | undefined): readonly Outcome[] {
  return groups.map((_, index) => {
    const outcome = outcomes?.[index]
    return isKnown(outcome)
      ? outcome
      : lost(outcome ?? new Error('a group of changes got no outcome'))
  })
}

function isKnown(outcome: Outcome | undefined): outcome is 'applied' | 'conflict' {
  return outcome === 'applied' || outcome === 'conflict'
}

function failedRead(error: unknown): StoreError {
  return locate(error, { outcome: 'not-applied' })
}

function lost(error: unknown): StoreError {
  return locate(error, { outcome: 'unknown' })
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
