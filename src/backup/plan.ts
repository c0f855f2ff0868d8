import { checkOptions, type OptionTypes } from '../arguments.ts'
import { isLive } from '../index.ts'
import { isSameStoredValue, type BackupChange, type StoredValue } from './entry.ts'
import { byCodeUnit } from '../key.ts'
import { type Contents, EXCLUDE_OPTIONS, type ExcludeOptions } from './target.ts'

/**
 * What a restore does with entries that the backup does not have: `merge` keeps them, `replace` removes
 * them, in every namespace. In both modes an entry of the backup replaces the stored entry as a whole:
 * values are never merged, unlike with `mergeValues` and the admin API's `PATCH`.
 */
export type RestoreMode = 'merge' | 'replace'

/** How many entries a restore changes, by kind. */
export interface RestoreCounts {
  readonly added: number
  readonly changed: number
  /** Entries with the same value, expiry and version in both; they are not written. */
  readonly same: number
  readonly removed: number
}

/** The changes that a restore would make. */
export interface RestorePlan extends RestoreCounts {
  /** The counts of every namespace of the backup and of the target, sorted by name. */
  readonly namespaces: ReadonlyMap<string, RestoreCounts>
  /** The changes by namespace: first what is set, then what is removed. */
  readonly changes: readonly BackupChange[]
}

/** Options of {@link planRestore}. */
export interface PlanOptions extends ExcludeOptions {
  /** The time that decides what has expired, in milliseconds since 1970. Default now. */
  readonly now?: number | undefined
}

const OPTIONS: OptionTypes = {
  ...EXCLUDE_OPTIONS,
  now: ['a time in milliseconds since 1970', (now) => typeof now === 'number'],
}

/**
 * Compares a backup with the contents of a target and returns the changes that bring the target to the
 * state of the backup. It applies none of them. Entries of the backup that have expired count as absent.
 *
 * @throws StoreError `INVALID_VALUE` for invalid options
 *
 * @example
 * const plan = planRestore(backup.contents, await readAll(target), 'merge')
 * console.log(`${plan.added} new, ${plan.changed} changed, ${plan.removed} removed`)
 * await target.apply(plan.changes)
 */
export function planRestore(
  backup: Contents,
  current: Contents,
  mode: RestoreMode,
  options?: PlanOptions,
): RestorePlan {
  const { excludedNamespaces = [], now = Date.now() } = checkOptions(options, OPTIONS)
  const changes: BackupChange[] = []
  const namespaces = new Map<string, RestoreCounts>()
  const total = { added: 0, changed: 0, same: 0, removed: 0 }
  const names = [...new Set([...backup.keys(), ...current.keys()])]
  for (const namespace of names.toSorted(byCodeUnit)) {
    if (excludedNamespaces.includes(namespace)) continue
    const wanted = liveEntries(backup.get(namespace), now)
    const existing = current.get(namespace) ?? new Map<string, StoredValue>()
    const counts = { added: 0, changed: 0, same: 0, removed: 0 }
    for (const [key, stored] of wanted) {
      const before = existing.get(key)
      if (isSameStoredValue(before, stored)) {
        counts.same++
        continue
      }
      counts[before === undefined ? 'added' : 'changed']++
      changes.push({ namespace, key, ...stored })
    }
    for (const key of mode === 'replace' ? existing.keys() : []) {
      if (wanted.has(key)) continue
      counts.removed++
      changes.push({ namespace, key, remove: true })
    }
    namespaces.set(namespace, counts)
    for (const kind of ['added', 'changed', 'same', 'removed'] as const) total[kind] += counts[kind]
  }
  return { ...total, namespaces, changes }
}

function liveEntries(
  entries: ReadonlyMap<string, StoredValue> | undefined,
  now: number,
): ReadonlyMap<string, StoredValue> {
  return new Map([...(entries ?? [])].filter(([, stored]) => isLive(stored, now)))
}
