/**
 * Counts the transactions that this page begins from now on. The returned function returns the
 * count since its last call.
 */
export function countTransactions(): () => number {
  const prototype = IDBDatabase.prototype
  const transaction = Reflect.get(prototype, 'transaction')
  let count = 0
  // The patch stays in place, because Dexie keeps a reference to the method. It takes nanoseconds.
  prototype.transaction = function countedTransaction(this: IDBDatabase, ...args) {
    count++
    return Reflect.apply(transaction, this, args)
  }
  return () => {
    const counted = count
    count = 0
    return counted
  }
}
