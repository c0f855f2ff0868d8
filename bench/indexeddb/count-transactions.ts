/** Counts the transactions that anyone in this page begins from now on; each call takes what was counted. */
export function countTransactions(): () => number {
  const prototype = IDBDatabase.prototype
  const transaction = Reflect.get(prototype, 'transaction')
  let count = 0
  // It stays: a call takes nanoseconds more, and Dexie keeps the method that it finds at first.
  prototype.transaction = function counted(this: IDBDatabase, ...given) {
    count++
    return Reflect.apply(transaction, this, given)
  }
  return () => {
    const taken = count
    count = 0
    return taken
  }
}
