import { type BackupChange, type EntryName, type StoredValue } from '../src/backup/entry.ts'
import { type CommandIo, printLines } from './io.ts'
import { formatName, toJsonText } from './text.ts'
import { formatStored, SHORT_LENGTH, toJsonValue, type ValueFormOptions } from './values.ts'

/** What a change does to an entry. Without `before` it adds the entry, without `after` it removes it. */
export interface Difference extends EntryName {
  readonly before?: StoredValue | undefined
  readonly after?: StoredValue | undefined
}

/** Options of {@link printDifferences}. */
export interface DifferenceOptions extends ValueFormOptions {
  /** Prints a JSON array instead of lines. */
  readonly json?: boolean | undefined
}

/** Compares changes of one namespace with its current entries. */
export function compare(
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
    await printLines(io, [toJsonText(differences.map((each) => toJson(each, form)))])
    return
  }
  await printLines(io, differences.map(formatDifference))
}

function formatDifference({ key, before, after }: Difference): string {
  const name = formatName(key)
  if (after === undefined) return `- ${name}  ${formatShort(before)}`
  if (before === undefined) return `+ ${name}  ${formatShort(after)}`
  return `~ ${name}  ${formatShort(before)} → ${formatShort(after)}`
}

function formatShort(stored: StoredValue | undefined): string {
  return stored === undefined ? '' : formatStored(stored, SHORT_LENGTH)
}

function toJson({ namespace, key, before, after }: Difference, form: ValueFormOptions): object {
  const kindOfKnown = after === undefined ? 'removed' : 'changed'
  return {
    kind: before === undefined ? 'added' : kindOfKnown,
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
