// Reports the calls to a backend for the `onOperation` option of a runtime. Without the option the
// core calls the backend directly.

import { isStoreError, toStoreError, type StoreError, type WriteOutcome } from './errors.ts'
import { intercept, LISTINGS, type Method } from './intercept.ts'
import { type Listing, listPages, pagesOf } from './listing.ts'
import type { Operation, Operations } from './queue/operation.ts'
import type { Change, StepChange } from './storage.ts'

/**
 * What a call to the backend does. Later versions may add kinds.
 *
 * - `open`, `close`: opens a namespace for all its stores, or closes it.
 * - `getMany`: reads keys. `commit`: writes groups of changes.
 * - `transact`: reads, runs updaters and writes in one transaction of the backend.
 * - `perform`: lets the backend run steps such as `increment`.
 * - `turn`: waits for a turn on keys that several clients update.
 * - `keys`, `entries`: lists. `size`: counts. `clear`: removes all keys, or those with a prefix.
 * - `namespaces`, `drop`: the methods of the runtime.
 */
export type OperationKind =
  | 'open'
  | 'close'
  | 'getMany'
  | 'commit'
  | 'transact'
  | 'perform'
  | 'turn'
  | 'keys'
  | 'entries'
  | 'size'
  | 'clear'
  | 'namespaces'
  | 'drop'

/** One call to the backend that has ended. Only `error` may contain a key; nothing contains a value. */
export interface OperationRecord {
  readonly kind: OperationKind
  /** `undefined` for the kind `namespaces`. */
  readonly namespace: string | undefined
  /** How many keys the call names; of a listing, how many items its pages had. */
  readonly keys: number
  /** How many calls of stores share this one; 1 for a kind that is not batched. */
  readonly operations: number
  /** Which attempt of a retried read it is, from 1; of another kind always 1. */
  readonly attempt: number
  /** How many groups of changes were not applied because their keys had changed. */
  readonly conflicts: number
  /** The size of what it writes as the core measures it, in bytes; 0 for a read. */
  readonly bytes: number
  /** How long the backend took, in milliseconds; of a listing, without the time of its reader. */
  readonly durationMs: number
  /** `ok`, also with conflicts; otherwise the outcome of `error`. */
  readonly outcome: 'ok' | WriteOutcome
  /** Why the call, or the first of its groups that failed, failed. */
  readonly error?: StoreError
}

/** What the calls of one storage, its turns or its plugin have in common. */
export interface Observer {
  readonly onOperation: (record: OperationRecord) => void
  /** Absent for a plugin, whose methods receive the namespace. */
  readonly namespace?: string
  /** The operations of the batch that makes the calls. */
  readonly operations?: Operations
  /** The attempt of the next read. */
  attempt: number
}

/** Keys, or groups of changes. */
type Arguments = readonly (string | readonly (Change | StepChange)[])[]

const WRITES: readonly OperationKind[] = ['close', 'commit', 'transact', 'perform', 'clear', 'drop']

/** Returns a storage, turns or a plugin that reports its calls and is otherwise the same. */
export function observe<T extends object>(target: T, observer: Observer): T {
  return intercept(target, (kind, method, args) => observeCall(kind, method, args, observer))
}

function observeCall(
  kind: OperationKind,
  method: Method,
  args: unknown[],
  { namespace = args[0] as string | undefined, operations, attempt, onOperation }: Observer,
): unknown {
  const isRead = !WRITES.includes(kind)
  const keys = new Set<string>()
  let items = 0
  let bytes = 0
  let start = performance.now()

  const count = <T>(list: T): T => {
    bytes = 0 // A transaction that is restarted writes again.
    if (!Array.isArray(list)) return list
    for (const each of (list as Arguments).flat()) {
      if (typeof each === 'string') keys.add(each)
      else {
        keys.add(each.key)
        if ('bytes' in each) bytes += each.bytes
      }
    }
    return list
  }

  const toError = (error: unknown): StoreError =>
    toStoreError(error, { namespace, outcome: isRead ? 'not-applied' : undefined })

  /** Reports the call; `results` are those of groups, or why it failed. */
  const report = (results: unknown): void => {
    const list: readonly unknown[] = Array.isArray(results) ? results : []
    const found = list.find(isStoreError)
    const error = found && toError(found)
    const isShared = (operation: Operation): boolean => operation.keys.some((key) => keys.has(key))
    const record: OperationRecord = {
      kind,
      namespace,
      keys: keys.size + items,
      operations: operations?.filter(isShared).length ?? 1,
      attempt: isRead ? attempt : 1,
      conflicts: list.filter((result) => result === 'conflict').length,
      bytes,
      durationMs: performance.now() - start,
      outcome: error?.outcome ?? 'ok',
      ...(error && { error }),
    }
    // In a microtask, so that an error of the listener never reaches the operation.
    void Promise.resolve().then(() => onOperation(record))
  }

  async function run(): Promise<unknown> {
    const [first, decide, ...others] = args
    count(first)
    const observed =
      kind === 'transact'
        ? [first, (found: unknown): unknown => count((decide as Method)(found)), ...others]
        : args
    try {
      const results = await method(...observed)
      report(results)
      return results
    } catch (error) {
      report([toError(error)])
      throw error
    }
  }

  async function* deliver(): AsyncGenerator<readonly unknown[]> {
    let results: unknown
    try {
      for await (const page of pagesOf(method(...args) as Listing<unknown>)) {
        items += page.length
        const pausedAt = performance.now()
        try {
          yield page
        } finally {
          start += performance.now() - pausedAt
        }
      }
    } catch (error) {
      results = [toError(error)]
      throw error
    } finally {
      report(results)
    }
  }

  return LISTINGS.includes(kind) ? listPages(deliver) : run()
}
