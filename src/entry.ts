/**
 * What a storage keeps under a key: a plain object. Store all three fields and return them equal.
 *
 * A storage must not change an entry that `set` or `commit` received. An entry that a read returns
 * belongs to the caller, which may change its value: `get`, `getMany`, `entries` and `transact` give
 * a new copy each time.
 */
export interface Entry {
  /** A storable value: what `Store.set` accepts. A storage does not look into it. */
  readonly value: unknown
  /** A string that is unique per write. The writer chooses it. */
  readonly version: string
  /** When the entry expires, in milliseconds since 1970; absent: never. */
  readonly expires?: number
}

/** Creates an entry; one without `expires` never expires. */
export function createEntry(value: unknown, version: string, expires?: number): Entry {
  return expires === undefined ? { value, version } : { value, version, expires }
}

/**
 * Tests whether an entry is live, which means that it has not expired. It expires at the very
 * millisecond `expires`.
 *
 * @param now in milliseconds since 1970
 */
export function isLive(entry: { readonly expires?: number | undefined }, now: number): boolean {
  return entry.expires === undefined || entry.expires > now
}

/**
 * Tests whether the condition of a change is met: none, or the version of the entry; `null` if the
 * entry is missing or has expired.
 *
 * @param entry what is stored under the key of the change
 * @param now in milliseconds since 1970
 */
export function isConditionMet(
  { ifVersion }: { readonly ifVersion?: string | null | undefined },
  entry: Omit<Entry, 'value'> | undefined,
  now: number,
): boolean {
  if (ifVersion === undefined) return true
  return ifVersion === (entry !== undefined && isLive(entry, now) ? entry.version : null)
}
