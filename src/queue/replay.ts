import { noop } from '../async.ts'
import type { Change, Entry } from '../storage.ts'
import { recopy } from '../value/copy-value.ts'
import type { Operation, Decision } from './operation.ts'

/** A plan that takes its time, and the entry that it was given. */
export interface Pending {
  readonly op: Operation
  readonly read: Entry | undefined
  readonly promise: Promise<Decision>
}

/** A key as a chain sees it. */
interface Slot {
  entry: Entry | undefined
  /** The version that was read, `null`: there was nothing; absent: it was not looked at. */
  readonly base?: string | null
  /** Is the entry what was read, for this chain alone? */
  own: boolean
  change?: Change
  /** The condition of the change, which follows from what was read. */
  ifVersion?: string | null | undefined
}

/**
 * Is told of a step that takes too long or was overtaken, and is no part of its chain any more.
 *
 * @param current is what it was given still there?
 */
export type Leave = (pending: Pending, current: boolean) => void

/** The view of a chain that has not started; nobody writes to it. */
const UNSEEN: Map<string, Slot> = new Map()

/**
 * Operations that share keys, in their order. They run upon a view of these keys; what comes of
 * them is one group of changes, at most one for each key, that holds if what they read still does.
 */
export class Replay {
  #ops: readonly Operation[]
  /** Those that have made changes: one of them may have spoiled it for the others. */
  writers: Operation[] = []
  /** The changes of a write that shares its keys with no other, as most do: it need not run. */
  readonly #lone: readonly Change[] | undefined
  readonly #leave: Leave
  /** How many have begun. */
  #begun = 0
  /** Those whose answers wait until they are stored. */
  #ran: Operation[] = []
  #left: Pending[] = []
  #pending: Pending | undefined
  #view: Map<string, Slot> = UNSEEN

  constructor(ops: readonly Operation[], leave: Leave) {
    this.#ops = ops
    this.#leave = leave
    this.#lone = ops.length === 1 ? ops[0]?.changes : undefined
    if (this.#lone !== undefined) this.writers = this.#ran = [...ops]
  }

  /** Those that are still to be made. */
  get ops(): readonly Operation[] {
    return this.#ops
  }

  /** Does it wait for a plan? */
  get isPending(): boolean {
    return this.#pending !== undefined
  }

  /** The keys that have to be read before it can run. */
  wanted(): string[] {
    if (this.#lone !== undefined) return []
    const met = new Set<string>()
    return this.#ops.flatMap((op) =>
      op.keys.filter((key) => {
        const first = !met.has(key)
        met.add(key)
        return first && !op.isBlind
      }),
    )
  }

  /** Runs from its beginning upon what was found, until it is through or a plan takes time. */
  start(found: ReadonlyMap<string, Entry>): void {
    if (this.#lone !== undefined) return
    this.#begin()
    this.#pending = undefined
    this.#view = new Map()
    for (const key of this.wanted()) this.#know(key, found.get(key)).own = true
    this.#advance()
  }

  /** Goes on until it is through. It waits some microtasks for a plan, and then goes on without it. */
  async finish(): Promise<void> {
    for (let pending = this.#pending; pending !== undefined; pending = this.#pending) {
      this.#pending = undefined
      const { op, promise } = pending
      try {
        const planned = await Promise.race([promise, soon()])
        if (planned === undefined) this.#left.push(pending)
        else this.#take(op, planned)
      } catch (error) {
        this.#answer(op, error, true)
      }
      this.#advance()
    }
  }

  /** What is to be stored for all that has run. */
  group(conditional: boolean): readonly Change[] {
    if (this.#lone !== undefined) return this.#lone
    return [...this.#view.values()].flatMap(({ change, ifVersion }) => {
      if (change === undefined) return []
      return conditional && ifVersion !== undefined ? { ...change, ifVersion } : change
    })
  }

  /**
   * It is not stored. What ran before anything was changed was answered by what was read, and has
   * its answer all the same; what takes long is overtaken.
   */
  settleFirst(): void {
    const [writer] = this.writers
    const first = this.#ran.slice(0, writer && this.#ran.indexOf(writer))
    answer(first)
    for (const pending of this.#left) this.#leave(pending, false)
    const settled = new Set([...first, ...this.#left.map(({ op }) => op)])
    this.#ops = this.#ops.filter((op) => !settled.has(op))
    this.#left = []
  }

  /** It is stored: hands out the answers. A chain that is pending goes on from there. */
  settle(): void {
    answer(this.#ran)
    for (const pending of this.#left) {
      const now = this.#view.get(pending.op.keys[0] ?? '')?.entry
      this.#leave(pending, now?.version === pending.read?.version)
    }
    if (this.#pending === undefined) return
    this.#ops = this.#ops.slice(this.#begun - 1)
    this.#begin()
    this.#begun = 1
    for (const [key, { entry }] of this.#view) this.#know(key, entry)
  }

  #begin(): void {
    this.#begun = 0
    this.#ran = []
    this.#left = []
    this.writers = []
  }

  #know(key: string, entry: Entry | undefined): Slot {
    const slot: Slot = { entry, base: entry?.version ?? null, own: false }
    this.#view.set(key, slot)
    return slot
  }

  #advance(): void {
    while (this.#pending === undefined) {
      const op = this.#ops[this.#begun]
      if (op === undefined) return
      this.#begun++
      this.#run(op)
    }
  }

  #run(op: Operation): void {
    const [key = ''] = op.keys
    const { changes, made, plan } = op
    if (changes !== undefined) {
      for (const change of changes) this.#write(change)
      this.writers.push(op)
      this.#answer(op)
    } else if (made !== undefined) {
      const { read, planned } = made
      // What it has decided upon still has to be there; where that was not read, storing tells.
      const { entry } = this.#view.get(key) ?? this.#know(key, read)
      if (entry?.version === read?.version) this.#take(op, planned)
      else this.#left.push({ op, read, promise: Promise.resolve(planned) })
    } else if (plan === undefined) {
      this.#answer(op, this.#shown(key))
    } else {
      try {
        const read = this.#shown(key)
        const planned = plan(read)
        if (planned instanceof Promise) {
          // It may fail while nobody waits for it yet.
          planned.catch(noop)
          this.#pending = { op, read, promise: planned }
        } else this.#take(op, planned)
      } catch (error) {
        this.#answer(op, error, true)
      }
    }
  }

  #take(op: Operation, { change, result }: Decision): void {
    if (change !== undefined) {
      const slot = this.#write(change)
      this.writers.push(op)
      slot.ifVersion = slot.base
    }
    this.#answer(op, result)
  }

  #write(change: Change): Slot {
    const { key } = change
    const slot: Slot = this.#view.get(key) ?? { entry: undefined, own: false }
    this.#view.set(key, slot)
    slot.entry = 'entry' in change ? change.entry : undefined
    slot.own = false
    slot.change = change
    return slot
  }

  #answer(op: Operation, result?: unknown, threw = false): void {
    op.result = result
    op.threw = threw
    this.#ran.push(op)
  }

  /** What is under a key now, for one who may keep it and change it. */
  #shown(key: string): Entry | undefined {
    const { entry, own } = this.#view.get(key) ?? {}
    // Nobody looks at it after the last operation.
    const last = this.#begun === this.#ops.length
    return entry === undefined || (last && own) ? entry : copyOf(entry)
  }
}

function answer(ops: Iterable<Operation>): void {
  for (const op of ops) {
    if (op.threw) op.reject(op.result)
    else op.resolve(op.result)
  }
}

/** A copy for another reader. */
export function copyOf(entry: Entry): Entry {
  return { ...entry, value: recopy(entry.value) }
}

/** As long as an async function takes that awaits nothing. */
async function soon(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await Promise.resolve()
}
