import { StoreError } from '../../src/errors.ts'
import type { Change, StepChange } from '../../src/storage.ts'
import type { EntryTuple } from './tuples.ts'

/** The most that one message may carry. The platform's own limit is 32 MiB (workerd 1.20261102). */
export const MAX_MESSAGE_BYTES: number = 24 * 1024 * 1024
/**
 * The size at which a reply ends, and the most that the results of one group may take. The last item
 * of a reply may exceed it, so twice this must be below the platform's limit.
 */
export const MAX_REPLY_BYTES: number = 12 * 1024 * 1024

/** Splits a list so that each part fits into a message; an item that is too large has its own. */
export function splitIntoMessages<T>(
  items: readonly T[],
  bytesOfItem: (item: T) => number,
): (readonly T[])[] {
  const messages: T[][] = []
  let total = Infinity
  for (const item of items) {
    const bytes = bytesOfItem(item)
    total += bytes
    if (total <= MAX_MESSAGE_BYTES) messages.at(-1)?.push(item)
    else {
      messages.push([item])
      total = bytes
    }
  }
  return messages
}

/** Returns the approximate size of a key in a message. */
export function keyBytes(key: string): number {
  return 16 + 2 * key.length
}

/** Returns the approximate size of a key in a reply, and of its entry if that is sent too. */
export function entryBytes(key: string, entry: EntryTuple | undefined): number {
  return 128 + 2 * key.length + (entry?.[2] ?? 0)
}

/** Returns the approximate size of changes in a message. */
export function groupBytes(changes: readonly (Change | StepChange)[]): number {
  let bytes = 0
  for (const change of changes) {
    bytes += 256 + 2 * change.key.length + ('bytes' in change ? change.bytes : 0)
  }
  return bytes
}

/** Throws `TOO_LARGE` if one message cannot carry this. Only a group of its own can be too large. */
export function checkMessageBytes(bytes: number): void {
  if (bytes <= MAX_MESSAGE_BYTES) return
  throw new StoreError(
    'TOO_LARGE',
    `The changes take ${bytes} bytes together; one message to an object carries at most ${MAX_MESSAGE_BYTES}. Write fewer at once.`,
  )
}
