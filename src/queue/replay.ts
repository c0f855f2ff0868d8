// A replay runs the operations of one group, in program order, on a working copy of their keys. It
// results in at most one change per key, committed together. The promises settle after the commit.

import { fewMicrotasks, noop } from '../async.ts'
import { type Entry, isLive } from '../entry.ts'
import type { Change } from '../storage.ts'
import { recopy } from '../value/copy-value.ts'
import {
  type Decision,
  type Operation,
  type Operations,
  resultOf,
  type StartedUpdate,
} from './operation.ts'

/** An update that waits for its decision. */
export interface SlowUpdate extends StartedUpdate {
  readonly operation: Operation
  /**
   * When the updater was called or, if it had started before the batch, when the batch took it over;
   * by `performance.now()`, in milliseconds.
   */
  readonly startedAt: number
}

/** Receives an update that leaves its group. If its entries are not current, it may not write. */
export type Detach = (update: SlowUpdate, isCurrent: boolean) => void

/** What a replay uses of its queue. */
export interface ReplayContext {
  readonly detach: Detach
  /** The runtime's time, in milliseconds since 1970. */
  readonly now: () => number
  /** Whether the storage refers to no value of a change once it is committed. */
  readonly copiesValues: boolean
}

/** Replaces a decision on entries that were not stored, so that the updater runs again. */
const invalidDecision = (): Decision => ({ changes: [], result: undefined })

/** The working copy of one key. */
interface Slot {
  entry: Entry | undefined
  /** The version in the storage, `null` for no entry; absent if it is not known. */
  readonly storedVersion?: string | null
  /** Whether `entry` was read for this replay alone, so that its last reader may keep it. */
  isUnshared: boolean
  change?: Change
  /** The index of the last operation that wrote the key. */
  writtenAt?: number
  /** Whether a change follows from `storedVersion`: the first change of this key, or one of another. */
  isConditional?: boolean
}

export class Replay {
  /** The keys whose first operation needs the stored entry. */
  readonly keysToRead: readonly string[]
  /** The operations of this run; after a partial commit, the pending update and those after it. */
  operations: Operations
  /** The changes to commit, and the operations that made them: one may be why a commit fails. */
  changes: readonly Change[]
  writers: Operation[]
  /** The update that the replay waits for. */
  pending: SlowUpdate | undefined
  readonly #detach: Detach
  readonly #now: () => number
  readonly #copiesValues: boolean
  /** Whether the group is one write, which needs no working copy. */
  readonly #isSingleWrite: boolean
  #slots!: Map<string, Slot>
  #nextIndex = 0
  /** The operations whose result is known, in order. */
  #completed: Operation[]
  #detached: SlowUpdate[] = []

  constructor(operations: Operations, { detach, now, copiesValues }: ReplayContext) {
    const singleWrite = operations.length === 1 ? operations[0]?.changes : undefined
    this.operations = operations
    this.changes = singleWrite ?? []
    this.#detach = detach
    this.#now = now
    this.#copiesValues = copiesValues
    this.#isSingleWrite = singleWrite !== undefined
    this.#completed = this.writers = singleWrite ? [...operations] : []
    this.keysToRead = singleWrite ? [] : keysToRead(operations)
  }

  /** Runs from the first operation until all have run or an updater returns a promise. */
  start(found: ReadonlyMap<string, Entry>): void {
    if (this.#isSingleWrite) return
    this.pending = undefined
    this.#slots = new Map()
    const now = this.#now()
    for (const key of this.keysToRead) {
      const entry = found.get(key)
      this.#loadSlot(key, entry && isLive(entry, now) ? entry : undefined).isUnshared = true
    }
    this.#reset(0)
    this.#advance()
  }

  /** Runs to the end. An updater has a few microtasks; one that takes longer is detached. */
  async finish(): Promise<void> {
    for (let update = this.pending; update; update = this.pending) {
      this.pending = undefined
      const { operation, promise } = update
      try {
        const decision = await Promise.race([promise, fewMicrotasks()])
        if (!decision) this.#detached.push(update) // `fewMicrotasks` was faster.
        else this.#applyDecision(operation, decision)
      } catch (error) {
        this.#complete(operation, error, true)
      }
      this.#advance()
    }
  }

  /**
   * Sets `changes`, without conditions if the backend cannot check them. A key that an updater only
   * read to decide on another key becomes a check.
   */
  collectChanges(canBeConditional: boolean): void {
    if (this.#isSingleWrite) return
    const collected: Change[] = []
    for (const [key, { change, storedVersion, isConditional }] of this.#slots) {
      const ifVersion = canBeConditional && isConditional ? storedVersion : undefined
      if (ifVersion !== undefined) {
        collected.push(change ? { ...change, ifVersion } : { key, check: true, ifVersion })
      } else if (change) collected.push(change)
    }
    this.changes = collected
  }

  /**
   * The operations without a write of their own before a write of one of their keys. If it is not
   * known whether the commit was applied, a retry of one might show that later write.
   */
  readsBeforeWrites(): Operations {
    if (this.#isSingleWrite) return []
    const writers = new Set(this.writers)
    const isWrittenAfter = (key: string, index: number): boolean =>
      (this.#slots.get(key)?.writtenAt ?? index) > index
    return this.operations.filter(
      (operation, index) =>
        !writers.has(operation) && operation.keys.some((key) => isWrittenAfter(key, index)),
    )
  }

  /** Settles the operations after a successful commit. A pending update goes on from the changes. */
  settle(): void {
    for (const operation of this.#completed) operation.settle()
    for (const update of this.#detached) this.#detach(update, this.#isCurrent(update))
    if (!this.pending) return
    this.operations = this.operations.slice(this.#nextIndex - 1)
    this.#reset(1)
    for (const [key, { entry, change }] of this.#slots) {
      // The caller of an update may have received the value itself.
      this.#loadSlot(key, entry && change ? copyEntry(entry) : entry)
    }
  }

  /** Without a known commit, settles what ran before the first write and returns what runs again. */
  abandon(): Operations {
    const {
      operations,
      writers: [firstWriter],
    } = this
    const left = new Set(operations.slice(0, firstWriter && operations.indexOf(firstWriter)))
    for (const operation of this.#completed) if (left.has(operation)) operation.settle()
    for (const update of this.#detached) {
      const { operation, promise } = update
      const valid = left.has(operation) ? promise : promise.then(invalidDecision, invalidDecision)
      this.#detach({ ...update, promise: valid }, false)
      left.add(operation)
    }
    this.pending = undefined
    return operations.filter((operation) => !left.has(operation))
  }

  #reset(nextIndex: number): void {
    this.#nextIndex = nextIndex
    this.#completed = []
    this.#detached = []
    this.writers = []
  }

  #loadSlot(key: string, entry: Entry | undefined): Slot {
    const slot: Slot = { entry, storedVersion: entry?.version ?? null, isUnshared: false }
    this.#slots.set(key, slot)
    return slot
  }

  #advance(): void {
    while (!this.pending) {
      const operation = this.operations[this.#nextIndex]
      if (!operation) return
      this.#nextIndex++
      this.#run(operation)
    }
  }

  #run(operation: Operation): void {
    const { keys, changes, decided, updater } = operation
    if (changes) {
      this.#write(operation, changes)
      this.#complete(operation)
    } else if (decided) {
      const { entries, decision } = decided
      const update = { operation, entries, promise: Promise.resolve(decision), startedAt: 0 }
      // If it is not current, the queue runs the updater again.
      if (this.#isCurrent(update)) this.#applyDecision(operation, decision)
      else this.#detached.push(update)
    } else if (!updater) {
      this.#complete(operation, this.#readCopy(keys[0] ?? ''))
    } else {
      try {
        const { started } = operation
        operation.started = undefined
        const entries = started?.entries ?? keys.map((key) => this.#readCopy(key))
        const decision = started?.promise ?? updater(entries)
        if (decision instanceof Promise) {
          // It may reject before `finish` awaits it.
          decision.catch(noop)
          operation.isAsync = true
          const update = { operation, entries, promise: decision, startedAt: performance.now() }
          if (started && !this.#isCurrent(update)) this.#detached.push(update)
          else this.pending = update
        } else this.#applyDecision(operation, decision)
      } catch (error) {
        this.#complete(operation, error, true)
      }
    }
  }

  /** Whether an updater's entries are still in the working copy. The commit checks keys not read. */
  #isCurrent({ operation, entries }: SlowUpdate): boolean {
    return operation.keys.every((key, index) => {
      const { entry } = this.#slots.get(key) ?? this.#loadSlot(key, entries[index])
      return entry?.version === entries[index]?.version
    })
  }

  #applyDecision(operation: Operation, decision: Decision): void {
    const { changes } = decision
    if (changes) {
      for (const key of operation.keys) {
        const slot = this.#slots.get(key)
        if (slot && !slot.change) slot.isConditional = true
      }
      this.#write(operation, changes)
    }
    this.#complete(operation, resultOf(decision, this.#copiesValues))
  }

  #write(operation: Operation, changes: readonly Change[]): void {
    for (const change of changes) {
      const { key } = change
      const slot: Slot = this.#slots.get(key) ?? { entry: undefined, isUnshared: false }
      this.#slots.set(key, slot)
      slot.entry = 'entry' in change ? change.entry : undefined
      slot.isUnshared = false
      slot.change = change
      slot.writtenAt = this.#nextIndex - 1
    }
    this.writers.push(operation)
  }

  #complete(operation: Operation, result?: unknown, hasThrown = false): void {
    operation.result = result
    operation.hasThrown = hasThrown
    this.#completed.push(operation)
  }

  /** The entry for a reader who may keep and change it. */
  #readCopy(key: string): Entry | undefined {
    const { entry, isUnshared } = this.#slots.get(key) ?? {}
    const isLast = this.#nextIndex === this.operations.length
    return !entry || (isLast && isUnshared) ? entry : copyEntry(entry)
  }
}

function keysToRead(operations: Operations): readonly string[] {
  const [first] = operations
  if (operations.length === 1 && first?.needsRead) return first.keys
  const firstByKey = new Map<string, Operation>()
  for (const operation of operations) {
    // A decision on several keys is dropped if one of them has changed. Its entries are not verified then.
    if (operation.decided && operation.keys.length > 1) continue
    for (const key of operation.keys) if (!firstByKey.has(key)) firstByKey.set(key, operation)
  }
  return [...firstByKey].flatMap(([key, { needsRead }]) => (needsRead ? key : []))
}

/** Copies an entry for another reader. */
export function copyEntry(entry: Entry): Entry {
  return { ...entry, value: recopy(entry.value) }
}
