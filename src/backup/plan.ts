import { isLive } from '../index.ts'
import { byCodeUnit } from './by-code-unit.ts'
import { isSameText, type BackupChange, type StoredText } from './entry.ts'
import type { Contents } from './target.ts'
import { TRANSIENT } from './transient.ts'

/** `merge` leaves alone what the backup does not name; `replace` removes it, in every namespace. */
export type RestoreMode = 'merge' | 'replace'

/** How many entries a restore touches, and how. */
export interface RestoreCounts {
  readonly added: number
  readonly changed: number
  /** In both, with the same value and the same expiry: nothing is done. */
  readonly same: number
  readonly removed: number
}

/** What a restore will do, before it does anything. */
export interface RestorePlan extends RestoreCounts {
  /** The same by namespace, sorted: every namespace of the backup and of the place. */
  readonly namespaces: ReadonlyMap<string, RestoreCounts>
  /** In each namespace, what is set and then what is removed, so that nothing goes before the new is there. */
  readonly changes: readonly BackupChange[]
}

/**
 * Holds a backup against what is there now, entry by entry. What has expired is in it no more, and
 * what is {@link TRANSIENT} is left alone.
 *
 * @param at the time, in milliseconds since 1970
 */
export function planRestore(
  backup: Contents,
  current: Contents,
  mode: RestoreMode,
  at: number = Date.now(),
): RestorePlan {
  const changes: BackupChange[] = []
  const namespaces = new Map<string, RestoreCounts>()
  const total = { added: 0, changed: 0, same: 0, removed: 0 }
  const names = [...new Set([...backup.keys(), ...current.keys()])]
  for (const namespace of names.toSorted(byCodeUnit)) {
    if (TRANSIENT.has(namespace)) continue
    const next = live(backup.get(namespace), at)
    const now = current.get(namespace) ?? new Map<string, StoredText>()
    const counts = { added: 0, changed: 0, same: 0, removed: 0 }
    for (const [key, stored] of next) {
      const there = now.get(key)
      if (isSameText(there, stored)) {
        counts.same++
        continue
      }
      counts[there === undefined ? 'added' : 'changed']++
      changes.push({ namespace, key, ...stored })
    }
    for (const key of mode === 'replace' ? now.keys() : []) {
      if (next.has(key)) continue
      counts.removed++
      changes.push({ namespace, key, remove: true })
    }
    namespaces.set(namespace, counts)
    for (const kind of ['added', 'changed', 'same', 'removed'] as const) total[kind] += counts[kind]
  }
  return { ...total, namespaces, changes }
}

function live(
  entries: ReadonlyMap<string, StoredText> | undefined,
  at: number,
): ReadonlyMap<string, StoredText> {
  return new Map([...(entries ?? [])].filter(([, stored]) => isLive(stored, at)))
}
