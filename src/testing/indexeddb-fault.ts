// What the faults of indexeddb.ts share.

import { deferred, noop } from '../async.ts'
import { StoreError } from '../errors.ts'

/** A fault of IndexedDB that a test has set up. */
export interface IndexedDBFault {
  /** How many transactions the fault has counted so far, with and without it. */
  readonly callCount: number
  /** Resolves when the fault has happened for the first time. */
  readonly happened: Promise<void>
  /** Ends the fault: later transactions do not have it, and those that are held open go on. */
  restore(): void
  /** Calls `restore`, at the end of the block that declares the fault with `using`. */
  [Symbol.dispose](): void
}

/** Which transactions have a fault. Without `database`, `store` and `mode`, all are counted. */
export interface IndexedDBFaultOptions {
  /** The first transaction that has the fault; they count from 1. Default: 1, the next one. */
  readonly nth?: number | undefined
  /** How many in a row have it; `Infinity`: all from then on. Default: 1. */
  readonly count?: number | undefined
  /** Counts only those on this database. botshelf has one for each namespace, `botshelf/<namespace>`. */
  readonly database?: string | undefined
  /** Counts only those on this object store: botshelf has `entries`, and `meta` for its own use. */
  readonly store?: string | undefined
  /** Counts only those that read, or only those that write. */
  readonly mode?: 'readonly' | 'readwrite' | undefined
}

// The parts of IndexedDB that are used here: the build for Workers has no types of the DOM.

interface Target {
  addEventListener(type: string, listener: (event: FaultEvent) => void, isCapture: boolean): void
  dispatchEvent(event: unknown): boolean
}

export interface FaultEvent {
  readonly type: string
  readonly target: unknown
  stopImmediatePropagation(): void
}

export interface Request extends Target {
  readonly transaction: Transaction | null
  readonly error: unknown
}

export interface Database extends Target {
  readonly name: string
  close(): void
}

export interface Transaction extends Target {
  readonly db: Database
  readonly mode: string
  readonly objectStoreNames: ArrayLike<string> & { contains(name: string): boolean }
  objectStore(name: string): { getKey(key: string): Request }
  abort(): void
  commit(): void
}

interface Globals {
  readonly indexedDB: { open(name: string): Request & { readonly result: Database } }
  readonly IDBDatabase: { readonly prototype: object }
  readonly IDBObjectStore: { readonly prototype: object }
  readonly IDBVersionChangeEvent: new (type: string) => object
}

/** @throws StoreError `UNAVAILABLE` if there is no IndexedDB */
export function indexedDBGlobals(): Globals {
  const globals = globalThis as unknown as Globals
  if (globals.indexedDB !== undefined) return globals
  const message =
    'There is no indexedDB to inject a fault into. Run the test in a page or a worker, or load fake-indexeddb.'
  throw new StoreError('UNAVAILABLE', message)
}

type Method = (this: unknown, ...parameters: unknown[]) => unknown

/** The state of a fault. */
export class FaultState implements IndexedDBFault {
  callCount = 0
  isRestored = false
  readonly happened: Promise<void>
  readonly #markHappened: () => void
  readonly #restorers: (() => void)[] = []

  constructor() {
    const { promise, resolve } = deferred()
    this.happened = promise
    this.#markHappened = resolve
  }

  /** @param hasFault whether the call has the fault */
  countCall(hasFault: boolean): void {
    this.callCount++
    if (hasFault) this.#markHappened()
  }

  /** Calls `after` with the target and the result of each call of a method, until `restore`. */
  afterEach(
    prototype: object,
    name: string,
    after: (target: unknown, result: unknown) => void,
  ): void {
    const methods = prototype as Record<string, Method>
    const original = methods[name] as Method
    const isEnded = (): boolean => this.isRestored
    const replacement: Method = function (...parameters) {
      const result = original.apply(this, parameters)
      if (!isEnded()) after(this, result)
      return result
    }
    methods[name] = replacement
    this.onRestore(() => {
      // Another fault may have replaced it since, and calls this one.
      if (methods[name] === replacement) methods[name] = original
    })
  }

  onRestore(restore: () => void): void {
    this.#restorers.push(restore)
  }

  restore(): void {
    this.isRestored = true
    for (const restore of this.#restorers.splice(0)) restore()
  }

  [Symbol.dispose](): void {
    this.restore()
  }
}

/** Returns a function that counts transactions, and calls `inject` with those that have the fault. */
export function selectTransactions(
  fault: FaultState,
  { nth = 1, count = 1, database, store, mode }: IndexedDBFaultOptions,
  inject: (transaction: Transaction) => void,
): (transaction: Transaction) => void {
  return (transaction) => {
    if (database !== undefined && transaction.db.name !== database) return
    if (store !== undefined && !transaction.objectStoreNames.contains(store)) return
    if (mode !== undefined && transaction.mode !== mode) return
    const index = fault.callCount + 1 - nth
    const hasFault = index >= 0 && index < count
    if (hasFault) inject(transaction)
    fault.countCall(hasFault)
  }
}

/** Listens to a transaction and its requests. The listener runs before all others. */
export function listen(transaction: Transaction, listener: (event: FaultEvent) => void): void {
  for (const type of ['success', 'error', 'complete', 'abort'])
    transaction.addEventListener(type, listener, true)
}

/** Calls `listener` when the commit of a transaction was requested. */
export function onCommit(transaction: Transaction, listener: () => unknown): void {
  const commit = transaction.commit.bind(transaction)
  const value = (): void => {
    commit()
    listener()
  }
  Object.defineProperty(transaction, 'commit', { value, configurable: true })
}

/** Sends a request that has no effect. Its `success` follows that of all requests before it. */
export function sendProbe(transaction: Transaction): Request | undefined {
  try {
    return transaction.objectStore(transaction.objectStoreNames[0] as string).getKey('')
  } catch {
    // The commit was requested already.
    return undefined
  }
}

/** Aborts a transaction as the browser does, with an error. Returns false if its commit was requested. */
export function abortWith(transaction: Transaction, name: string, message: string): boolean {
  const error = new DOMException(message, name)
  try {
    transaction.abort()
  } catch {
    return false
  }
  Object.defineProperty(transaction, 'error', { value: error, writable: true })
  return true
}

/** Makes a transaction abort with `QuotaExceededError` once all of its requests have succeeded. */
export function exceedQuota(transaction: Transaction): void {
  // Nothing of it may be committed before.
  Object.defineProperty(transaction, 'commit', { value: noop, configurable: true })
  let probe = sendProbe(transaction)
  let hasOthers = true
  listen(transaction, (event) => {
    if (event.target !== probe) {
      hasOthers = true
      return
    }
    event.stopImmediatePropagation()
    if (event.type !== 'success') return
    // Without an event since the last probe, no request was pending, and none can have followed.
    if (hasOthers) {
      hasOthers = false
      probe = sendProbe(transaction)
    } else {
      // Chromium 156 gives no message.
      abortWith(transaction, 'QuotaExceededError', '')
    }
  })
}
