import { noop, sleep } from '../async.ts'
import { toStoreError, type StoreError } from '../errors.ts'
import type { Change, Entry, Outcome, StorageBase } from '../storage.ts'

/** How often a read is made. */
export const READ_ATTEMPTS = 3

type Groups = readonly (readonly Change[])[]

/**
 * Calls to one storage, with an answer even where the backend's own was lost: reads are made
 * again, and writes whose outcome is unknown are looked up.
 */
export class Recovery {
  readonly #storage: StorageBase

  constructor(storage: StorageBase) {
    this.#storage = storage
  }

  /** @throws StoreError */
  getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.retry(() => this.#storage.getMany(keys))
  }

  /** @param look is an unknown outcome to be looked up? */
  async commit(groups: Groups, look = true): Promise<readonly Outcome[]> {
    let outcomes: readonly Outcome[]
    try {
      outcomes = answered(groups, await this.#storage.commit(groups))
    } catch (error) {
      outcomes = unanswered(groups, error)
    }
    return !look || outcomes.every(isKnown) ? outcomes : this.#settle(groups, outcomes)
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
      outcomes = unanswered(groups, error)
    }
    return outcomes.every(isKnown) ? outcomes : this.#settle(groups, outcomes)
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
        await untilNext(attempt, error)
      }
    }
  }

  /**
   * Finds out about unknown outcomes. A single read decides: a group's own version is there, so it
   * was applied; the expected one is there, so it was not, and is applied now; anything else stays
   * unknown, and nothing is written again.
   */
  async #settle(groups: Groups, outcomes: readonly Outcome[]): Promise<readonly Outcome[]> {
    const { atomic, consistency } = this.#storage.traits
    const probes = groups.map((changes, index) => {
      const outcome = outcomes[index]
      // An overloaded backend is better left alone.
      if (typeof outcome !== 'object' || outcome.outcome !== 'unknown') return undefined
      if (outcome.code === 'OVERLOADED') return undefined
      // One change speaks for its group only where groups are whole.
      if (changes.length > 1 && atomic === 'none') return undefined
      // That one key is gone says nothing of another. A version that is still there does.
      const speaks = changes.length > 1 ? isOnVersion : () => true
      return changes.find((change) => 'entry' in change) ?? changes.find(speaks)
    })
    const keys = new Set(probes.flatMap((probe) => probe?.key ?? []))
    const found = keys.size > 0 && (await this.getMany([...keys]).catch(noop))
    if (!found) return outcomes
    const unsent: number[] = []
    const settled = outcomes.map((outcome, index) => {
      const probe = probes[index]
      if (probe === undefined) return outcome
      const version = found.get(probe.key)?.version
      // Versions are unique, absence is not: a key may have come and gone in between.
      if (version !== undefined && version === probe.ifVersion) unsent.push(index)
      if ('entry' in probe) return version === probe.entry.version ? 'applied' : outcome
      // That a key is gone does not tell who removed it, and two pops must not both have its value;
      // nor is it sure where a read may be older than the write.
      const certain = probe.ifVersion === undefined && consistency === 'strong'
      return version === undefined && certain ? 'applied' : outcome
    })
    if (unsent.length === 0) return settled
    const resent = unsent.map((index) => groups[index] ?? [])
    const sent = await this.commit(resent, false)
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
      : toStoreError(outcome ?? new Error('a group of changes got no outcome'), {})
  })
}

function unanswered(groups: Groups, error: unknown): readonly Outcome[] {
  const failed = toStoreError(error, {})
  return groups.map(() => failed)
}

function isOnVersion({ ifVersion }: Change): boolean {
  return typeof ifVersion === 'string'
}

function isKnown(outcome: Outcome | undefined): outcome is 'applied' | 'conflict' {
  return outcome === 'applied' || outcome === 'conflict'
}

/** Waits before a read is made again, if that may help. @throws StoreError if not */
export async function untilNext(attempt: number, error: unknown): Promise<void> {
  const failed = failedRead(error)
  // Whoever was blocked has waited already, as long as he was willing to.
  if (!failed.retryable || failed.code === 'BLOCKED' || attempt >= READ_ATTEMPTS) throw failed
  await sleep(Math.random() * 20 * 4 ** attempt)
}

function failedRead(error: unknown): StoreError {
  return toStoreError(error, { outcome: 'not-applied' })
}
