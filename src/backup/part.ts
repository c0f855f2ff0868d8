import { quote } from '../errors.ts'
import { readCursor, writeCursor } from './cursor.ts'
import {
  type BackupChange,
  byName,
  EntryError,
  type EntryName,
  formatEntry,
  readChange,
} from './entry.ts'

const FORMAT = 1

/**
 * A part of a backup, or of a restore: consecutive entries in the order of namespaces and keys, by
 * code unit. Each part begins with the cursor that the one before ended with, so a missing part shows.
 */
export interface BackupPart {
  readonly format: 1
  /** The cursor that the part begins behind; `null` for the first part. */
  readonly after: string | null
  readonly entries: readonly BackupChange[]
  /** The cursor behind its last entry; `null` for the last part. */
  readonly next: string | null
  /** SHA-256 of the rest, in hexadecimal: an altered or truncated part is refused. */
  readonly sha256: string
}

/** The entries between two names, without the first and with the last; `undefined` is an open end. */
export interface PartRange {
  readonly after: EntryName | undefined
  readonly upTo: EntryName | undefined
}

/** The content of a part without its digest. */
export interface PartContent {
  readonly after: string | null
  /** Sorted by namespace and key, without duplicates. */
  readonly entries: readonly BackupChange[]
  readonly isLast: boolean
}

/** Makes a part and computes its digest. */
export async function sealPart({ after, entries, isLast }: PartContent): Promise<BackupPart> {
  const last = entries.at(-1)
  const next = isLast || last === undefined ? null : writeCursor(last)
  const sha256 = await digest(after, entries, next)
  return { format: FORMAT, after, entries, next, sha256 }
}

/**
 * Validates a part of unknown origin. Values come out as this version of the codec writes them.
 *
 * @throws EntryError if anything in it is wrong
 */
export async function parsePart(
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
    throw new EntryError('The part was altered or cut: its sha256 does not match. Send it as read.')
  }
  const range = {
    after: after === null ? undefined : readCursor(after),
    upTo: next === null ? undefined : readCursor(next),
  }
  checkOrder(changes, range)
  return { format, after, entries: changes, next, sha256, range }
}

type UncheckedPart = Omit<BackupPart, 'entries'> & { readonly entries: readonly unknown[] }

function readFrame(given: unknown): UncheckedPart {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new EntryError('The part must be an object.')
  }
  const { format, after, entries, next, sha256, ...others } = given as Record<string, unknown>
  const [other] = Object.keys(others)
  if (other !== undefined) {
    throw new EntryError(
      `Unknown field ${quote(other)}; the fields of a part are: format, after, entries, next, sha256.`,
    )
  }
  if (typeof format === 'number' && format > FORMAT) {
    throw new EntryError(
      `The part was written by a later version: its format is ${format}, this version reads ${FORMAT}.`,
    )
  }
  if (format !== FORMAT) throw new EntryError(`The field "format" of the part must be ${FORMAT}.`)
  if (!Array.isArray(entries))
    throw new EntryError('The field "entries" of the part must be a list.')
  if (!isCursorField(after) || !isCursorField(next) || typeof sha256 !== 'string') {
    throw new EntryError('The part needs "after" and "next", each a cursor or null, and "sha256".')
  }
  return { format, after, entries: entries as unknown[], next, sha256 }
}

function isCursorField(given: unknown): given is string | null {
  return given === null || typeof given === 'string'
}

function checkOrder(entries: readonly EntryName[], { after, upTo }: PartRange): void {
  let before = after
  for (const entry of entries) {
    if (before !== undefined && byName(before, entry) >= 0) {
      throw new EntryError(
        `The entries are not in order: ${quote(entry.key)} of ${quote(entry.namespace)} must come earlier, and only once.`,
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
  const lines = [JSON.stringify(after), ...entries.map(formatEntry), JSON.stringify(next)]
  const bytes = new TextEncoder().encode(lines.join('\n'))
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
