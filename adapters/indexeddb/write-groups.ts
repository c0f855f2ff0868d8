import type { Change, Entry, Outcome, StoreChange } from '../../src/storage.ts'
import { decodeEntries, encodeEntry } from './record.ts'
import type { TransactionBody } from './transaction.ts'

/** Groups of changes: each is applied whole or not at all. */
export type ChangeGroups = readonly (readonly Change[])[]
/** Decides what to write, from the entries that were read. */
export type Apply = (found: Map<string, Entry>) => ChangeGroups

/** What a transaction wrote. */
export interface WriteResult {
  readonly changes: readonly StoreChange[]
  /** One for each group. */
  readonly outcomes: readonly Outcome[]
  /** Whether an entry was written that expires. */
  readonly hasExpiry?: boolean
}

/**
 * Reads `keys`, calls `apply` with what was found, and writes the groups that it returns, except
 * those with a condition that does not hold. A group sees what the groups before it have written.
 *
 * @param canStoreErrors whether the browser stores errors unchanged: see `canCloneErrors`
 */
export function writeGroups(
  keys: readonly string[],
  apply: Apply,
  canStoreErrors: boolean,
): TransactionBody<WriteResult> {
  return (entries, finish, onSuccess) => {
    const read = (
      wanted: readonly string[],
      callback: (found: Map<string, Entry>) => void,
    ): void => {
      const requests = wanted.map((key): IDBRequest<unknown> => entries.get(key))
      onSuccess(requests, () => {
        const records = requests.map(({ result }) => result)
        callback(decodeEntries(wanted, records))
      })
    }
    read(keys, (found) => {
      const groups = apply(found)
      // Conditions may name keys that were not read yet.
      const unread = new Set<string>()
      for (const { key, ifVersion } of groups.flat()) if (ifVersion !== undefined) unread.add(key)
      for (const key of keys) unread.delete(key)
      read([...unread], (foundLater) => {
        const versions = new Map<string, string>()
        for (const [key, { version }] of [...found, ...foundLater]) versions.set(key, version)
        const holds = ({ key, ifVersion }: Change): boolean =>
          ifVersion === undefined || (versions.get(key) ?? null) === ifVersion
        const changes: StoreChange[] = []
        let hasExpiry = false
        const write = (change: Change): void => {
          const { key } = change
          if ('entry' in change) {
            const { entry } = change
            entries.put(encodeEntry(entry, canStoreErrors), key)
            versions.set(key, entry.version)
            hasExpiry ||= entry.expires !== undefined
          } else {
            entries.delete(key)
            versions.delete(key)
          }
          changes.push({ kind: 'entry' in change ? 'set' : 'remove', key })
        }
        const outcomes = groups.map((group): Outcome => {
          if (!group.every(holds)) return 'conflict'
          for (const change of group) write(change)
          return 'applied'
        })
        finish({ changes, outcomes, hasExpiry })
      })
    })
  }
}
