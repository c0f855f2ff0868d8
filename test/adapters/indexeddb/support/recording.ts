import { replace } from './replace.ts'

/** What a page asked of IndexedDB since the recording began. */
export interface Recording {
  readonly connections: readonly IDBDatabase[]
  /** The connections that were opened and not closed. */
  open(): number
  /** The durability of each transaction that wrote, in order. */
  readonly writes: readonly string[]
  /** How many of the transactions that wrote were committed by a call. */
  commits(): number
}

/** Records from now on, by standing between the page and its browser. */
export function record(): Recording {
  const connections: IDBDatabase[] = []
  const closed = new Set<IDBDatabase>()
  const writes: string[] = []
  const committed = new Set<IDBTransaction>()
  replace(
    IDBFactory.prototype,
    'open',
    (open) =>
      function (this: IDBFactory, ...given) {
        const request = open.apply(this, given)
        request.addEventListener('success', () => connections.push(request.result))
        return request
      },
  )
  replace(
    IDBDatabase.prototype,
    'close',
    (close) =>
      function (this: IDBDatabase) {
        closed.add(this)
        close.call(this)
      },
  )
  replace(
    IDBDatabase.prototype,
    'transaction',
    (transaction) =>
      function (this: IDBDatabase, ...given) {
        const begun = transaction.apply(this, given)
        if (begun.mode === 'readwrite') writes.push(begun.durability)
        return begun
      },
  )
  replace(
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
    open: () => connections.filter((connection) => !closed.has(connection)).length,
    writes,
    commits: () => committed.size,
  }
}
