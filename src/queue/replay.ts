// A replay runs the operations of one group, in program order, on a working copy of their keys. Its
// result is at most one change per key, and these are committed together. The promises of the
// operations settle after the commit.

import { fewMicrotasks, noop } from '../async.ts'
import type { Change, Entry } from '../storage.ts'
import { recopy } from '../value/copy-value.ts'
import type { Decision, Entries, Operation, Operations } from './operation.ts'

/** An update whose updater has returned a promise, and the entries that the updater received. */
export interface PendingUpdate {
  readonly operation: Operation
  readonly entries: Entries
  readonly promise: Promise<Decision>
}

/** Receives an update that leaves its group. `isCurrent`: its entries are still the stored ones. */
export type Detach = (update: PendingUpdate, isCurrent: boolean) => void

/** Replaces a decision on entries that were never stored, so that the updater runs again. */
const invalidDecision = (): Decision => ({ changes: [], result: undefined })

/** The working copy of one key. */
interface Slot {
  entry: Entry | undefined
  /** The stored version, `null` for no entry; absent if it is not known. */
  readonly base?: string | null
  /** Whether `entry` was read for this replay alone, so that its last reader may keep it. */
  isPrivate: boolean
  change?: Change
  /** Whether the change may be stored only if `base` still is. */
  isConditional?: boolean
}

export class Replay {
  /** The keys whose first operation needs the stored entry. */
  readonly keysToRead: readonly string[]
  /** The operations that have no answer yet. */
  operations: Operations
  /** The changes to commit, and the operations that made them: one may be why a commit fails. */
  changes: readonly Change[]
  writers: Operation[]
  /** The update that the replay waits for. */
  pending: PendingUpdate | undefined
  readonly #detach: Detach
  /** Whether the group is one write, as most are: it needs no working copy. */
  readonly #isSingleWrite: boolean
  #slots!: Map<string, Slot>
  #nextIndex = 0
  /** The operations that have run, in order. */
  #answers: Operation[]
  #detached: PendingUpdate[] = []

  constructor(operations: Operations, detach: Detach) {
    const singleWrite = operations.length === 1 ? operations[0]?.changes : undefined
    this.operations = operations
    this.changes = singleWrite ?? []
    this.#detach = detach
    this.#isSingleWrite = singleWrite !== undefined
    this.#answers = this.writers = this.#isSingleWrite ? [...operations] : []
    this.keysToRead = this.#isSingleWrite ? [] : keysToRead(operations)
  }

  /** Runs from the first operation until all have run or an updater returns a promise. */
  start(found: ReadonlyMap<string, Entry>): void {
    if (this.#isSingleWrite) return
    this.pending = undefined
    this.#slots = new Map()
    for (const key of this.keysToRead) this.#loadSlot(key, found.get(key)).isPrivate = true
    this.#reset(0)
    this.#advance()
  }

  /** Runs to the end. An updater has a few microtasks; one that takes longer is detached. */
  async finish(): Promise<void> {
    for (let update = this.pending; update !== undefined; update = this.pending) {
      this.pending = undefined
      const { operation, promise } = update
      try {
        const decision = await Promise.race([promise, fewMicrotasks()])
        if (decision === undefined) this.#detached.push(update)
        else this.#applyDecision(operation, decision)
      } catch (error) {
        this.#answer(operation, error, true)
      }
      this.#advance()
    }
  }

  /** Sets `changes`, without conditions if the backend cannot check them. */
  collectChanges(canBeConditional: boolean): void {
    if (this.#isSingleWrite) return
    this.changes = [...this.#slots.values()].flatMap(({ change, base, isConditional }) => {
      if (change === undefined) return []
      const hasCondition = canBeConditional && isConditional && base !== undefined
      return hasCondition ? { ...change, ifVersion: base } : change
    })
  }

  /** The changes are stored: settles the operations. A pending replay goes on from the changes. */
  settle(): void {
    for (const operation of this.#answers) operation.settle()
    for (const update of this.#detached) this.#detach(update, this.#isCurrent(update))
    if (this.pending === undefined) return
    this.operations = this.operations.slice(this.#nextIndex - 1)
    this.#reset(1)
    for (const [key, { entry }] of this.#slots) this.#loadSlot(key, entry)
  }

  /** The changes are not stored: settles what ran before the first write, and returns the rest. */
  abandon(): Operations {
    const [firstWriter] = this.writers
    const { operations } = this
    const early = new Set(operations.slice(0, firstWriter && operations.indexOf(firstWriter)))
    for (const operation of this.#answers) if (early.has(operation)) operation.settle()
    for (const { operation, entries, promise } of this.#detached) {
      const valid = early.has(operation) ? promise : promise.then(invalidDecision, invalidDecision)
      this.#detach({ operation, entries, promise: valid }, false)
      early.add(operation)
    }
    this.pending = undefined
    return operations.filter((operation) => !early.has(operation))
  }

  #reset(nextIndex: number): void {
    this.#nextIndex = nextIndex
    this.#answers = []
    this.#detached = []
    this.writers = []
  }

  #loadSlot(key: string, entry: Entry | undefined): Slot {
    const slot: Slot = { entry, base: entry?.version ?? null, isPrivate: false }
    this.#slots.set(key, slot)
    return slot
  }

  #advance(): void {
    while (this.pending === undefined) {
      const operation = this.operations[this.#nextIndex]
      if (operation === undefined) return
      this.#nextIndex++
      this.#run(operation)
    }
  }

  #run(operation: Operation): void {
    const { keys, changes, decided, updater } = operation
    if (changes !== undefined) {
      this.#write(operation, changes, false)
      this.#answer(operation)
    } else if (decided !== undefined) {
      const { entries, decision } = decided
      const update = { operation, entries, promise: Promise.resolve(decision) }
      if (this.#isCurrent(update)) this.#applyDecision(operation, decision)
      else this.#detached.push(update)
    } else if (updater === undefined) {
      this.#answer(operation, this.#readCopy(keys[0] ?? ''))
    } else {
      try {
        const entries = keys.map((key) => this.#readCopy(key))
        const decision = updater(entries)
        if (decision instanceof Promise) {
          // It may reject before `finish` awaits it.
          decision.catch(noop)
          this.pending = { operation, entries, promise: decision }
        } else this.#applyDecision(operation, decision)
      } catch (error) {
        this.#answer(operation, error, true)
      }
    }
  }

  /** Whether an updater's entries are still the current ones. The commit checks keys not read. */
  #isCurrent({ operation, entries }: PendingUpdate): boolean {
    return operation.keys.every((key, index) => {
      const { entry } = this.#slots.get(key) ?? this.#loadSlot(key, entries[index])
      return entry?.version === entries[index]?.version
    })
  }

  #applyDecision(operation: Operation, { changes, result }: Decision): void {
    if (changes !== undefined) this.#write(operation, changes, true)
    this.#answer(operation, result)
  }

  #write(operation: Operation, changes: readonly Change[], isConditional: boolean): void {
    for (const change of changes) {
      const { key } = change
      const slot: Slot = this.#slots.get(key) ?? { entry: undefined, isPrivate: false }
      this.#slots.set(key, slot)
      // What follows an unconditional write of the key does not depend on what is stored.
      if (slot.change === undefined) slot.isConditional = isConditional
      slot.entry = 'entry' in change ? change.entry : undefined
      slot.isPrivate = false
      slot.change = change
    }
    this.writers.push(operation)
  }

  #answer(operation: Operation, result?: unknown, hasThrown = false): void {
    operation.result = result
    operation.hasThrown = hasThrown
    this.#answers.push(operation)
  }

  /** The entry for a reader who may keep and change it. */
  #readCopy(key: string): Entry | undefined {
    const { entry, isPrivate } = this.#slots.get(key) ?? {}
    const isLast = this.#nextIndex === this.operations.length
    return entry === undefined || (isLast && isPrivate) ? entry : copyEntry(entry)
  }
}

function keysToRead(operations: Operations): readonly string[] {
  const [first] = operations
  if (operations.length === 1 && first?.needsRead) return first.keys
  const firsts = new Map<string, Operation>()
  for (const operation of operations) {
    for (const key of operation.keys) if (!firsts.has(key)) firsts.set(key, operation)
  }
  return [...firsts].flatMap(([key, { needsRead }]) => (needsRead ? key : []))
}

/** Copies an entry for another reader. */
export function copyEntry(entry: Entry): Entry {
  return { ...entry, value: recopy(entry.value) }
}
