import { quote } from '../errors.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import {
  type BackupChange,
  byName,
  InvalidInputError,
  type EntryName,
  formatEntry,
  parseChange,
} from './entry.ts'
import { sha256Hex } from './sha256.ts'

const PART_FORMAT = 1

/**
 * A part of a backup, or of a restore: consecutive entries in the order of namespaces and keys, by
 * code unit. Each part starts with the cursor that the previous part ended with, so a missing part is
 * detected.
 */
export interface BackupPart {
  readonly format: 1
  /** The cursor after which the part starts; `null` for the first part. */
  readonly after: string | null
  readonly entries: readonly BackupChange[]
  /** The cursor after its last entry; `null` for the last part. */
  readonly next: string | null
  /**
   * SHA-256 of `after`, `entries` and `next`, in hexadecimal; a part that was damaged is refused. It
   * detects damage, not forgery: anyone can compute it.
   */
  readonly sha256: string
}

/** The entries after one name, up to and including another; `undefined` is an open end. */
export interface PartRange {
  readonly after: EntryName | undefined
  readonly upTo: EntryName | undefined
}

/** The content of a part, before its `next` and its digest are computed. */
export interface PartContent {
  readonly after: string | null
  /** Sorted by namespace and key, without duplicates. */
  readonly entries: readonly BackupChange[]
  readonly isLast: boolean
}

/** Creates a part and computes its digest. */
export async function createPart({ after, entries, isLast }: PartContent): Promise<BackupPart> {
  const last = entries.at(-1)
  const next = isLast || last === undefined ? null : encodeCursor(last)
  const sha256 = await digest(after, entries, next)
  return { format: PART_FORMAT, after, entries, next, sha256 }
}

/**
 * Validates a part of unknown origin and re-encodes its values with this version of the codec.
 *
 * @throws InvalidInputError if anything in it is wrong
 */
export async function parsePart(
  given: unknown,
): Promise<BackupPart & { readonly range: PartRange }> {
  const { format, after, entries, next, sha256 } = parsePartFields(given)
  const changes = entries.map((entry, index) => {
    try {
      return parseChange(entry)
    } catch (error) {
      if (error instanceof InvalidInputError)
        throw new InvalidInputError(`Entry ${index}: ${error.message}`)
      throw error
    }
  })
  if ((await digest(after, entries as readonly BackupChange[], next)) !== sha256) {
    throw new InvalidInputError(
      'The part was altered or cut: its sha256 does not match. Send it as read.',
    )
  }
  const range = {
    after: after === null ? undefined : decodeCursor(after),
    upTo: next === null ? undefined : decodeCursor(next),
  }
  checkOrder(changes, range)
  return { format, after, entries: changes, next, sha256, range }
}

type UncheckedPart = Omit<BackupPart, 'entries'> & { readonly entries: readonly unknown[] }

function parsePartFields(given: unknown): UncheckedPart {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidInputError('The part must be an object.')
  }
  const { format, after, entries, next, sha256, ...others } = given as Record<string, unknown>
  const [other] = Object.keys(others)
  if (other !== undefined) {
    throw new InvalidInputError(
      `Unknown field ${quote(other)}; the fields of a part are: format, after, entries, next, sha256.`,
    )
  }
  if (typeof format === 'number' && format > PART_FORMAT) {
    throw new InvalidInputError(
      `The part was written by a later version: its format is ${format}, this version reads ${PART_FORMAT}.`,
    )
  }
  if (format !== PART_FORMAT)
    throw new InvalidInputError(`The field "format" of the part must be ${PART_FORMAT}.`)
  if (!Array.isArray(entries))
    throw new InvalidInputError('The field "entries" of the part must be a list.')
  if (!isCursorField(after) || !isCursorField(next) || typeof sha256 !== 'string') {
    throw new InvalidInputError(
      'The part needs "after" and "next", each a cursor or null, and "sha256".',
    )
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
      throw new InvalidInputError(
        `The entries are not in order: ${quote(entry.key)} of ${quote(entry.namespace)} must come earlier, and only once.`,
      )
    }
    before = entry
  }
  const last = entries.at(-1)
  if (upTo !== undefined && (last === undefined || byName(last, upTo) !== 0)) {
    throw new InvalidInputError('The field "next" is not the cursor of the last entry.')
  }
}

/**
 * Hashes the JSON of `after`, each entry as `formatEntry` writes it, and the JSON of `next`, joined by
 * line breaks. `format` is not covered, because only one exists.
 */
async function digest(
  after: string | null,
  entries: readonly BackupChange[],
  next: string | null,
): Promise<string> {
  const lines = [JSON.stringify(after), ...entries.map(formatEntry), JSON.stringify(next)]
  return sha256Hex(new TextEncoder().encode(lines.join('\n')))
}
