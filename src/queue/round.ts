import { isStoreError, type StoreError, type StoreErrorCode } from '../errors.js'
import type { Change, Entry, Outcome, StorageBase } from '../storage.js'
import { Chain, type ChainHost, copyOf, Single, type Work } from './chain.js'
import type { Delivery } from './delivery.js'
import { chained, type Op } from './op.js'

/** What one operation can bring upon those that share a call with it. */
const OF_ONE: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  'QUOTA_EXCEEDED',
  'TOO_LARGE',
  'INVALID_KEY',
  'INVALID_VALUE',
  'CORRUPT',
  'BACKEND_ERROR',
])

/** Operations in lists that are made one after another. */
export type Lists = readonly (readonly Op[])[]

/** What has come of works: those that are to be stored, each with its group, and the others. */
interface Made {
  readonly changed: Work[]
  readonly groups: (readonly Change[])[]
  readonly unchanged: Work[]
}

const NOTHING: ReadonlyMap<string, Entry> = new Map()

/** What a round needs of its queue. */
export interface RoundHost extends ChainHost {
  readonly storage: StorageBase
  readonly delivery: Delivery
  /** The error with its place. */
  failed(error: unknown, key?: string): StoreError
  /** An operation lost against another writer. Is the round to have it made again? */
  lost(op: Op): boolean
}

/**
 * One round trip for many operations: reads what they have to know, lets them run, and stores what
 * comes of them.
 */
export class Round {
  readonly #host: RoundHost
  readonly #again: (readonly Op[])[] = []
  readonly #lost: Op[] = []

  constructor(host: RoundHost) {
    this.#host = host
  }

  /** Returns the operations that are to be made again, list by list. It does not fail. */
  async run(ops: readonly Op[]): Promise<Lists> {
    try {
      const [op] = ops
      if (ops.length === 1 && op !== undefined && op.plan === undefined) await this.#one(op)
      else await this.#make(ops)
    } catch (error) {
      // A mistake in this place; nobody is to wait for ever for it.
      for (const op of ops) this.#reject(op, error)
    }
    return this.#lost.length === 0 ? this.#again : [...this.#again, this.#lost]
  }

  /** The short way of one that has come alone. */
  async #one(op: Op): Promise<void> {
    const { keys, changes } = op
    if (changes === undefined) {
      op.resolve((await this.#host.delivery.getMany(keys)).get(keys[0] ?? ''))
      return
    }
    const outcomes = await this.#host.delivery.commit([changes])
    if (outcomes[0] === 'applied') op.resolve()
    else this.#conclude({ changed: [new Single(op, changes)], unchanged: [] }, outcomes)
  }

  async #make(ops: readonly Op[]): Promise<void> {
    const readers: Op[][] = []
    const works: Work[] = []
    for (const chain of chained(ops)) {
      const [op] = chain
      if (!chain.some(({ isWrite }) => isWrite)) readers.push(chain)
      else if (chain.length === 1 && op?.changes) works.push(new Single(op, op.changes))
      else works.push(new Chain(chain, this.#host))
    }
    const wanted = works.flatMap((work) => work.wanted())
    if (wanted.length > 0 && !this.#host.storage.transact) {
      if (await this.#read(readers, works, wanted)) await this.#store(works)
      return
    }
    const read = readers.length === 0 || this.#read(readers)
    if (wanted.length > 0) await this.#storeInside(works, wanted)
    else if (works.length > 0) {
      for (const work of works) work.start(NOTHING)
      await this.#store(works)
    }
    await read
  }

  /** Answers those that only read, and starts those that have to know what is there. */
  async #read(
    readers: readonly Op[][],
    works: readonly Work[] = [],
    wanted: readonly string[] = [],
  ): Promise<boolean> {
    const keys = [...readers.flatMap(([op]) => op?.keys ?? []), ...wanted]
    if (keys.length === 0) return true
    let found: Map<string, Entry>
    try {
      found = await this.#host.delivery.getMany(keys)
    } catch (error) {
      const chains = [...readers, ...works.map(opsOf)]
      this.#fail(chains, new Set(chains.flat().filter((op) => !op.isBlind)), error)
      return false
    }
    for (const chain of readers) {
      const entry = found.get(chain[0]?.keys[0] ?? '')
      // What was read was read for one; the others get copies.
      for (const [index, op] of chain.entries())
        op.resolve(entry && index < chain.length - 1 ? copyOf(entry) : entry)
    }
    for (const work of works) work.start(found)
    return true
  }

  /** Decides in the backend's own transaction, as far as that goes at once. */
  async #storeInside(works: readonly Work[], wanted: readonly string[]): Promise<void> {
    let made: Made = this.#group([])
    let outcomes: readonly Outcome[]
    try {
      outcomes = await this.#host.delivery.transact(wanted, (found) => {
        for (const work of works) work.start(found)
        made = this.#group(works)
        return made.groups
      })
    } catch (error) {
      const steps = works.flatMap(opsOf).filter((op) => op.plan !== undefined && !op.isBlind)
      this.#fail(works.map(opsOf), new Set(steps), error)
      return
    }
    const stored = this.#conclude(made, outcomes)
    await this.#store(stored.filter(({ isPending }) => isPending))
  }

  /** Waits for what is pending, and commits what has come of all of it. */
  async #store(works: readonly Work[]): Promise<void> {
    const pending = works.filter(({ isPending }) => isPending)
    if (pending.length > 0) await Promise.all(pending.map((work) => work.finish()))
    const made = this.#group(works)
    const { groups } = made
    this.#conclude(made, groups.length === 0 ? [] : await this.#host.delivery.commit(groups))
  }

  #group(works: readonly Work[]): Made {
    const conditional = this.#host.storage.traits.atomic !== 'none'
    const made: Made = { changed: [], groups: [], unchanged: [] }
    for (const work of works) {
      const group = work.group(conditional)
      if (group.length === 0) made.unchanged.push(work)
      else {
        made.changed.push(work)
        made.groups.push(group)
      }
    }
    return made
  }

  /** Acts on the outcomes of what was made. Returns what holds. */
  #conclude(
    { changed, unchanged }: Omit<Made, 'groups'>,
    outcomes: readonly Outcome[],
  ): readonly Work[] {
    // The same error for all: the call failed, and perhaps for the sake of one.
    const together = changed.length > 1 && outcomes.every((outcome) => outcome === outcomes[0])
    const applied = changed.filter((work, index) => {
      const outcome = outcomes[index]
      if (outcome === 'applied') return true
      if (outcome === 'conflict') this.#conflict(work)
      else if (isOfOne(outcome) && together) this.#again.push(work.ops)
      else if (isOfOne(outcome) && work.isShared) this.#again.push(...alone(work.ops))
      else {
        const rest = work.fail((op) => this.#reject(op, outcome))
        if (rest.length > 0) this.#again.push(rest)
      }
      return false
    })
    const held = [...applied, ...unchanged]
    for (const work of held) work.settle()
    return held
  }

  #conflict({ ops }: Work): void {
    for (const op of ops) if (this.#host.lost(op)) this.#lost.push(op)
  }

  /**
   * A call failed before anything was stored. Where that may be for the sake of one key, each is
   * tried by itself.
   */
  #fail(chains: Lists, failed: ReadonlySet<Op>, error: unknown): void {
    const ops = chains.flat()
    const parts = chains.length > 1 ? chains : alone(ops)
    const keys = new Set(ops.flatMap((op) => op.keys))
    if (isOfOne(error) && parts.length > 1 && keys.size > 1) {
      this.#again.push(...parts)
      return
    }
    for (const op of failed) this.#reject(op, error)
    this.#again.push(...alone(ops.filter((op) => !failed.has(op))))
  }

  #reject(op: Op, error: unknown): void {
    op.reject(this.#host.failed(error, op.keys[0]))
  }
}

function opsOf({ ops }: Work): readonly Op[] {
  return ops
}

function alone(ops: readonly Op[]): Lists {
  return ops.map((op) => [op])
}

function isOfOne(error: unknown): boolean {
  return isStoreError(error) && error.outcome === 'not-applied' && OF_ONE.has(error.code)
}
