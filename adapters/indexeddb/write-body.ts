import type { Change, Entry, CommitResult, StoreChange } from '../../src/storage.ts'
import { decodeEntries, encodeEntry } from './record.ts'
import type { TransactionBody } from './transaction.ts'

/** Groups of changes: each is applied whole or not at all. */
export type ChangeGroups = readonly (readonly Change[])[]
/** Decides what to write, from the entries that were read. */
export type DecideChanges = (found: Map<string, Entry>) => ChangeGroups

/** What a transaction wrote. */
export interface WriteResult {
  readonly changes: readonly StoreChange[]
  /** One for each group. */
  readonly outcomes: readonly CommitResult[]
  /** Whether an entry that expires was written. */
  readonly hasExpiringEntry?: boolean
}

/**
 * Returns the transaction body that reads `keys`, calls `decide` with what it found, and writes the
 * groups that `decide` returns, except those with a condition that is not met.
 *
 * A group that is not written leaves the others as they are. If groups share a key, a later one is
 * checked against what the earlier ones have written. An expired entry that is still stored counts
 * as present, so `ifVersion: null` is not met.
 *
 * @param canCloneErrors whether the browser stores errors unchanged: see `canCloneErrors()`
 */
export function createWriteBody(
  keys: readonly string[],
  decide: DecideChanges,
  canCloneErrors: boolean,
): TransactionBody<WriteResult> {
  return (entries, finish, onSuccess) => {
    const read = (
      keysToRead: readonly string[],
      callback: (found: Map<string, Entry>) => void,
    ): void => {
      const requests = keysToRead.map((key): IDBRequest<unknown> => entries.get(key))
      onSuccess(requests, () => {
        const records = requests.map(({ result }) => result)
        callback(decodeEntries(keysToRead, records))
      })
    }
    read(keys, (found) => {
      const groups = decide(found)
      // The keys of conditions that were not read yet.
      const conditionKeys = new Set<string>()
      for (const { key, ifVersion } of groups.flat())
        if (ifVersion !== undefined) conditionKeys.add(key)
      for (const key of keys) conditionKeys.delete(key)
      read([...conditionKeys], (foundForConditions) => {
        const versions = new Map<string, string>()
        for (const [key, { version }] of [...found, ...foundForConditions])
          versions.set(key, version)
        const isMet = ({ key, ifVersion }: Change): boolean =>
          ifVersion === undefined || (versions.get(key) ?? null) === ifVersion
        const changes: StoreChange[] = []
        let hasExpiringEntry = false
        const write = (change: Change): void => {
          const { key } = change
          if ('entry' in change) {
            const { entry } = change
            entries.put(encodeEntry(entry, canCloneErrors), key)
            versions.set(key, entry.version)
            hasExpiringEntry ||= entry.expires !== undefined
            changes.push({ kind: 'set', key })
          } else {
            entries.delete(key)
            versions.delete(key)
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
