import { byCodeUnit } from './by-code-unit.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { EntryError, type EntryName, entryLine, type BackupChange, readChange } from './entry.ts'
import { quoteName } from './shown.ts'

const FORMAT = 1

/**
 * A part of a backup, or of what is to be restored: neighbours in the order of namespaces and then
 * of keys, by code unit. Where one part ends the next one begins, so none can be left out unseen.
 */
export interface BackupPart {
  readonly format: typeof FORMAT
  /** The cursor that it begins behind; `null`: it is the first. */
  readonly after: string | null
  readonly entries: readonly BackupChange[]
  /** The cursor that it ends with, which is behind its last entry; `null`: it is the last. */
  readonly next: string | null
  /** SHA-256 of the rest, in hexadecimal, so that it cannot be changed or cut unseen. */
  readonly sha256: string
}

/** Between what it is: two names, each absent at an end. */
export interface PartRange {
  readonly after: EntryName | undefined
  readonly upTo: EntryName | undefined
}

/**
 * Makes a part.
 *
 * @param entries sorted, each after the one before
 */
export async function makePart(
  after: string | null,
  entries: readonly BackupChange[],
  isLast: boolean,
): Promise<BackupPart> {
  const last = entries.at(-1)
  const next = isLast || last === undefined ? null : writeCursor(last)
  const sha256 = await digest(after, entries, next)
  return { format: FORMAT, after, entries, next, sha256 }
}

/**
 * Reads a part that anybody may have written or changed: all of it is right, or it is refused.
 * Values come out as this version would write them.
 *
 * @throws EntryError
 */
export async function readPart(
  given: unknown,
): Promise<BackupPart & { readonly range: PartRange }> {
  const { format, after, entries, next, sha256 } = readFrame(given)
  const changes = entries.map((entry, index) => {
    try {
      return readChange(entry)
    } catch (error) {
      if (error instanceof EntryError) throw new EntryError(`Entry ${index}: ${error.message}`)
      throw error
    }
  })
  if ((await digest(after, entries as readonly BackupChange[], next)) !== sha256) {
    throw new EntryError('The part was altered or cut: it does not have the sha256 that it names.')
  }
  const range = {
    after: after === null ? undefined : readCursor(after),
    upTo: next === null ? undefined : readCursor(next),
  }
  checkOrder(changes, range)
  return { format, after, entries: changes, next, sha256, range }
}

/** Compares by namespace and then by key. */
export function byName(one: EntryName, other: EntryName): number {
  return byCodeUnit(one.namespace, other.namespace) || byCodeUnit(one.key, other.key)
}

type Frame = Omit<BackupPart, 'entries'> & { readonly entries: readonly unknown[] }

function readFrame(given: unknown): Frame {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new EntryError('The part must be an object.')
  }
  const { format, after, entries, next, sha256, ...others } = given as Record<string, unknown>
  const [other] = Object.keys(others)
  if (other !== undefined) {
    throw new EntryError(`There is no field ${quoteName(other)} in a part.`)
  }
  if (typeof format === 'number' && format > FORMAT) {
    throw new EntryError(
      `The part was written by a later version: its format is ${format}, and this version reads ${FORMAT}.`,
    )
  }
  if (format !== FORMAT) throw new EntryError('The part has no format that is known here.')
  if (!Array.isArray(entries)) throw new EntryError('The part has no list of entries.')
  if (!isCursor(after) || !isCursor(next) || typeof sha256 !== 'string') {
    throw new EntryError('The part needs "after" and "next", each a cursor or null, and "sha256".')
  }
  return { format, after, entries: entries as unknown[], next, sha256 }
}

function isCursor(given: unknown): given is string | null {
  return given === null || typeof given === 'string'
}

function checkOrder(entries: readonly EntryName[], { after, upTo }: PartRange): void {
  let before = after
  for (const entry of entries) {
    if (before !== undefined && byName(before, entry) >= 0) {
      throw new EntryError(
        `The entries are not in order: ${quoteName(entry.key)} of ${quoteName(entry.namespace)} stands too late.`,
      )
    }
    before = entry
  }
  const last = entries.at(-1)
  if (upTo !== undefined && (last === undefined || byName(last, upTo) !== 0)) {
    throw new EntryError('The field "next" is not the cursor of the last entry.')
  }
}

async function digest(
  after: string | null,
  entries: readonly BackupChange[],
  next: string | null,
): Promise<string> {
  const text = [JSON.stringify(after), ...entries.map(entryLine), JSON.stringify(next)].join('\n')
  const bytes = new Uint8Array(
    await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)),
  )
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
