// How a store's calls reach the storage. A synchronous storage (sync-access.ts) runs reads, writes
// and updates within the call while nothing is queued. All others become operations (operation.ts).
// Those of one tick, which lasts until the queue's next microtask, form a batch (scheduler.ts). A
// batch (batch.ts) splits its operations into groups that share keys, reads the keys that they
// need, replays each group in program order on a working copy (replay.ts), and commits at most one
// change per key. After a conflict, what is left of the group runs again. If a call fails and one
// operation may be the cause, the batch is halved until that operation is alone, and only its
// promise rejects. An updater that takes longer than a few microtasks is detached: its group goes
// on without it, and the update comes back with its decision, as a compare-and-set. What has lost a
// race runs again in a turn on its keys, which orders the clients of a hot key. Steps that are
// described as data go to the backend as they are, if it can run them. recovery.ts makes these
// calls: it retries reads and looks up lost answers. `clear` and listings call the storage
// directly. Every call that may wait has a time limit, so nothing hangs: a slow updater holds up
// others only for the lease of its turn.

import type { MaybePromise } from '../async.ts'
import { checkCount } from '../backend-reply.ts'
import { StoreError, toStoreError } from '../errors.ts'
import { observe, type OperationRecord } from '../observe.ts'
import type { Entry } from '../entry.ts'
import { isWrapped } from '../intercept.ts'
import { type Listing, pagesOf } from '../listing.ts'
import type { Change, StepChange, StorageBase } from '../storage.ts'
import type { SyncAccess } from '../sync-access.ts'
import { CLOSED_MESSAGE, DEFAULT_TIME_LIMIT_MS, limitStorage, limitTime } from '../time-limit.ts'
import { releaseTurn, type Turn, type Turns } from '../turns.ts'
import { runBatch, type BatchContext } from './batch.ts'
import {
  type Decision,
  type EntryUpdater,
  Operation,
  type Operations,
  resultOf,
} from './operation.ts'
import { Recovery, READ_ATTEMPTS, waitBeforeRetry } from './recovery.ts'
import type { Detach } from './replay.ts'
import { type RunBatch, Scheduler } from './scheduler.ts'

/** How many attempts an update has, if its key changes during each. */
const MAX_CONFLICTS = 100
/** How many turns an update has whose lease ends before its updater returns. */
const MAX_LAPSED_TURNS = 4

const NOT_ITS_OWN_KEY = 'An updater must not write its own key; return the new value instead.'

/** Batches, orders and retries the calls of one namespace's stores. */
export class OperationQueue {
  readonly storage: StorageBase
  /** The storage itself, whose members take less time to read. */
  readonly #target: StorageBase
  readonly #namespace: string
  readonly #context: BatchContext
  readonly #turns: Turns | undefined
  readonly #sync: SyncAccess | undefined
  readonly #timeLimitMs: number
  #scheduler: Scheduler | undefined
  /** The scheduler of this tick, with `batchAcrossTicks: false`. */
  #tickScheduler: Scheduler | undefined
  #isClosed = false
  /** The updates whose function has not settled. */
  readonly #detached = new Set<Operation>()
  /** The keys of the updater that is running, until it returns. */
  #updatingKeys: readonly string[] = []

  /**
   * @param now the runtime's time, in milliseconds since 1970
   * @param onOperation receives every call of `storage` and every turn
   * @param timeLimitMs the time limit of each call of `storage`
   */
  constructor(
    storage: StorageBase,
    namespace: string,
    now: () => number,
    onOperation?: (record: OperationRecord) => void,
    timeLimitMs: number = DEFAULT_TIME_LIMIT_MS,
  ) {
    const observer = onOperation && { onOperation, namespace, attempt: 1 }
    const own = isWrapped(storage) ? undefined : storage
    const limited = limitStorage(storage, timeLimitMs, own?.sync !== undefined)
    const recovery = new Recovery(limited, now, observer)
    this.#target = storage
    this.#timeLimitMs = timeLimitMs
    const { turns } = storage
    this.storage = recovery.storage
    this.#namespace = namespace
    this.#turns = observer && turns ? observe(turns, observer) : turns
    // Calls of `sync` are not observed.
    this.#sync = observer ? undefined : own?.sync
    this.#context = {
      recovery,
      now,
      copiesValues: own?.copiesValues ?? false,
      usedTurns: new WeakSet(),
      detach: this.#detach,
      reject: this.#reject,
      onConflict: this.#onConflict,
    }
  }

  /** Reads an entry: at once if the storage is synchronous and nothing is queued. */
  read(key: string): MaybePromise<Entry | undefined> {
    const sync = this.#idleSync()
    try {
      if (sync) return sync.get(key)
    } catch {
      // The queue retries it, and reports its error.
    }
    return this.#add<Entry | undefined>(new Operation([key]))
  }

  /** Writes changes of different keys together, without conditions. */
  write(changes: readonly Change[]): MaybePromise<void> {
    if (this.#idleSync()?.commit(changes) === true) return undefined
    const keys = changes.map(({ key }) => key)
    this.#checkNotUpdating(keys)
    return this.#add<void>(new Operation(keys, { changes }))
  }

  /**
   * Reads, decides and writes in one atomic step.
   *
   * @param step the same as data, if it is a step of one key
   */
  update<T>(keys: readonly string[], updater: EntryUpdater<T>, step?: StepChange): MaybePromise<T> {
    this.#checkNotUpdating(keys)
    const guarded: EntryUpdater<T> = (entries) => {
      const outerKeys = this.#updatingKeys
      this.#updatingKeys = keys
      try {
        return updater(entries)
      } finally {
        this.#updatingKeys = outerKeys
      }
    }
    const run = this.#idleSync()?.update(keys, guarded, this.#context.now())
    if (run && 'result' in run) return resultOf(run, this.#context.copiesValues)
    const operation = new Operation(keys, { updater: guarded, step })
    operation.started = run
    return this.#add<T>(operation)
  }

  /**
   * Removes all entries whose keys begin with a prefix, after the operations so far and before later
   * ones. A lost answer is not looked up.
   */
  clear(prefix: string): Promise<void> {
    const cleared = this.#currentScheduler().exclusive(() => {
      this.#checkOpen()
      return prefix === '' ? this.storage.clear() : this.storage.clearPrefix(prefix)
    })
    return cleared.catch(this.#rethrow)
  }

  async liveLen(now: number): Promise<number> {
    await this.#currentScheduler().idle()
    const read = (): Promise<number> => {
      this.#checkOpen()
      return this.storage.liveLen(now)
    }
    return this.#context.recovery.retryRead(read, checkCount).catch(this.#rethrow)
  }

  /**
   * Lists what the batches so far have stored, in pages. Retries a listing that fails before its first
   * item.
   */
  async *list<T>(open: () => Listing<T>): AsyncGenerator<readonly T[]> {
    await this.#currentScheduler().idle()
    for (let attempt = 1; ; attempt++) {
      try {
        this.#checkOpen()
        this.#context.recovery.startAttempt(attempt)
        for await (const page of pagesOf(open())) {
          // A new listing would deliver these items again.
          if (page.length > 0) attempt = READ_ATTEMPTS
          yield page
        }
        return
      } catch (error) {
        await waitBeforeRetry(attempt, error).catch(this.#rethrow)
      }
    }
  }

  /** Closes the storage. Rejects the updates whose function has not settled, and what runs later. */
  close(): Promise<void> {
    this.#isClosed = true
    for (const operation of this.#detached) this.#giveUp(operation)
    this.#detached.clear()
    // A synchronous storage has no time limit of its own.
    return limitTime(this.storage.close(), this.#timeLimitMs)
  }

  #giveUp(operation: Operation): void {
    const message = 'The store was closed before the function settled. Nothing was written.'
    this.#reject(operation, new StoreError('TIMEOUT', message, { outcome: 'not-applied' }))
  }

  /** @throws StoreError `STORE_NOT_OPEN`: what waited longer than `close` did must not run */
  #checkOpen(): void {
    if (this.#isClosed) throw new StoreError('STORE_NOT_OPEN', CLOSED_MESSAGE)
  }

  /** Returns the access of a synchronous storage if no operation has to run before. */
  #idleSync(): SyncAccess | undefined {
    const isBusy = this.#scheduler?.isIdle === false || this.#tickScheduler?.isIdle === false
    if (!this.#sync || isBusy || this.#updatingKeys.length > 0) return undefined
    try {
      return this.#turns?.hasContention ? undefined : this.#sync
    } catch {
      // The queue reports what the turns of an adapter throw.
      return undefined
    }
  }

  #add<T>(operation: Operation): Promise<T> {
    return this.#currentScheduler().add(operation) as Promise<T>
  }

  /** With `batchAcrossTicks: false` each tick has its own: calls of different ticks have no order. */
  #currentScheduler(): Scheduler {
    if (this.#target.traits.batchAcrossTicks) return (this.#scheduler ??= this.#createScheduler())
    if (!this.#tickScheduler) {
      // If the trait was true, operations that wait for the running batch now start without it.
      const waiting = this.#scheduler?.takeWaiting()
      if (this.#scheduler && !waiting) return this.#scheduler
      this.#tickScheduler = this.#createScheduler()
      for (const operation of waiting ?? []) void this.#tickScheduler.add(operation)
      queueMicrotask(() => (this.#tickScheduler = undefined))
    }
    return this.#tickScheduler
  }

  #createScheduler(): Scheduler {
    return new Scheduler(this.#runBatch, this.#turns, this.#timeLimitMs)
  }

  readonly #runBatch: RunBatch = (operations, turn) => {
    try {
      this.#checkOpen()
    } catch (error) {
      for (const operation of operations) this.#reject(operation, error)
      return Promise.resolve([])
    }
    return runBatch(operations, this.#contextOf(operations), turn)
  }

  #contextOf(operations: Operations): BatchContext {
    const context = this.#context
    const recovery = context.recovery.forBatch(operations)
    return recovery === context.recovery ? context : { ...context, recovery }
  }

  readonly #detach: Detach = ({ operation, entries, promise, startedAt }, isCurrent) => {
    if (this.#isClosed) return this.#giveUp(operation)
    this.#detached.add(operation)
    const onDecided = (decision: Decision): void => {
      // The storage is closed, and the operation was rejected.
      if (!this.#detached.delete(operation)) return
      operation.updaterMs = performance.now() - startedAt
      operation.decided = { entries, decision }
      if (!decision.changes) operation.resolve(decision.result)
      else if (!isCurrent) this.#onConflict(operation, operation.turn)
      else if (!operation.turn) void this.#currentScheduler().add(operation)
      else void this.#currentScheduler().addInTurn(operation)
    }
    promise.then(onDecided, (error: unknown) => {
      this.#detached.delete(operation)
      operation.reject(error)
    })
  }

  readonly #onConflict = (operation: Operation, turn: Turn | undefined): boolean => {
    operation.conflicts++
    if (turn?.hasLapsed === true) operation.lapsedTurns++
    releaseTurn(operation.turn)
    operation.turn = undefined
    // A read or a write has one more attempt. The update that it lost with is rejected by then.
    const isLast = operation.conflicts >= MAX_CONFLICTS + (operation.updater ? 0 : 1)
    if (isLast || (operation.lapsedTurns === MAX_LAPSED_TURNS && operation.updater)) {
      const during = isLast
        ? `each of ${MAX_CONFLICTS} attempts`
        : `a function that took ${Math.round(operation.updaterMs)} ms`
      const message = `The key changed during ${during}. Retry later. ${NOT_ITS_OWN_KEY}`
      this.#reject(operation, new StoreError('CONFLICT', message))
      return false
    }
    if (!operation.decided) return true
    operation.decided = undefined
    void this.#currentScheduler().addInTurn(operation)
    return false
  }

  /** @throws StoreError `CONFLICT` if the updater that is running decides on one of the keys */
  #checkNotUpdating(keys: readonly string[]): void {
    const key = keys.find((each) => this.#updatingKeys.includes(each))
    if (key === undefined) return
    const details = { namespace: this.#namespace, key, retryable: false }
    throw new StoreError('CONFLICT', NOT_ITS_OWN_KEY, details)
  }

  readonly #reject = ({ keys: [key], reject }: Operation, error: unknown): void => {
    reject(toStoreError(error, { namespace: this.#namespace, key }))
  }

  readonly #rethrow = (error: unknown): never => {
    throw toStoreError(error, { namespace: this.#namespace })
  }
}
