import { CAUSED_BY_ONE, isStoreError } from '../errors.ts'
import type { Change, Entry, Outcome, StorageBase } from '../storage.ts'
import { Replay, copyOf, type Leave } from './replay.ts'
import type { Recovery } from './recovery.ts'
import { chained, type Operation } from './operation.ts'

const NOTHING: ReadonlyMap<string, Entry> = new Map()

/** Operations in lists that are made one after another. */
export type Lists = readonly (readonly Operation[])[]

/** What has come of chains: those that are to be stored, each with its group, and the others. */
interface Made {
  readonly changed: Replay[]
  readonly groups: (readonly Change[])[]
  readonly unchanged: Replay[]
}

/** What a round needs of its queue. */
export interface RoundHost {
  readonly storage: StorageBase
  readonly delivery: Recovery
  readonly leave: Leave
  /** Rejects with the error and its place. */
  reject(op: Operation, error: unknown): void
  /** An operation lost against another writer. Is the round to have it made again? */
  lost(op: Operation): boolean
}

/**
 * One round trip for many operations: reads what they have to know, lets them run, and stores what
 * comes of them.
 */
export class Round {
  readonly #host: RoundHost
  readonly #again: (readonly Operation[])[] = []

  constructor(host: RoundHost) {
    this.#host = host
  }

  /** Returns the operations that are to be made again, list by list. It does not fail. */
  async run(ops: readonly Operation[]): Promise<Lists> {
    try {
      const [op] = ops
      if (op === undefined || ops.length > 1 || op.plan !== undefined) await this.#make(ops)
      else if (op.changes === undefined) {
        op.resolve((await this.#host.delivery.getMany(op.keys)).get(op.keys[0] ?? ''))
      } else {
        // One that has come alone, as most do; nothing is made that it does not need.
        const outcomes = await this.#host.delivery.commit([op.changes])
        if (outcomes[0] === 'applied') op.resolve()
        else this.#conclude([new Replay(ops, this.#host.leave)], [], outcomes)
      }
    } catch (error) {
      // A mistake in this place; nobody is to wait for ever for it.
      for (const op of ops) this.#host.reject(op, error)
    }
    return this.#again
  }

  async #make(ops: readonly Operation[]): Promise<void> {
    const readers: Operation[][] = []
    const chains: Replay[] = []
    for (const chain of chained(ops)) {
      if (chain.some((op) => op.changes ?? op.plan))
        chains.push(new Replay(chain, this.#host.leave))
      else readers.push(chain)
    }
    const wanted = chains.flatMap((chain) => chain.wanted())
    if (wanted.length > 0 && !this.#host.storage.transact) {
      if (await this.#read(readers, chains, wanted)) await this.#store(chains)
      return
    }
    const read = this.#read(readers)
    if (wanted.length > 0) await this.#storeInside(chains, wanted)
    else {
      for (const chain of chains) chain.start(NOTHING)
      await this.#store(chains)
    }
    await read
  }

  /** Answers those that only read, and starts those that have to know what is there. */
  async #read(
    readers: Lists,
    chains: readonly Replay[] = [],
    wanted: readonly string[] = [],
  ): Promise<boolean> {
    const keys = [...readers.flatMap(([op]) => op?.keys ?? []), ...wanted]
    if (keys.length === 0) return true
    let found: Map<string, Entry>
    try {
      found = await this.#host.delivery.getMany(keys)
    } catch (error) {
      this.#unread([...readers, ...chains.map(opsOf)], keys, error)
      return false
    }
    for (const ops of readers) {
      const entry = found.get(ops[0]?.keys[0] ?? '')
      // What was read was read for one; the others get copies.
      for (const [index, op] of ops.entries())
        op.resolve(entry && index > 0 ? copyOf(entry) : entry)
    }
    for (const chain of chains) chain.start(found)
    return true
  }

  /** Decides in the backend's own transaction, as far as that goes at once. */
  async #storeInside(chains: readonly Replay[], wanted: readonly string[]): Promise<void> {
    let made: Made = this.#group([])
    let outcomes: readonly Outcome[]
    try {
      outcomes = await this.#host.delivery.transact(wanted, (found) => {
        for (const chain of chains) chain.start(found)
        made = this.#group(chains)
        return made.groups
      })
    } catch (error) {
      this.#unread(chains.map(opsOf), wanted, error, true)
      return
    }
    await this.#store(
      this.#conclude(made.changed, made.unchanged, outcomes).filter(({ isPending }) => isPending),
    )
  }

  /** Waits for what is pending, and commits what has come of all of it. */
  async #store(chains: readonly Replay[]): Promise<void> {
    const pending = chains.filter(({ isPending }) => isPending)
    if (pending.length > 0) await Promise.all(pending.map((chain) => chain.finish()))
    const { changed, groups, unchanged } = this.#group(chains)
    const outcomes = groups.length === 0 ? [] : await this.#host.delivery.commit(groups)
    this.#conclude(changed, unchanged, outcomes)
  }

  #group(chains: readonly Replay[]): Made {
    const conditional = this.#host.storage.traits.atomic !== 'none'
    const made: Made = { changed: [], groups: [], unchanged: [] }
    for (const chain of chains) {
      const group = chain.group(conditional)
      if (group.length === 0) made.unchanged.push(chain)
      else {
        made.changed.push(chain)
        made.groups.push(group)
      }
    }
    return made
  }

  /** Acts on the outcomes of what was made. Returns what holds. */
  #conclude(
    changed: readonly Replay[],
    unchanged: readonly Replay[],
    outcomes: readonly Outcome[],
  ): readonly Replay[] {
    const [first] = outcomes
    if (typeof first === 'object' && outcomes.every((outcome) => outcome === first)) {
      this.#refuse(changed, first)
      return this.#conclude([], unchanged, [])
    }
    const lost: Operation[] = []
    const held = changed.filter((chain, index) => {
      const outcome = outcomes[index]
      if (outcome === 'conflict') {
        chain.settleFirst()
        for (const op of chain.ops) if (this.#host.lost(op)) lost.push(op)
      } else if (outcome !== 'applied') this.#refuse([chain], outcome)
      return outcome === 'applied'
    })
    this.#repeat([lost])
    for (const chain of unchanged) held.push(chain)
    for (const chain of held) chain.settle()
    return held
  }

  /** What these chains were to store was refused, with one error for all of them. */
  #refuse(chains: readonly Replay[], error: unknown): void {
    for (const chain of chains) chain.settleFirst()
    const writers = chains.flatMap((chain) => chain.writers)
    this.#fail(chains.map(opsOf), new Set(writers), error)
  }

  /**
   * What these needed to know of some keys could not be read. Whoever is first to write a key needs
   * to know nothing of it.
   *
   * @param inside was it to be read in a transaction? None but a step needs one; the rest can do without
   */
  #unread(lists: Lists, keys: readonly string[], error: unknown, inside = false): void {
    const unread = new Set(keys)
    const needs = (op: Operation): boolean => !op.isBlind && unread.has(op.keys[0] ?? '')
    const failed = new Set(
      lists.flat().filter((op) => needs(op) && (op.plan !== undefined || !inside)),
    )
    if (!inside || (unread.size > 1 && isOfOne(error))) {
      this.#fail(lists, failed, error, unread.size)
      return
    }
    this.#fail([[...failed]], failed, error, 1)
    const rest = lists.filter((ops) => ops.some(needs)).flat()
    this.#repeat([
      lists.filter((ops) => !ops.some(needs)).flat(),
      ...rest.filter((op) => !failed.has(op)).map((op) => [op]),
    ])
  }

  /**
   * What `failed` needed for all of these was not done. Where that may be for the sake of one, each
   * is made by itself; whoever is alone is told, and those that did not need it are made again.
   *
   * @param causes how many things there are of which one may be to blame
   */
  #fail(lists: Lists, failed: ReadonlySet<Operation>, error: unknown, causes = failed.size): void {
    const ops = lists.flat()
    if (causes > 1 && isOfOne(error)) {
      this.#repeat(lists.length > 1 ? lists : ops.map((op) => [op]))
      return
    }
    for (const op of failed) this.#host.reject(op, error)
    this.#repeat([ops.filter((op) => !failed.has(op))])
  }

  #repeat(lists: Lists): void {
    for (const ops of lists) if (ops.length > 0) this.#again.push(ops)
  }
}

function opsOf({ ops }: Replay): readonly Operation[] {
  return ops
}

function isOfOne(error: unknown): boolean {
  return isStoreError(error) && error.outcome === 'not-applied' && CAUSED_BY_ONE.has(error.code)
}
