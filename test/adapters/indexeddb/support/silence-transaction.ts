import { replaceMethod } from './replace-method.ts'

export interface SilentTransactionOptions {
  /** The object store of the transaction. Default: that of the entries. */
  readonly store?: 'entries' | 'meta'
  /** Default: `readwrite`. */
  readonly mode?: IDBTransactionMode
  /** Whether it also stays active until it is aborted, so that later ones wait for it. */
  readonly isHeld?: boolean
}

/**
 * Makes the next transaction of a kind silent: no event of it or of its requests is delivered, as
 * was seen on iOS. Resolves once it has begun.
 */
export function silenceNextTransaction({
  store = 'entries',
  mode = 'readwrite',
  isHeld = false,
}: SilentTransactionOptions = {}): Promise<void> {
  return new Promise((resolve) => {
    const restore = replaceMethod(
      IDBDatabase.prototype,
      'transaction',
      (transaction) =>
        function (this: IDBDatabase, ...parameters) {
          const begun = transaction.apply(this, parameters)
          if (!begun.objectStoreNames.contains(store) || begun.mode !== mode) return begun
          restore()
          silence(begun)
          if (isHeld) keepActive(begun.objectStore(store))
          resolve()
          return begun
        },
    )
  })
}

/** Keeps a transaction active until it is aborted or committed, or `isOver` returns true. */
export function keepActive(store: IDBObjectStore, isOver: () => boolean = () => false): void {
  try {
    const request = store.getKey('')
    request.onsuccess = () => {
      if (!isOver()) keepActive(store, isOver)
    }
  } catch {
    // The commit was requested.
  }
}

let silenced: WeakSet<EventTarget> | undefined

function silence(transaction: IDBTransaction): void {
  if (silenced !== undefined) return void silenced.add(transaction)
  const targets = new WeakSet<EventTarget>([transaction])
  silenced = targets
  replaceMethod(
    EventTarget.prototype,
    'addEventListener',
    (addEventListener) =>
      function (this: EventTarget, ...parameters) {
        const target = this instanceof IDBRequest ? this.transaction : this
        if (target === null || !targets.has(target)) addEventListener.apply(this, parameters)
      },
  )
}
