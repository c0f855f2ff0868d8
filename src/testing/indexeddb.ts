// Faults of the page's own IndexedDB. They replace methods of its prototypes, so they work in every
// browser, and with fake-indexeddb in Node.

import {
  BOOLEAN,
  checkOptions,
  checkRequiredOptions,
  type OptionTypes,
  POSITIVE_INTEGER,
  STRING,
} from '../arguments.ts'
import { quote, StoreError } from '../errors.ts'
import {
  abortWith,
  type Database,
  exceedQuota,
  FaultState,
  indexedDBGlobals,
  type IndexedDBFault,
  type IndexedDBFaultOptions,
  listen,
  selectTransactions,
  onCommit,
  sendProbe,
  type Transaction,
} from './indexeddb-fault.ts'

export type { IndexedDBFault, IndexedDBFaultOptions } from './indexeddb-fault.ts'

/** Options of {@link closedIndexedDB}. */
export interface ClosedIndexedDBOptions extends IndexedDBFaultOptions {
  /**
   * When the fault begins: when the transaction begins, or when its commit was requested by a call of
   * `commit()`, as botshelf does for writes. Then what it writes is stored. Default: `begin`.
   */
  readonly at?: 'begin' | 'commit' | undefined
}

/** Options of {@link deafIndexedDB}. */
export interface DeafIndexedDBOptions extends ClosedIndexedDBOptions {
  /**
   * Whether the transaction also stays open, so that later ones wait for it, until it is aborted or
   * its commit is requested. Default: false, and it completes without an event.
   */
  readonly hold?: boolean | undefined
}

/** Options of {@link blockedIndexedDB}. */
export interface BlockedIndexedDBOptions {
  /** The name of the database. botshelf has one for each namespace, `botshelf/<namespace>`. */
  readonly database: string
}

const OPTIONS: OptionTypes = {
  nth: POSITIVE_INTEGER,
  count: [
    'a positive integer or Infinity',
    (option) => option === Number.POSITIVE_INFINITY || POSITIVE_INTEGER[1](option),
  ],
  database: STRING,
  store: STRING,
  mode: ['"readonly" or "readwrite"', (option) => option === 'readonly' || option === 'readwrite'],
}

const CLOSED_OPTIONS: OptionTypes = {
  ...OPTIONS,
  at: ['"begin" or "commit"', (option) => option === 'begin' || option === 'commit'],
}

/**
 * Makes transactions deaf: no event of them or of their requests arrives, as when the process of the
 * browser that serves IndexedDB hangs, or as was seen in Safari on iOS. Without a time limit, what
 * waits for one never settles. botshelf rejects it with `TIMEOUT` and opens a new connection.
 *
 * @throws StoreError `INVALID_VALUE` if an option is not valid; `UNAVAILABLE` if there is no IndexedDB
 * @example
 * using fault = deafIndexedDB({ store: 'entries', mode: 'readwrite' })
 * await assert.rejects(karma.set('ann', 1), { code: 'TIMEOUT', outcome: 'unknown' })
 */
export function deafIndexedDB(options?: DeafIndexedDBOptions): IndexedDBFault {
  const checked = checkOptions<DeafIndexedDBOptions>(options, { ...CLOSED_OPTIONS, hold: BOOLEAN })
  const { IDBDatabase } = indexedDBGlobals()
  const fault = new FaultState()
  const select = selectTransactions(fault, checked, (transaction) => {
    let isDeaf = checked.at !== 'commit'
    if (!isDeaf) onCommit(transaction, () => (isDeaf = true))
    let probe = checked.hold ? sendProbe(transaction) : undefined
    listen(transaction, (event) => {
      if (isDeaf) event.stopImmediatePropagation()
      const isHeld = event.type === 'success' && event.target === probe && !fault.isRestored
      if (isHeld) probe = sendProbe(transaction)
    })
  })
  fault.afterEach(IDBDatabase.prototype, 'transaction', (_, begun) => select(begun as Transaction))
  return fault
}

/**
 * Makes writes exceed the quota: a transaction with a `put` or an `add` aborts with
 * `QuotaExceededError` once its requests have succeeded, as in Chromium. Only transactions that put
 * something are counted, so reads and deletions work.
 *
 * @throws StoreError `INVALID_VALUE` if an option is not valid; `UNAVAILABLE` if there is no IndexedDB
 * @example
 * using fault = fullIndexedDB({ count: Infinity })
 * await assert.rejects(karma.set('ann', 1), { code: 'QUOTA_EXCEEDED' })
 */
export function fullIndexedDB(options?: IndexedDBFaultOptions): IndexedDBFault {
  const checked = checkOptions<IndexedDBFaultOptions>(options, OPTIONS)
  const { IDBObjectStore } = indexedDBGlobals()
  const fault = new FaultState()
  const select = selectTransactions(fault, checked, exceedQuota)
  const seen = new WeakSet<Transaction>()
  const onPut = (store: unknown): void => {
    const { transaction } = store as { readonly transaction: Transaction }
    if (!seen.has(transaction)) select(transaction)
    seen.add(transaction)
  }
  fault.afterEach(IDBObjectStore.prototype, 'put', onPut)
  fault.afterEach(IDBObjectStore.prototype, 'add', onPut)
  return fault
}

/**
 * Closes the connection of a transaction, as the browser does when the user clears the site's data or
 * when its storage process ends; the data stays. The transactions that run on the connection abort
 * with `UnknownError`. If their commit was requested already, they complete without an event, so that
 * their outcome is unknown. Then the connection gets a `close` event, and can begin no other.
 *
 * @throws StoreError `INVALID_VALUE` if an option is not valid; `UNAVAILABLE` if there is no IndexedDB
 * @example
 * using fault = closedIndexedDB({ nth: 3, store: 'entries' })
 * await karma.increment('ann') // opens a new connection when it needs one
 */
export function closedIndexedDB(options?: ClosedIndexedDBOptions): IndexedDBFault {
  const checked = checkOptions<ClosedIndexedDBOptions>(options, CLOSED_OPTIONS)
  const { IDBDatabase, IDBVersionChangeEvent } = indexedDBGlobals()
  const fault = new FaultState()
  const running = new Set<Transaction>()
  const deaf = new WeakSet<Transaction>()
  const closeConnection = async (db: Database): Promise<void> => {
    const aborts: Promise<unknown>[] = []
    for (const transaction of running) {
      if (transaction.db !== db) continue
      if (abortWith(transaction, 'UnknownError', 'Connection is closing.'))
        aborts.push(new Promise((resolve) => transaction.addEventListener('abort', resolve, true)))
      else deaf.add(transaction)
    }
    db.close()
    await Promise.all(aborts)
    db.dispatchEvent(new IDBVersionChangeEvent('close'))
  }
  const select = selectTransactions(fault, checked, (transaction) => {
    if (checked.at === 'commit')
      return onCommit(transaction, () => void closeConnection(transaction.db))
    const probe = sendProbe(transaction)
    listen(transaction, (event) => {
      if (event.target !== probe) return
      event.stopImmediatePropagation()
      if (event.type === 'success') void closeConnection(transaction.db)
    })
  })
  fault.afterEach(IDBDatabase.prototype, 'transaction', (_, begun) => {
    const transaction = begun as Transaction
    running.add(transaction)
    listen(transaction, (event) => {
      if (event.target === transaction) running.delete(transaction)
      if (deaf.has(transaction)) event.stopImmediatePropagation()
    })
    select(transaction)
  })
  return fault
}

/**
 * Blocks a database: opens another connection to it, which does not close when the database is to be
 * deleted or upgraded, like that of an old tab. `callCount` counts the requests to close it; `restore`
 * closes it.
 *
 * @throws StoreError `INVALID_VALUE` if an option is not valid; `UNAVAILABLE` if there is no
 * IndexedDB, or no such database
 * @example
 * using fault = await blockedIndexedDB({ database: 'botshelf/Karma' })
 * await assert.rejects(runtime.drop('Karma'), { code: 'BLOCKED' })
 */
export async function blockedIndexedDB(options: BlockedIndexedDBOptions): Promise<IndexedDBFault> {
  const { database } = checkRequiredOptions(options, { database: STRING }, ['database'])
  const request = indexedDBGlobals().indexedDB.open(database)
  await new Promise<void>((resolve, reject) => {
    request.addEventListener('success', () => resolve(), false)
    // It did not exist, and must not be created.
    request.addEventListener('upgradeneeded', () => request.transaction?.abort(), false)
    const onError = (): void => {
      const message = `There is no database ${quote(database)} to block. Open its namespace before the fault.`
      reject(new StoreError('UNAVAILABLE', message, { cause: request.error }))
    }
    request.addEventListener('error', onError, false)
  })
  const fault = new FaultState()
  const db = request.result
  db.addEventListener('versionchange', () => fault.countCall(true), false)
  fault.onRestore(() => db.close())
  return fault
}
