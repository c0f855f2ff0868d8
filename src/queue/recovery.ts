// Recovery makes the calls to the storage and deals with lost answers: it retries reads, and it
// looks up writes whose outcome is unknown.

import { noop, sleep } from '../async.ts'
import { isStoreError, toStoreError, type StoreError } from '../errors.ts'
import type { Change, Entry, Outcome, StorageBase } from '../storage.ts'

/** How many times a read is attempted. */
export const READ_ATTEMPTS = 3

type Groups = readonly (readonly Change[])[]
type Answer = readonly Outcome[] | StoreError | undefined

export class Recovery {
  readonly #storage: StorageBase

  constructor(storage: StorageBase) {
    this.#storage = storage
  }

  getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.retryRead(() => this.#storage.getMany(keys))
  }

  /** Commits groups of changes. Resolves to one outcome per group, and never rejects. */
  async commit(groups: Groups): Promise<readonly Outcome[]> {
    let answer: Answer
    try {
      answer = await this.#storage.commit(groups)
    } catch (error) {
      answer = toStoreError(error, {})
    }
    return this.#toOutcomes(groups, answer)
  }

  /** Reads and commits in one transaction of the backend. @throws StoreError if nothing was decided */
  async transact(
    keys: readonly string[],
    decide: (found: Map<string, Entry>) => Groups,
  ): Promise<readonly Outcome[]> {
    let groups: Groups | undefined
    let answer: Answer
    try {
      answer = await this.#storage.transact?.(keys, (found) => (groups = decide(found)))
      if (groups === undefined) throw new Error('transact() did not call its function')
    } catch (error) {
      if (groups === undefined || groups.length === 0) throw toReadError(error)
      answer = toStoreError(error, {})
    }
    return this.#toOutcomes(groups, answer)
  }

  /** Retries a read while its error is retryable. @throws StoreError */
  async retryRead<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await read()
      } catch (error) {
        await waitBeforeRetry(attempt, error)
      }
    }
  }

  /** Makes an answer one outcome per group, and looks up the unknown ones. */
  #toOutcomes(groups: Groups, answer: Answer): readonly Outcome[] | Promise<readonly Outcome[]> {
    const outcomes = isStoreError(answer)
      ? groups.map(() => answer)
      : groups.map((_, index) => toOutcome(answer?.[index]))
    return outcomes.every(isKnown) ? outcomes : this.#lookUp(groups, outcomes)
  }

  /**
   * Replaces unknown outcomes by what one read of a key of each group shows. The group's own
   * version is there: it was applied. The version that it expected is there: it was not applied, and
   * is sent once more. Anything else: the outcome stays unknown.
   */
  async #lookUp(groups: Groups, outcomes: readonly Outcome[]): Promise<readonly Outcome[]> {
    const probes = groups.map((changes, index) => this.#probeOf(changes, outcomes[index]))
    const keys = new Set(probes.flatMap((probe) => probe?.key ?? []))
    const found = keys.size > 0 && (await this.getMany([...keys]).catch(noop))
    if (!found) return outcomes
    const unsent: number[] = []
    const settled = outcomes.map((outcome, index) => {
      const probe = probes[index]
      if (probe === undefined) return outcome
      const version = found.get(probe.key)?.version
      // A version is unique. Absence is not: the key may have been set and removed meanwhile.
      if (version !== undefined && version === probe.ifVersion) unsent.push(index)
      if ('entry' in probe) return version === probe.entry.version ? 'applied' : outcome
      // Another writer may have removed the key, and two pops must not both resolve to its value.
      // An eventually consistent read may be older than the write.
      const isCertain =
        probe.ifVersion === undefined && this.#storage.traits.consistency === 'strong'
      return version === undefined && isCertain ? 'applied' : outcome
    })
    if (unsent.length === 0) return settled
    const resent = unsent.map((index) => groups[index] ?? [])
    const commit = async (): Promise<readonly Outcome[]> => this.#storage.commit(resent)
    const answer = await commit().catch(noop)
    for (const [position, index] of unsent.entries()) {
      // A conflict means that the first attempt arrived late: its outcome stays unknown.
      if (answer?.[position] === 'applied') settled[index] = 'applied'
    }
    return settled
  }

  /** The change whose key tells whether its group was applied, if one does. */
  #probeOf(changes: readonly Change[], outcome: Outcome | undefined): Change | undefined {
    if (typeof outcome !== 'object' || outcome.outcome !== 'unknown') return undefined
    // A look-up would add to an overload. Without atomic groups one key tells nothing of the others.
    if (outcome.code === 'OVERLOADED') return undefined
    if (changes.length > 1 && this.#storage.traits.atomic === 'none') return undefined
    // That one of several keys is absent proves nothing; that it still has a version does.
    return (
      changes.find((change) => 'entry' in change) ??
      changes.find(({ ifVersion }) => changes.length === 1 || typeof ifVersion === 'string')
    )
  }
}

function toOutcome(outcome: Outcome | undefined): Outcome {
  if (isKnown(outcome) || isStoreError(outcome)) return outcome
  return toStoreError(outcome ?? new Error('a group of changes got no outcome'), {})
}

function isKnown(outcome: Outcome | undefined): outcome is 'applied' | 'conflict' {
  return outcome === 'applied' || outcome === 'conflict'
}

/** Waits before a read is retried. @throws StoreError if a retry cannot help */
export async function waitBeforeRetry(attempt: number, error: unknown): Promise<void> {
  const failed = toReadError(error)
  // After BLOCKED the backend has already waited as long as it is configured to.
  if (!failed.retryable || failed.code === 'BLOCKED' || attempt >= READ_ATTEMPTS) throw failed
  await sleep(Math.random() * 20 * 4 ** attempt)
}

function toReadError(error: unknown): StoreError {
  return toStoreError(error, { outcome: 'not-applied' })
}
