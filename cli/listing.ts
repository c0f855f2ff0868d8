import type { StoredValue } from '../src/backup/entry.ts'
import { type CommandIo, printLines } from './io.ts'
import { formatName, toJsonText } from './text.ts'

// Columns are aligned within this number of rows, because a listing may not fit into memory.
const ROWS_PER_BLOCK = 500
const MAX_COLUMN_WIDTH = 40

type Entries = AsyncIterable<readonly [key: string, stored: StoredValue]>
type Row = readonly [name: string, text: string]

/** Prints a line for each entry of a namespace, in two columns, or a note if it has none. */
export async function printRows(
  io: Pick<CommandIo, 'stdout' | 'stderr'>,
  namespace: string,
  entries: Entries,
  format: (stored: StoredValue) => string,
): Promise<void> {
  let isEmpty = true
  let block: Row[] = []
  for await (const [key, stored] of entries) {
    if (io.stdout.destroyed) return
    isEmpty = false
    block.push([formatName(key), format(stored)])
    if (block.length < ROWS_PER_BLOCK) continue
    await printLines(io, align(block))
    block = []
  }
  await printLines(io, align(block))
  if (isEmpty) io.stderr.write(`${formatName(namespace)} has no entries.\n`)
}

function align(rows: readonly Row[]): string[] {
  const longest = Math.max(0, ...rows.map(([name]) => name.length))
  const width = Math.min(longest, MAX_COLUMN_WIDTH)
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`)
}

/** Prints a JSON object, a line for each entry. After an error the object has no end. */
export async function printJsonObject(
  io: Pick<CommandIo, 'stdout'>,
  entries: Entries,
  toValue: (key: string, stored: StoredValue) => unknown,
): Promise<void> {
  const format = ([key, stored]: readonly [string, StoredValue]): string =>
    `${toJsonText(key)}: ${toJsonText(toValue(key, stored))}`
  await printLines(io, formatMembers('{}', entries, format))
}

/** Prints a JSON array of strings, a line for each. After an error the array has no end. */
export async function printJsonArray(
  io: Pick<CommandIo, 'stdout'>,
  texts: AsyncIterable<string>,
): Promise<void> {
  await printLines(io, formatMembers('[]', texts, toJsonText))
}

async function* formatMembers<T>(
  [open, close]: '{}' | '[]',
  items: AsyncIterable<T>,
  format: (item: T) => string,
): AsyncGenerator<string> {
  let before: string | undefined
  for await (const item of items) {
    yield before === undefined ? `${open}` : `${before},`
    before = `  ${format(item)}`
  }
  if (before === undefined) yield `${open}${close}`
  else yield* [before, `${close}`]
}
