import { decode, encode } from '../codec.ts'
import { quote } from '../errors.ts'
import { isStoreError, type StoreRecord } from '../index.ts'
import { byCodeUnit, checkKey, checkNamespace } from '../key.ts'
import { cloneValue } from '../value/copy-value.ts'

/** The last time that a `Date` can hold, in milliseconds since 1970. */
const MAX_TIME_MS = 8.64e15

/** A stored value in a backup: the encoded value and its expiry. */
export interface StoredValue {
  /** The value, encoded by `botshelf/codec`. */
  readonly value: string
  /** When it expires, in milliseconds since 1970; absent: never. */
  readonly expires?: number | undefined
  /** The version of the value, if a store with a version wrote it; a positive integer. */
  readonly version?: number | undefined
}

/** The namespace and the key of an entry. */
export interface EntryName {
  readonly namespace: string
  readonly key: string
}

/** One entry of a backup. */
export interface BackupEntry extends EntryName, StoredValue {}

/** The removal of an entry, which need not exist. */
export interface BackupRemoval extends EntryName {
  readonly remove: true
}

/** A change to one key: a new value, or its removal. */
export type BackupChange = BackupEntry | BackupRemoval

/**
 * Thrown for invalid input: an entry, a cursor, a part, or a field of a request. Its message is one
 * sentence for the sender.
 */
export class InvalidInputError extends Error {
  override readonly name: string = 'InvalidInputError'
}

/** Encodes a record of a store that was opened without a version. */
export function toStoredValue({ value, ...fields }: StoreRecord<unknown>): StoredValue {
  // In the order in which `formatEntry` writes the fields.
  return { value: encode(value), ...fields }
}

/** Returns whether two stored values have the same encoded value, expiry and version. */
export function isSameStoredValue(
  one: StoredValue | undefined,
  other: StoredValue | undefined,
): boolean {
  return (
    one?.value === other?.value &&
    one?.expires === other?.expires &&
    one?.version === other?.version
  )
}

/** Compares entries by namespace and then by key, each by code unit. */
export function byName(one: EntryName, other: EntryName): number {
  return byCodeUnit(one.namespace, other.namespace) || byCodeUnit(one.key, other.key)
}

/** Formats a change as a line of a backup file, without the line's end. */
export function formatEntry(change: BackupChange): string {
  const { namespace, key } = change
  if ('remove' in change) return JSON.stringify({ namespace, key, remove: true })
  const { value, expires, version } = change
  // JSON.stringify leaves out what is undefined.
  return JSON.stringify({ namespace, key, value, expires, version })
}

/**
 * Validates an entry of unknown origin and re-encodes its value with this version of the codec.
 *
 * @throws InvalidInputError
 */
export function parseEntry(given: unknown): BackupEntry {
  const fields = parseFields(given, ['namespace', 'key', 'value'], ['expires', 'version'])
  const entry = { ...parseName(fields), value: parseEncodedValue(fields['value']) }
  return { ...entry, ...parseExpiry(fields['expires']), ...parseVersion(fields['version']) }
}

/**
 * Validates an entry or a removal of unknown origin.
 *
 * @throws InvalidInputError
 */
export function parseChange(given: unknown): BackupChange {
  const isRemoval = typeof given === 'object' && given !== null && Object.hasOwn(given, 'remove')
  if (!isRemoval) return parseEntry(given)
  const fields = parseFields(given, ['namespace', 'key', 'remove'])
  if (fields['remove'] === true) return { ...parseName(fields), remove: true }
  throw new InvalidInputError('The field "remove" must be true.')
}

/**
 * Validates an expiry; without one the result is empty.
 *
 * @throws InvalidInputError
 */
export function parseExpiry(given: unknown): { expires?: number } {
  if (given === undefined) return {}
  if (typeof given === 'number' && Math.abs(given) <= MAX_TIME_MS) return { expires: given }
  throw new InvalidInputError('The field "expires" must be a time in milliseconds since 1970.')
}

/**
 * Validates the version of a value; without one the result is empty.
 *
 * @throws InvalidInputError
 */
export function parseVersion(given: unknown): { version?: number } {
  if (given === undefined) return {}
  if (typeof given === 'number' && Number.isSafeInteger(given) && given > 0)
    return { version: given }
  throw new InvalidInputError('The field "version" must be a positive integer.')
}

/** @throws InvalidInputError unless it is an object with all `required` fields and no unknown one */
function parseFields(
  given: unknown,
  required: readonly string[],
  optional: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidInputError('The entry must be an object.')
  }
  for (const name of required) {
    if (!Object.hasOwn(given, name)) throw new InvalidInputError(`The field "${name}" is missing.`)
  }
  const known = [...required, ...optional]
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new InvalidInputError(
      `Unknown field ${quote(unknown)}; the fields are: ${known.join(', ')}.`,
    )
  }
  return given as Readonly<Record<string, unknown>>
}

/**
 * Validates a namespace and a key.
 *
 * @throws InvalidInputError
 */
export function parseName(fields: Readonly<Record<string, unknown>>): EntryName {
  const { namespace, key } = fields
  try {
    checkNamespace(namespace)
    checkKey(key, Number.POSITIVE_INFINITY)
  } catch (error) {
    throw new InvalidInputError(error instanceof Error ? error.message : String(error))
  }
  return { namespace, key }
}

/**
 * Validates an encoded value of unknown origin and re-encodes it with this version of the codec.
 *
 * @throws InvalidInputError
 */
export function parseEncodedValue(text: unknown): string {
  if (typeof text !== 'string') throw new InvalidInputError('The field "value" must be a string.')
  try {
    // The codec reads what a store refuses: values nested too deep, and `undefined`.
    return encode(cloneValue(decode(text)))
  } catch (error) {
    throw new InvalidInputError(encodedValueError(error))
  }
}

function encodedValueError(error: unknown): string {
  switch (isStoreError(error) ? error.code : undefined) {
    case 'VERSION_MISMATCH':
      return 'The value was written by a later version of botshelf; update this one.'
    case 'INVALID_VALUE':
      return 'The value cannot be stored.'
    default:
      return 'The value is not encoded by botshelf/codec.'
  }
}
