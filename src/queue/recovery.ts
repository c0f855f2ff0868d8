// Recovery calls the storage. It retries reads, and looks up writes whose outcome is unknown.

import { noop, sleep } from '../async.ts'
import { checkEntries } from '../backend-reply.ts'
import { isStoreError, toStoreError, type StoreError } from '../errors.ts'
import { observe, type Observer } from '../observe.ts'
import type { Entry } from '../entry.ts'
import type {
  Change,
  CommitOptions,
  CommitResult,
  PerformResult,
  StepChange,
  StorageBase,
} from '../storage.ts'
import type { Turn } from '../turns.ts'
import type { Operations } from './operation.ts'

/** How many attempts a read has. */
export const READ_ATTEMPTS = 3

type Groups = readonly (readonly Change[])[]
type Results = readonly CommitResult[]
type Reply = Results | StoreError | undefined

export class Recovery {
  readonly storage: StorageBase
  readonly #target: StorageBase
  readonly #now: () => number
  readonly #observer: Observer | undefined

  /**
   * @param now the runtime's time, in milliseconds since 1970
   * @param observer receives every call of `storage`
   */
  constructor(target: StorageBase, now: () => number, observer?: Observer) {
    this.storage = observer ? observe(target, observer) : target
    this.#target = target
    this.#now = now
    this.#observer = observer
  }

  /** Returns a recovery that reports calls with the operations of one batch. */
  forBatch(operations: Operations): Recovery {
    if (!this.#observer) return this
    return new Recovery(this.#target, this.#now, { ...this.#observer, operations })
  }

  /** Sets the attempt that the next read is reported with. */
  startAttempt(attempt: number): void {
    if (this.#observer) this.#observer.attempt = attempt
  }

  getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.retryRead(() => this.storage.getMany(keys), checkEntries)
  }

  /** Commits groups of changes. Resolves to one outcome per group, and never rejects. */
  async commit(groups: Groups, turn?: Turn): Promise<Results> {
    let reply: Reply
    try {
      reply = await this.storage.commit(groups, this.#optionsFor(turn))
    } catch (error) {
      reply = toStoreError(error)
    }
    return this.#toOutcomes(groups, reply, turn)
  }

  /** Reads and commits in one transaction, in one attempt. @throws StoreError if nothing was sent */
  async transact(
    keys: readonly string[],
    decide: (found: Map<string, Entry>) => Groups,
  ): Promise<Results> {
    let groups: Groups | undefined
    let reply: Reply
    let isOver = false
    const apply = (found: Map<string, Entry>): Groups => {
      // A transaction that was slower than its time limit must not write.
      if (isOver) throw new Error('the time limit has passed')
      return (groups = decide(checkEntries(found)))
    }
    try {
      // Without the turn: an updater that is async decides after the transaction, still in its turn.
      reply = await this.storage.transact?.(keys, apply, this.#optionsFor())
      if (!groups) throw new Error('transact() did not call its function')
    } catch (error) {
      if (!groups || groups.length === 0) throw toReadError(error)
      reply = toStoreError(error)
    } finally {
      isOver = true
    }
    return this.#toOutcomes(groups, reply)
  }

  /**
   * Lets the storage run steps. Resolves to the result of each group, and never rejects. A storage
   * that can run steps looks up a lost answer itself.
   */
  async perform(
    groups: readonly (readonly (Change | StepChange)[])[],
    turn?: Turn,
  ): Promise<readonly PerformResult[]> {
    try {
      const results = await this.storage.perform?.(groups, this.#optionsFor(turn))
      return groups.map(({ length }, index) => {
        const result = results?.[index]
        const isResult = Array.isArray(result) ? result.length === length : isStoreError(result)
        return isResult && result ? result : toOutcomeError(result)
      })
    } catch (error) {
      const failure = toStoreError(error)
      return groups.map(() => failure)
    }
  }

  /** Retries a read while its error is retryable, and checks its result. @throws StoreError */
  async retryRead<T>(read: () => Promise<T>, check: (result: T) => T): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.startAttempt(attempt)
        return check(await read())
      } catch (error) {
        await waitBeforeRetry(attempt, error)
      }
    }
  }

  /** Converts a reply to one outcome per group, and looks up the unknown ones. */
  #toOutcomes(groups: Groups, reply: Reply, turn?: Turn): Results | Promise<Results> {
    const outcomes = isStoreError(reply)
      ? groups.map(() => reply)
      : groups.map((_, index) => toOutcome(reply?.[index]))
    return outcomes.every(isAppliedOrConflict) ? outcomes : this.#lookUp(groups, outcomes, turn)
  }

  /**
   * Reads one key of each group with an unknown outcome. If the group's own version is stored, it was
   * applied; if the version that it expected is, it was not, and is sent once more. After an
   * unconditional removal, absence proves it if reads are strongly consistent. Anything else proves
   * nothing: another client may have popped the key, or an entry may have been set and removed.
   */
  async #lookUp(groups: Groups, outcomes: Results, turn?: Turn): Promise<Results> {
    const probes = groups.map((changes, index) => this.#probeOf(changes, outcomes[index]))
    const keys = new Set(probes.flatMap((probe) => probe?.key ?? []))
    const found = keys.size > 0 && (await this.getMany([...keys]).catch(noop))
    if (!found) return outcomes
    const notApplied: number[] = []
    const resolved = outcomes.map((outcome, index) => {
      const probe = probes[index]
      if (!probe) return outcome
      const version = found.get(probe.key)?.version
      if (version !== undefined && version === probe.ifVersion) notApplied.push(index)
      if ('entry' in probe) return version === probe.entry.version ? 'applied' : outcome
      const isCertain =
        probe.ifVersion === undefined && this.storage.traits.consistency === 'strong'
      return version === undefined && isCertain ? 'applied' : outcome
    })
    if (notApplied.length === 0) return resolved
    const resent = notApplied.map((index) => groups[index] ?? [])
    const reply = await Promise.resolve(resent)
      .then((each) => this.storage.commit(each, this.#optionsFor(turn)))
      .catch(noop)
    for (const [position, index] of notApplied.entries()) {
      // A conflict means that the first attempt arrived late: its outcome stays unknown.
      if (reply?.[position] === 'applied') resolved[index] = 'applied'
    }
    return resolved
  }

  #optionsFor(turn?: Turn): CommitOptions {
    return { now: this.#now(), turn }
  }

  /** The change whose key tells whether its group was applied, if one does. */
  #probeOf(changes: readonly Change[], outcome: CommitResult | undefined): Change | undefined {
    if (typeof outcome !== 'object' || outcome.outcome !== 'unknown') return undefined
    // A look-up would add to an overload, and to a time that was limited. If groups are not atomic,
    // one key proves nothing.
    if (outcome.code === 'OVERLOADED' || outcome.code === 'TIMEOUT') return undefined
    if (changes.length > 1 && this.storage.traits.atomic === 'none') return undefined
    // One missing key of several is no proof. One that still has the expected version is.
    return (
      changes.find((change) => 'entry' in change) ??
      changes.find(
        (change) =>
          'remove' in change && (changes.length === 1 || typeof change.ifVersion === 'string'),
      )
    )
  }
}

function toOutcome(outcome: CommitResult | undefined): CommitResult {
  if (isAppliedOrConflict(outcome) || isStoreError(outcome)) return outcome
  return toOutcomeError(outcome)
}

function toOutcomeError(outcome: unknown): StoreError {
  return toStoreError(outcome ?? new Error('a group of changes got no outcome'))
}

function isAppliedOrConflict(outcome: CommitResult | undefined): outcome is 'applied' | 'conflict' {
  return outcome === 'applied' || outcome === 'conflict'
}

/** Waits before a read is retried. @throws StoreError if a retry cannot help */
export async function waitBeforeRetry(attempt: number, error: unknown): Promise<void> {
  const failed = toReadError(error)
  // After these, the call has already taken as long as it is configured to.
  const hasWaited = failed.code === 'BLOCKED' || failed.code === 'TIMEOUT'
  if (!failed.retryable || hasWaited || attempt >= READ_ATTEMPTS) throw failed
  await sleep(Math.random() * 20 * 4 ** attempt) // At most 80 ms, then at most 320 ms.
}

function toReadError(error: unknown): StoreError {
  return toStoreError(error, { outcome: 'not-applied' })
}
