/** The keys that begin with a prefix; `undefined` for all of them. */
export function startingWith(prefix: string): IDBKeyRange | undefined {
  if (prefix === '') return undefined
  const end = successor(prefix)
  return end === undefined
    ? IDBKeyRange.lowerBound(prefix)
    : IDBKeyRange.bound(prefix, end, false, true)
}

/** The keys after `key` that begin with a prefix. */
export function startingAfter(key: string, prefix: string): IDBKeyRange {
  const end = successor(prefix)
  return end === undefined
    ? IDBKeyRange.lowerBound(key, true)
    : IDBKeyRange.bound(key, end, true, true)
}

// The least string above all that begin with the prefix. Strings are compared by code unit.
function successor(prefix: string): string | undefined {
  const kept = prefix.replace(/\uffff+$/, '')
  if (kept === '') return undefined
  return kept.slice(0, -1) + String.fromCharCode(kept.charCodeAt(kept.length - 1) + 1)
}
