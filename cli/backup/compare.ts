import { type BackupEntry, byName, isSameStoredValue } from '../../src/backup/entry.ts'
import type { RestoreCounts, RestoreMode } from '../../src/backup/plan.ts'
import { isLive } from '../../src/index.ts'
import { formatName } from '../text.ts'
import { formatNumber } from './progress.ts'

/** What differs between two storages. */
export interface Comparison extends RestoreCounts {
  /** The counts of every namespace, in order. */
  readonly namespaces: ReadonlyMap<string, RestoreCounts>
}

/** What a restore would do with one entry. */
export type DifferenceKind = 'added' | 'changed' | 'removed'

/** What {@link compare} compares. */
export interface CompareOptions {
  /** The entries to restore, sorted by namespace and key. */
  readonly wanted: AsyncIterable<BackupEntry>
  /** The stored entries, in the same order. */
  readonly current: AsyncIterable<BackupEntry>
  /** `merge` keeps stored entries that are not wanted. */
  readonly mode: RestoreMode
  /** Called for each entry that a restore would change. */
  readonly onDifference?: (kind: DifferenceKind, entry: BackupEntry) => Promise<void>
}

/** Compares two sorted streams of entries; one entry of each is in memory. */
export async function compare({
  wanted,
  current,
  mode,
  onDifference = async () => {},
}: CompareOptions): Promise<Comparison> {
  const namespaces = new Map<string, Record<keyof RestoreCounts, number>>()
  const count = async (kind: keyof RestoreCounts, entry: BackupEntry): Promise<void> => {
    const { namespace } = entry
    const counts = namespaces.get(namespace) ?? { added: 0, changed: 0, same: 0, removed: 0 }
    namespaces.set(namespace, counts)
    counts[kind]++
    if (kind !== 'same') await onDifference(kind, entry)
  }
  for await (const [entry, before] of pairs(live(wanted), current)) {
    if (entry === undefined) {
      if (before !== undefined && mode === 'replace') await count('removed', before)
    } else if (before === undefined) await count('added', entry)
    else await count(isSameStoredValue(entry, before) ? 'same' : 'changed', entry)
  }
  const total = { added: 0, changed: 0, same: 0, removed: 0 }
  for (const counts of namespaces.values()) {
    for (const kind of ['added', 'changed', 'same', 'removed'] as const) total[kind] += counts[kind]
  }
  return { ...total, namespaces }
}

/** Formats a comparison as lines for people. */
export function* formatComparison({ namespaces, ...total }: Comparison): Generator<string> {
  for (const [namespace, counts] of namespaces) {
    yield `${formatName(namespace)}: ${formatCounts(counts)}`
  }
  yield `Total: ${formatCounts(total)}`
}

function formatCounts({ added, changed, same, removed }: RestoreCounts): string {
  return `${formatNumber(added)} new, ${formatNumber(changed)} changed, ${formatNumber(removed)} removed, ${formatNumber(same)} as before`
}

/** A restore does not write entries that have expired. */
async function* live(
  entries: AsyncIterable<BackupEntry>,
): AsyncGenerator<BackupEntry, void, undefined> {
  for await (const entry of entries) if (isLive(entry, Date.now())) yield entry
}

type Pair = readonly [wanted: BackupEntry | undefined, current: BackupEntry | undefined]

/** Pairs the entries of the same name of two sorted streams. */
async function* pairs(
  wanted: AsyncIterable<BackupEntry>,
  current: AsyncIterable<BackupEntry>,
): AsyncGenerator<Pair, void, undefined> {
  const [one, other] = [wanted[Symbol.asyncIterator](), current[Symbol.asyncIterator]()]
  try {
    let [a, b] = [await next(one), await next(other)]
    while (a !== undefined || b !== undefined) {
      const order = a === undefined ? 1 : b === undefined ? -1 : byName(a, b)
      yield [order <= 0 ? a : undefined, order >= 0 ? b : undefined]
      if (order <= 0) a = await next(one)
      if (order >= 0) b = await next(other)
    }
  } finally {
    await Promise.all([one.return?.(), other.return?.()])
  }
}

async function next(entries: AsyncIterator<BackupEntry>): Promise<BackupEntry | undefined> {
  const { done, value } = await entries.next()
  return done ? undefined : value
}
