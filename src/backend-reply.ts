// Checks what a backend returned: a fault of an adapter must not pass for a missing key.

import type { Entry } from './entry.ts'
import { quote, StoreError } from './errors.ts'

/** @throws StoreError `CORRUPT` unless a backend's entry of a key is one */
export function checkEntry(key: string, entry: unknown): Entry {
  const { version, expires } = (entry ?? {}) as Partial<Entry>
  const hasExpiry = expires === undefined || typeof expires === 'number'
  if (typeof version === 'string' && hasExpiry) return entry as Entry
  throw new StoreError(
    'CORRUPT',
    `The backend returned ${quote(entry)}; it must be { value, version: string, expires?: number }. Delete the key, or restore a backup.`,
    { key },
  )
}

/** @throws StoreError `CORRUPT` for a wrong entry, `BACKEND_ERROR` unless it is a `Map` */
export function checkEntries<M extends ReadonlyMap<string, Entry>>(found: M): M {
  if (typeof found?.get !== 'function') throw wrongReply('a Map of entries', found)
  for (const [key, entry] of found) checkEntry(key, entry)
  return found
}

/** @throws StoreError `BACKEND_ERROR` unless a backend's count of entries is one */
export function checkCount(count: number): number {
  if (Number.isSafeInteger(count) && count >= 0) return count
  throw wrongReply('a count', count)
}

/** @throws StoreError `BACKEND_ERROR` unless a name that a backend lists is a string */
export function checkName(name: string): string {
  if (typeof name === 'string') return name
  throw wrongReply('a string', name)
}

/** Creates the error for a reply of a wrong type. */
export function wrongReply(expected: string, received: unknown): StoreError {
  return new StoreError(
    'BACKEND_ERROR',
    `The backend returned ${quote(received)}; it must be ${expected}. Correct the adapter.`,
    { outcome: 'not-applied' },
  )
}
