import type { StoredValue } from '../src/backup/entry.ts'
import { type CommandIo, printLines } from './io.ts'
import { toJsonText } from './text.ts'

// Columns are aligned within this number of rows, because a listing may not fit into memory.
const ROWS_PER_BLOCK = 500
const MAX_COLUMN_WIDTH = 40

type Entries = AsyncIterable<readonly [key: string, stored: StoredValue]>
type Output = Pick<CommandIo, 'stdout'>

/** Prints two columns, a row for each entry, and resolves to the number of rows. */
export async function printRows(
  io: Output,
  entries: Entries,
  formatRow: (key: string, stored: StoredValue) => readonly [name: string, text: string],
): Promise<number> {
  let printed = 0
  let block: (readonly [name: string, text: string])[] = []
  for await (const [key, stored] of entries) {
    if (io.stdout.destroyed) return printed
    block.push(formatRow(key, stored))
    printed++
    if (block.length < ROWS_PER_BLOCK) continue
    await printLines(io, align(block))
    block = []
  }
  await printLines(io, align(block))
  return printed
}

function align(rows: readonly (readonly [name: string, text: string])[]): string[] {
  const longest = Math.max(0, ...rows.map(([name]) => name.length))
  const width = Math.min(longest, MAX_COLUMN_WIDTH)
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`)
}

/** Prints a JSON object, a line for each entry. After an error the object has no end. */
export async function printJsonObject(
  io: Output,
  entries: Entries,
  toValue: (key: string, stored: StoredValue) => unknown,
): Promise<void> {
  await printLines(io, formatJsonObject(entries, toValue))
}

async function* formatJsonObject(
  entries: Entries,
  toValue: (key: string, stored: StoredValue) => unknown,
): AsyncGenerator<string> {
  let before: string | undefined
  for await (const [key, stored] of entries) {
    yield before === undefined ? '{' : `${before},`
    before = `  ${toJsonText(key)}: ${toJsonText(toValue(key, stored))}`
  }
  if (before === undefined) {
    yield '{}'
    return
  }
  yield before
  yield '}'
}
