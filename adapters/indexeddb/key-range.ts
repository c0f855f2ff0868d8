/** Selects keys, as `KeysOptions` does. */
export interface KeyRangeOptions {
  readonly prefix: string
  readonly after?: string | undefined
  readonly reverse: boolean
}

/**
 * Returns the range of the keys with this prefix that come after `after`, or before it in the order
 * of the keys if `reverse` is true; `undefined` if it is empty.
 */
export function toKeyRange({ prefix, after, reverse }: KeyRangeOptions): IDBKeyRange | undefined {
  const end = prefixEnd(prefix)
  if (after === undefined) return createRange(prefix, false, end)
  if (reverse) {
    if (after <= prefix) return undefined
    return createRange(prefix, false, end === undefined || after < end ? after : end)
  }
  if (after < prefix) return createRange(prefix, false, end)
  return end === undefined || after < end ? createRange(after, true, end) : undefined
}

/** Returns the range of the keys with this prefix. */
export function prefixRange(prefix: string): IDBKeyRange {
  return createRange(prefix, false, prefixEnd(prefix))
}

function createRange(from: string, isFromOpen: boolean, end: string | undefined): IDBKeyRange {
  return end === undefined
    ? IDBKeyRange.lowerBound(from, isFromOpen)
    : IDBKeyRange.bound(from, end, isFromOpen, true)
}

/**
 * Returns the smallest string greater than every string with this prefix; `undefined` if there is
 * none. IndexedDB compares strings by UTF-16 code unit, like `<`.
 */
function prefixEnd(prefix: string): string | undefined {
  // The last code unit is incremented, which is impossible for U+FFFF, the greatest one.
  const trimmed = prefix.replace(/\uffff+$/, '')
  if (trimmed === '') return undefined
  return trimmed.slice(0, -1) + String.fromCharCode(trimmed.charCodeAt(trimmed.length - 1) + 1)
}
