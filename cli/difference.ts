import { type BackupChange, type EntryName, type StoredValue } from '../src/backup/entry.ts'
import { type CommandIo, printJson, printLines } from './io.ts'
import { formatCount, formatName, formatNumber } from './text.ts'
import { formatShort, toJsonValue, type ValueFormOptions } from './values.ts'

/** What a change does to an entry. */
export type DifferenceKind = 'added' | 'changed' | 'removed'

/** The sign of a difference at the start of its line. */
export const SIGNS: Readonly<Record<DifferenceKind, string>> = {
  added: '+',
  changed: '~',
  removed: '-',
}

/** How many entries are added, changed and removed, and how many stay the same, if that is known. */
export interface ChangeCounts extends Readonly<Record<DifferenceKind, number>> {
  readonly same?: number
}

/** Formats counts, such as `1 entry added, 2 changed, 0 removed, 3 the same`. */
export function formatCounts({ added, changed, removed, same }: ChangeCounts): string {
  const rest = same === undefined ? '' : `, ${formatNumber(same)} the same`
  return `${formatCount(added, 'entry')} added, ${formatNumber(changed)} changed, ${formatNumber(removed)} removed${rest}`
}

/** An entry before and after a change. Without `before` it adds the entry, without `after` it removes it. */
export interface Difference extends EntryName {
  readonly before?: StoredValue | undefined
  readonly after?: StoredValue | undefined
}

/** Options of {@link printDifferences}. */
export interface DifferenceOptions extends ValueFormOptions {
  /** Prints a JSON array instead of lines. */
  readonly json?: boolean | undefined
}

/** Pairs changes of one namespace with its current entries. */
export function toDifferences(
  changes: readonly BackupChange[],
  current: ReadonlyMap<string, StoredValue>,
): readonly Difference[] {
  return changes.map((change) => {
    const { namespace, key } = change
    const before = current.get(key)
    return { namespace, key, before, after: 'remove' in change ? undefined : change }
  })
}

/** Prints a line for each difference: `+ added`, `~ changed old → new`, `- removed`. */
export async function printDifferences(
  io: Pick<CommandIo, 'stdout'>,
  differences: readonly Difference[],
  { json = false, ...form }: DifferenceOptions,
): Promise<void> {
  if (json) {
    await printJson(
      io,
      differences.map((each) => toJson(each, form)),
    )
  } else await printLines(io, differences.map(formatDifference))
}

function kindOf({ before, after }: Difference): DifferenceKind {
  if (before === undefined) return 'added'
  return after === undefined ? 'removed' : 'changed'
}

function formatDifference(difference: Difference): string {
  const { key, before, after } = difference
  const values = [before, after].filter((stored) => stored !== undefined).map(formatShort)
  return `${SIGNS[kindOf(difference)]} ${formatName(key)}  ${values.join(' → ')}`
}

function toJson(difference: Difference, form: ValueFormOptions): object {
  const { namespace, key, before, after } = difference
  return {
    kind: kindOf(difference),
    namespace,
    key,
    ...(before !== undefined && { before: toJsonEntry(key, before, form) }),
    ...(after !== undefined && { after: toJsonEntry(key, after, form) }),
  }
}

function toJsonEntry(key: string, stored: StoredValue, form: ValueFormOptions): object {
  const { expires, version } = stored
  // JSON.stringify leaves out what is undefined.
  return { value: toJsonValue(key, stored, form), expires, version }
}
