import { type Entry, isLive } from '../../src/entry.ts'
import type { Change, CommitResult, StorageChange } from '../../src/storage.ts'
import { prefixRange } from './key-range.ts'
import { requestKeys } from './page-body.ts'
import { decodeEntries, encodeEntry } from './record.ts'
import type { TransactionBody } from './transaction.ts'

/** The most removed keys that `createClearBody` names. Above it, any key may have changed. */
const MAX_NAMED_REMOVALS = 1000

/** Groups of changes: each is applied whole or not at all. */
export type ChangeGroups = readonly (readonly Change[])[]
/** Decides what to write, from the entries that were read. */
export type DecideChanges = (found: Map<string, Entry>) => ChangeGroups

/** What a transaction wrote. */
export interface WriteResult {
  readonly changes: readonly StorageChange[]
  /** One for each group. */
  readonly outcomes: readonly CommitResult[]
  /** Whether an entry that expires was written. */
  readonly hasExpiringEntry?: boolean
}

interface WriteBodyOptions {
  /** What has expired at this time counts as missing; in milliseconds since 1970. */
  readonly now: number
  /** Whether the browser stores errors unchanged: see `canCloneErrors()`. */
  readonly canCloneErrors: boolean
}

/**
 * Returns the transaction body that reads `keys`, calls `decide` with what it found, and writes the
 * groups that `decide` returns, except those with a condition that is not met.
 *
 * A group that is not written leaves the others as they are. If groups share a key, a later one is
 * checked against what the earlier ones have written.
 */
export function createWriteBody(
  keys: readonly string[],
  decide: DecideChanges,
  { now, canCloneErrors }: WriteBodyOptions,
): TransactionBody<WriteResult> {
  return (entries, finish, onSuccess) => {
    const read = (
      keysToRead: readonly string[],
      callback: (found: Map<string, Entry>) => void,
    ): void => {
      const requests = keysToRead.map((key): IDBRequest<unknown> => entries.get(key))
      const decode = (): void =>
        callback(
          decodeEntries(
            keysToRead,
            requests.map(({ result }) => result),
          ),
        )
      onSuccess(requests, decode, keysToRead)
    }
    read(keys, (stored) => {
      const groups = decide(stored)
      const isMet = ({ key, ifVersion }: Change): boolean => {
        if (ifVersion === undefined) return true
        const entry = stored.get(key)
        return (entry !== undefined && isLive(entry, now) ? entry.version : null) === ifVersion
      }
      // The keys of conditions that were not read yet.
      const conditionKeys = new Set<string>()
      for (const group of groups) {
        for (const { key, ifVersion } of group) {
          if (ifVersion !== undefined) conditionKeys.add(key)
        }
      }
      for (const key of keys) conditionKeys.delete(key)
      read([...conditionKeys], (foundForConditions) => {
        for (const [key, entry] of foundForConditions) stored.set(key, entry)
        const changes: StorageChange[] = []
        let hasExpiringEntry = false
        const write = (change: Change): void => {
          const { key } = change
          if ('entry' in change) {
            const { entry } = change
            entries.put(encodeEntry(entry, canCloneErrors), key)
            stored.set(key, entry)
            hasExpiringEntry ||= entry.expires !== undefined
            changes.push({ kind: 'set', key })
          } else if ('remove' in change) {
            entries.delete(key)
            stored.delete(key)
            changes.push({ kind: 'remove', key })
          }
        }
        const outcomes = groups.map((group): CommitResult => {
          if (!group.every(isMet)) return 'conflict'
          for (const change of group) write(change)
          return 'applied'
        })
        finish({ changes, outcomes, hasExpiringEntry })
      })
    })
  }
}

/** Returns the transaction body that deletes the entries whose keys begin with `prefix`. */
export function createClearBody(prefix: string): TransactionBody<WriteResult> {
  return (entries, finish, onSuccess) => {
    const range = prefixRange(prefix)
    const request = requestKeys(entries, range, MAX_NAMED_REMOVALS + 1)
    onSuccess([request], () => {
      const keys = request.result
      // Not earlier: the browser commits a transaction that sends nothing more.
      entries.delete(range)
      const changes: readonly StorageChange[] =
        keys.length > MAX_NAMED_REMOVALS
          ? [{ kind: 'unknown' }]
          : keys.map((key) => ({ kind: 'remove', key }))
      finish({ changes, outcomes: [] })
    })
  }
}
