// Checks of what a server answers: the URL may belong to another server, or to a bot of another version.
import { parseExpiry, parseVersion, type StoredValue } from '../backup/entry.ts'
import { type BackupPart, parsePart } from '../backup/part.ts'
import { byCodeUnit } from '../key.ts'
import { AdminError } from './client.ts'

/** A page of keys or entries, and the cursor of the next one; `null` after the last one. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly cursor: string | null
}

/** The answer to a part of a restore. */
export interface RestoreAnswer {
  readonly restore: string
  readonly again: boolean
  /** How many entries were stored. */
  readonly set: number
}

/**
 * Runs a check of an answer.
 *
 * @param url the URL of the bot, for the error
 * @throws AdminError if the check throws
 */
export async function checkAnswer<T>(
  url: string,
  answer: unknown,
  check: (fields: Readonly<Record<string, unknown>>) => T | Promise<T>,
): Promise<T> {
  try {
    return await check(answer as Readonly<Record<string, unknown>>)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    // The status of an answer without an error, as that of any other server.
    const details = { status: 200, cause }
    const message = `The server at ${url} is no bot of this version: its answer is invalid. ${reason}`
    throw new AdminError(message, details)
  }
}

/** Reads `{ namespaces }`. */
export function parseNamespaces({ namespaces }: Readonly<Record<string, unknown>>): string[] {
  return parseStrings('namespaces', namespaces)
}

/** Reads `{ sizes }`, sorted by name. */
export function parseSizes({ sizes }: Readonly<Record<string, unknown>>): Map<string, number> {
  return new Map(
    parsePairs('sizes', sizes).map(([name, size]) => [name, parseCount('sizes', size)]),
  )
}

/**
 * Reads a page of keys.
 *
 * @param after the last key of the page before
 */
export function parseKeysPage(
  { keys, cursor }: Readonly<Record<string, unknown>>,
  after: string | undefined,
): Page<string> {
  const items = parseStrings('keys', keys)
  return { items, cursor: parseCursor(cursor, [after, ...items]) }
}

/** Reads a page of entries, sorted by key. */
export function parseEntriesPage(
  { entries, expires, versions = {}, cursor }: Readonly<Record<string, unknown>>,
  after: string | undefined,
): Page<[key: string, stored: StoredValue]> {
  const [expiries, numbers] = [
    new Map(parsePairs('expires', expires)),
    new Map(parsePairs('versions', versions)),
  ]
  const items = parsePairs('entries', entries).map(([key, value]): [string, StoredValue] => {
    if (typeof value !== 'string') throw new TypeError('A value in "entries" is not a string.')
    const expiry = parseExpiry(expiries.get(key))
    return [key, { value, ...expiry, ...parseVersion(numbers.get(key)) }]
  })
  return { items, cursor: parseCursor(cursor, [after, ...items.map(([key]) => key)]) }
}

/** Reads the answer to a part of a restore. */
export function parseRestoreAnswer({
  restore,
  again,
  set,
  removed,
}: Readonly<Record<string, unknown>>): RestoreAnswer {
  if (typeof restore !== 'string') throw new TypeError('The field "restore" is not a string.')
  if (typeof again !== 'boolean') throw new TypeError('The field "again" is not true or false.')
  if (again && parseCount('removed', removed) === 0) {
    throw new TypeError('It asks for the same part again and has removed nothing.')
  }
  return { restore, again, set: parseCount('set', set) }
}

/**
 * Reads a part of a backup that starts after a cursor.
 *
 * @throws InvalidInputError
 */
export async function parseBackupPart(answer: unknown, after: string | null): Promise<BackupPart> {
  const part = await parsePart(answer)
  if (part.after !== after) throw new TypeError('The part is not the one that was asked for.')
  if (part.entries.some((entry) => 'remove' in entry)) {
    throw new TypeError('The part has a removal in place of an entry.')
  }
  return answer as BackupPart
}

/** @throws TypeError unless each page begins after the one before, so that there is an end */
function parseCursor(cursor: unknown, keys: readonly (string | undefined)[]): string | null {
  if (cursor !== null && typeof cursor !== 'string') {
    throw new TypeError('The field "cursor" is neither a string nor null.')
  }
  if (cursor !== null && keys.length === 1) throw new TypeError('A page has no keys.')
  for (let at = 1; at < keys.length; at++) {
    const [before, key] = [keys[at - 1], keys[at]]
    if (before !== undefined && key !== undefined && before >= key) {
      throw new TypeError('The keys are not in order.')
    }
  }
  return cursor
}

function parseStrings(name: string, given: unknown): string[] {
  if (Array.isArray(given) && given.every((each) => typeof each === 'string')) return given
  throw new TypeError(`The field "${name}" is not a list of strings.`)
}

/** Returns the properties of an object, sorted by name. */
function parsePairs(name: string, given: unknown): [name: string, value: unknown][] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`The field "${name}" is not an object.`)
  }
  return Object.entries(given).toSorted(([a], [b]) => byCodeUnit(a, b))
}

function parseCount(name: string, given: unknown): number {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 0) return given
  throw new TypeError(`The field "${name}" has no number of entries.`)
}
