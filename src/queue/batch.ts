// A batch is one read and one commit; or, if the backend has transactions, one transaction with a read
// beside it and a commit of late decisions after it. Groups that need no read join the commit, or one
// call of `perform` if the backend runs steps itself. If one operation may be why a call fails, the
// halves of the batch run again, one after the other, until that operation is alone: about 2 log2(n)
// calls for one culprit, and 2n - 1 calls at worst.

import { checkEntries } from '../backend-reply.ts'
import { isCausedByOne, isStoreError, type StoreError } from '../errors.ts'
import type { Entry } from '../entry.ts'
import type { Change, CommitResult, StepChange } from '../storage.ts'
import type { Turn } from '../turns.ts'
import { groupByKey, type Operation, type Operations, splitAtAsync } from './operation.ts'
import type { Recovery } from './recovery.ts'
import { copyEntry, Replay, type ReplayContext } from './replay.ts'

/** How often a group may conflict before its async updaters run alone. */
const CONFLICTS_BEFORE_SPLIT = 3

/** What a batch uses of its queue. */
export interface BatchContext extends ReplayContext {
  readonly recovery: Recovery
  readonly reject: (operation: Operation, error: unknown) => void
  /** Counts a conflict, rejects after the last. Returns whether the operation stays in its group. */
  readonly onConflict: (operation: Operation, turn: Turn | undefined) => boolean
  /** The turns whose entries were used: the updaters that got them may have changed them. */
  readonly usedTurns: WeakSet<Turn>
}

/**
 * Runs a batch. Resolves to lists to run again, one after another; never rejects.
 *
 * @param turn the turn in which the only group of the batch runs
 */
export async function runBatch(
  batch: Operations,
  context: BatchContext,
  turn?: Turn,
): Promise<Operations[]> {
  try {
    const [operation] = batch
    if (!operation || batch.length > 1 || operation.updater) {
      return await new Batch(context, turn).run(batch)
    }
    // A lone read or write needs no replay.
    const { keys, changes } = operation
    if (!changes) {
      operation.resolve((await context.recovery.getMany(keys)).get(keys[0] ?? ''))
    } else {
      const [outcome] = await context.recovery.commit([changes], turn)
      if (outcome === 'applied') operation.resolve()
      else if (outcome !== 'conflict') throw outcome
      else if (context.onConflict(operation, turn)) return [batch]
    }
  } catch (error) {
    // No promise may stay pending, not even after an error of the queue's own.
    for (const operation of batch) context.reject(operation, error)
  }
  return []
}

class Batch {
  readonly #context: BatchContext
  readonly #turn: Turn | undefined
  readonly #retries: Operations[] = []

  constructor(context: BatchContext, turn: Turn | undefined) {
    this.#context = context
    this.#turn = turn
  }

  async run(operations: Operations): Promise<Operations[]> {
    const { storage } = this.#context.recovery
    const readGroups: Operations[] = []
    const performGroups: Operations[] = []
    const replays: Replay[] = []
    const groups = groupByKey(operations)
    const hasSteps = storage.perform && operations.some(({ step }) => step)
    for (const group of groups) {
      if (hasSteps && group.every(({ step, changes }) => step ?? changes)) performGroups.push(group)
      else if (group.some(({ changes, updater }) => changes ?? updater)) {
        replays.push(new Replay(group, this.#context))
      } else readGroups.push(group)
    }
    const keys = replays.flatMap(({ keysToRead }) => keysToRead)
    const performing = this.#perform(performGroups)
    if (keys.length > 0 && !storage.transact) {
      await this.#read(readGroups, replays, keys)
    } else {
      const reading = this.#read(readGroups, [], [])
      await (keys.length > 0 ? this.#transact(replays, keys) : this.#replay(replays, new Map()))
      await reading
    }
    await performing
    return this.#retries
  }

  /** Lets the storage run groups of steps and writes, in one call. */
  async #perform(groups: readonly Operations[]): Promise<void> {
    if (groups.length === 0) return
    const changeGroups = groups.map((group) =>
      group.flatMap<Change | StepChange>(({ step, changes }) => step ?? changes ?? []),
    )
    const results = await this.#context.recovery.perform(changeGroups, this.#turn)
    const callError = commonError(results)
    if (callError) {
      const all = groups.flat()
      return this.#splitOrReject(all, all, all.length, callError)
    }
    for (const [index, group] of groups.entries()) {
      const result = results[index] ?? []
      if (isStoreError(result)) {
        this.#splitOrReject(group, group, group.length, result)
        continue
      }
      let next = 0
      for (const operation of group) {
        operation.resolve(operation.step === undefined ? undefined : result[next])
        next += operation.changes?.length ?? 1
      }
    }
  }

  /** Reads once for the groups that only read, which it resolves, and for the replays. */
  async #read(readGroups: Operations[], replays: Replay[], replayKeys: string[]): Promise<void> {
    const keys = [...readGroups.flatMap(([first]) => first?.keys ?? []), ...replayKeys]
    if (keys.length === 0) return
    let found: ReadonlyMap<string, Entry>
    try {
      found = this.#takeTurnEntries() ?? (await this.#context.recovery.getMany(keys))
    } catch (error) {
      const operations = [...readGroups, ...replays.map((replay) => replay.operations)].flat()
      return this.#splitOrReject(operations, dependentsOn(keys, operations), keys.length, error)
    }
    for (const group of readGroups) {
      const entry = found.get(group[0]?.keys[0] ?? '')
      // The entry was read for one reader; the others get copies.
      for (const [index, operation] of group.entries()) {
        operation.resolve(entry && index > 0 ? copyEntry(entry) : entry)
      }
    }
    await this.#replay(replays, found)
  }

  /** Returns the entries that came with the turn, once. */
  #takeTurnEntries(): ReadonlyMap<string, Entry> | undefined {
    const turn = this.#turn
    const { usedTurns } = this.#context
    if (!turn || usedTurns.has(turn)) return undefined
    usedTurns.add(turn)
    return turn.entries && checkEntries(turn.entries)
  }

  async #replay(replays: Replay[], found: ReadonlyMap<string, Entry>): Promise<void> {
    for (const replay of replays) replay.start(found)
    await this.#commit(replays)
  }

  /** Replays in a transaction. What follows an updater with a promise is committed after it. */
  async #transact(replays: Replay[], keys: string[]): Promise<void> {
    let outcomes: readonly CommitResult[]
    try {
      const decide = (found: ReadonlyMap<string, Entry>): (readonly Change[])[] => {
        for (const replay of replays) replay.start(found)
        return this.#collectChanges(replays)
      }
      outcomes = await this.#context.recovery.transact(keys, decide)
    } catch (error) {
      // There was nothing to write yet. Only updates need the transaction.
      const reading = replays.filter(({ keysToRead }) => keysToRead.length > 0)
      const operations = reading.flatMap((replay) => replay.operations)
      const updates = dependentsOn(keys, operations).filter(({ updater }) => updater)
      if (updates.length === 0) return this.#read([], replays, keys)
      const writing = replays.filter(({ keysToRead }) => keysToRead.length === 0)
      this.#retry(writing.flatMap((replay) => replay.operations))
      const causes = keys.length + operations.length - updates.length
      return this.#splitOrReject(operations, updates, causes, error)
    }
    this.#applyOutcomes(replays, outcomes)
    await this.#commit(replays.filter(({ pending }) => pending))
  }

  /** Waits for pending updaters and commits the changes of all replays. */
  async #commit(replays: Replay[]): Promise<void> {
    const pending = replays.filter((replay) => replay.pending)
    if (pending.length > 0) await Promise.all(pending.map((replay) => replay.finish()))
    const groups = this.#collectChanges(replays)
    const outcomes =
      groups.length === 0 ? [] : await this.#context.recovery.commit(groups, this.#turn)
    this.#applyOutcomes(replays, outcomes)
  }

  #collectChanges(replays: Replay[]): (readonly Change[])[] {
    const canBeConditional = this.#context.recovery.storage.traits.atomic !== 'none'
    for (const replay of replays) replay.collectChanges(canBeConditional)
    return replays.map(({ changes }) => changes).filter(({ length }) => length > 0)
  }

  /** Takes one outcome for each replay with changes. */
  #applyOutcomes(replays: Replay[], outcomes: readonly CommitResult[]): void {
    const callError = commonError(outcomes)
    const failed: Replay[] = []
    const conflicting: Operation[] = []
    let index = 0
    for (const replay of replays) {
      const outcome = replay.changes.length === 0 ? 'applied' : outcomes[index++]
      if (outcome === 'applied') replay.settle()
      else if (outcome === 'conflict') {
        const again = replay
          .abandon()
          .filter((operation) => this.#context.onConflict(operation, this.#turn))
        const conflicts = again[0]?.conflicts ?? 0
        if (conflicts < CONFLICTS_BEFORE_SPLIT) {
          // Not in one call: a group may have more operations than a call has arguments.
          for (const operation of again) conflicting.push(operation)
        } else for (const part of splitAtAsync(again)) this.#retry(part)
      } else if (callError) failed.push(replay)
      else this.#onCommitError([replay], outcome)
    }
    this.#onCommitError(failed, callError)
    this.#retry(conflicting)
  }

  #onCommitError(replays: Replay[], error: unknown): void {
    const writers = replays.flatMap((replay) => replay.writers)
    const isUnknown = isStoreError(error) && error.outcome === 'unknown'
    const reads = isUnknown ? replays.flatMap((replay) => replay.readsBeforeWrites()) : []
    const operations = replays.flatMap((replay) => replay.abandon())
    const unsettled = new Set(operations)
    const dependents = [...writers, ...reads.filter((read) => unsettled.has(read))]
    this.#splitOrReject(operations, dependents, writers.length, error)
  }

  /** A call failed. Splits if one of several causes is possible; otherwise rejects `dependents`. */
  #splitOrReject(all: Operations, dependents: Operations, causes: number, error: unknown): void {
    if (all.length > 1 && causes > 1 && isCausedByOne(error)) this.#split(all)
    else {
      const failed = new Set(dependents)
      for (const operation of failed) this.#context.reject(operation, error)
      this.#retry(all.filter((operation) => !failed.has(operation)))
    }
  }

  /** Runs the operations again in two halves: of the groups, or of the only group. */
  #split(operations: Operations): void {
    const groups: Operations[] = groupByKey(operations)
    const parts = groups.length > 1 ? groups : operations.map((operation) => [operation])
    const middle = Math.ceil(parts.length / 2)
    this.#retry(parts.slice(0, middle).flat())
    this.#retry(parts.slice(middle).flat())
  }

  #retry(operations: Operations): void {
    if (operations.length > 0) this.#retries.push(operations)
  }
}

/** Returns the error of a call that failed as a whole: one error object for all groups. */
function commonError(results: readonly unknown[]): StoreError | undefined {
  const [first] = results
  return isStoreError(first) && results.every((result) => result === first) ? first : undefined
}

/** Selects the operations that cannot run if these keys are not read. */
function dependentsOn(keys: readonly string[], operations: Operations): Operations {
  const failed = new Set(keys)
  return operations.filter((each) => each.needsRead && each.keys.some((key) => failed.has(key)))
}
