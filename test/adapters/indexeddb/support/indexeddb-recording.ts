import { replaceMethod } from './replace-method.ts'

/** The connections and write transactions of a page since the recording started. */
export interface IndexedDBRecording {
  /** All connections, closed ones included. */
  readonly connections: readonly IDBDatabase[]
  /** How many connections were opened and not closed. */
  openCount(): number
  /** The durability of each transaction that writes, in order. */
  readonly writeDurabilities: readonly string[]
  /** How many transactions that write were committed by a call of `commit()`. */
  commitCount(): number
}

/** Starts to record, by wrapping methods of the page's IndexedDB. */
export function recordIndexedDB(): IndexedDBRecording {
  const connections: IDBDatabase[] = []
  const closed = new Set<IDBDatabase>()
  const writeDurabilities: string[] = []
  const committed = new Set<IDBTransaction>()
  replaceMethod(
    IDBFactory.prototype,
    'open',
    (open) =>
      function (this: IDBFactory, ...parameters) {
        const request = open.apply(this, parameters)
        request.addEventListener('success', () => connections.push(request.result))
        return request
      },
  )
  replaceMethod(
    IDBDatabase.prototype,
    'close',
    (close) =>
      function (this: IDBDatabase) {
        closed.add(this)
        close.call(this)
      },
  )
  replaceMethod(
    IDBDatabase.prototype,
    'transaction',
    (transaction) =>
      function (this: IDBDatabase, ...parameters) {
        const begun = transaction.apply(this, parameters)
        if (begun.mode === 'readwrite') writeDurabilities.push(begun.durability)
        return begun
      },
  )
  replaceMethod(
    IDBTransaction.prototype,
    'commit',
    (commit) =>
      function (this: IDBTransaction) {
        if (this.mode === 'readwrite') committed.add(this)
        commit.call(this)
      },
  )
  return {
    connections,
    openCount: () => connections.filter((connection) => !closed.has(connection)).length,
    writeDurabilities,
    commitCount: () => committed.size,
  }
}
