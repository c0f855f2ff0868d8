// The stamp of an entry is the version of its value, as `runtime.open` takes it: the suffix `@n` of the
// entry's version string, which is unique per write. Backends store it as a part of that string.

const STAMP = /@([1-9]\d{0,15})$/

/** Returns the stamp of an entry; 0 for none. */
export function stampOf(entry: { readonly version: string } | undefined): number {
  const version = entry?.version ?? ''
  // Faster than the expression, and most versions have no stamp.
  return version.includes('@') ? Number(STAMP.exec(version)?.[1] ?? 0) : 0
}

/** Adds a stamp to a version string; 0 adds none. */
export function addStamp(version: string, stamp: number): string {
  return stamp === 0 ? version : `${version}@${stamp}`
}

/** Returns a version string without its stamp: the part that is unique per write. */
export function withoutStamp(version: string): string {
  return version.replace(STAMP, '')
}

/**
 * Returns the version of an entry that a step stores: that of the step, with the stamp of the entry
 * that it replaces. A storage that runs steps itself calls it.
 *
 * @param version the `version` of the step
 * @param live the entry of the key, unless it has expired
 */
export function keepStamp(version: string, live: { readonly version: string } | undefined): string {
  return addStamp(version, stampOf(live))
}
