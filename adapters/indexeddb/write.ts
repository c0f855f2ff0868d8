import type { Change, Entry, Outcome, StoreChange } from '../../src/storage.ts'
import type { Work } from './connection.ts'
import { readRecords, writeRecord } from './record.ts'

export type Groups = readonly (readonly Change[])[]
export type Apply = (now: Map<string, Entry>) => Groups

/** What a transaction writes, and what that makes of each group. */
export interface Sent {
  readonly changes: readonly StoreChange[]
  readonly outcomes: readonly Outcome[]
  /** Is any of it to expire? */
  readonly expires?: boolean
}

/**
 * Reads `keys`, lets `apply` decide, and writes those of its groups whose conditions hold. Each
 * group sees what those before it have written.
 *
 * @param keepsErrors whether the browser does
 */
export function writing(keys: readonly string[], apply: Apply, keepsErrors: boolean): Work<Sent> {
  return (entries, send, after) => {
    const read = (wanted: readonly string[], then: (found: Map<string, Entry>) => void): void => {
      const requests = wanted.map((key): IDBRequest<unknown> => entries.get(key))
      const results = (): unknown[] => requests.map(({ result }) => result)
      after(requests, () => then(readRecords(wanted, results())))
    }
    read(keys, (now) => {
      const groups = apply(now)
      const unread = new Set<string>()
      for (const { key, ifVersion } of groups.flat()) if (ifVersion !== undefined) unread.add(key)
      for (const key of keys) unread.delete(key)
      read([...unread], (also) => {
        const versions = new Map<string, string>()
        for (const [key, { version }] of [...now, ...also]) versions.set(key, version)
        const holds = ({ key, ifVersion }: Change): boolean =>
          ifVersion === undefined || (versions.get(key) ?? null) === ifVersion
        const changes: StoreChange[] = []
        let expires = false
        const write = (change: Change): void => {
          const { key } = change
          if ('entry' in change) {
            const { entry } = change
            entries.put(writeRecord(entry, keepsErrors), key)
            versions.set(key, entry.version)
            expires ||= entry.expires !== undefined
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
        send({ changes, outcomes, expires })
      })
    })
  }
}
