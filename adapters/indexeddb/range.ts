/** The keys that begin with a prefix; those after one of them, if it is given. */
export function rangeOf(prefix: string, after?: string): IDBKeyRange {
  const from = after ?? prefix
  const isOpen = after !== undefined
  const end = successor(prefix)
  return end === undefined
    ? IDBKeyRange.lowerBound(from, isOpen)
    : IDBKeyRange.bound(from, end, isOpen, true)
}

// The least string above all that begin with the prefix. Strings are compared by code unit.
function successor(prefix: string): string | undefined {
  const kept = prefix.replace(/\uffff+$/, '')
  if (kept === '') return undefined
  return kept.slice(0, -1) + String.fromCharCode(kept.charCodeAt(kept.length - 1) + 1)
}
