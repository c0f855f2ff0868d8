import { createEntry as createStorageEntry, type Entry } from '../entry.ts'
import type { Change } from '../storage.ts'

/** Creates an entry, with a version of its own unless one is given. */
export function createEntry(
  value: unknown,
  version: string = `v${Math.random()}`,
  expires?: number,
): Entry {
  return createStorageEntry(value, version, expires)
}

/** Creates a change that writes an entry. */
export function setChange(key: string, entry: Entry, ifVersion?: string | null): Change {
  const change = { key, entry, bytes: 100 }
  return ifVersion === undefined ? change : { ...change, ifVersion }
}

/** Creates a change that removes a key. */
export function removeChange(key: string, ifVersion?: string | null): Change {
  return ifVersion === undefined ? { key, remove: true } : { key, remove: true, ifVersion }
}

/** Creates a change that writes nothing and holds back its group if the condition is false. */
export function checkChange(key: string, ifVersion: string | null): Change {
  return { key, check: true, ifVersion }
}

/** Returns the results of `count` calls. */
export function repeat<T>(count: number, call: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => call(index))
}

/** An updater that adds one; a missing value counts as zero. */
export function increment(n: unknown): number {
  return ((n ?? 0) as number) + 1
}
