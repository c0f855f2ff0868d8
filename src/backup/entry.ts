import { decode, encode } from '../codec.ts'
import { isStoreError } from '../index.ts'
import { checkKey, checkNamespace } from '../key.ts'
import { cloneValue } from '../value/copy-value.ts'
import { quoteName } from './shown.ts'

// The last time that a Date can hold.
const LATEST = 8.64e15

/** What is under a key. */
export interface StoredText {
  /** Text of `botshelf/codec`. */
  readonly value: string
  /** When it expires, in milliseconds since 1970; absent: never. */
  readonly expires?: number
}

/** Where an entry is. */
export interface EntryName {
  readonly namespace: string
  readonly key: string
}

/** One entry of a backup. */
export interface BackupEntry extends EntryName, StoredText {}

/** An entry to be removed. There may be none. */
export interface Removal extends EntryName {
  readonly remove: true
}

/** What is to become of one key: another value, or none. */
export type BackupChange = BackupEntry | Removal

/** What is wrong with an entry that somebody sent, in one sentence. */
export class EntryError extends Error {
  override readonly name: string = 'EntryError'
}

/** A value as a store shows it, as a backup holds it. */
export function storedText({ value, expires }: { value: unknown; expires?: number }): StoredText {
  const text = encode(value)
  return expires === undefined ? { value: text } : { value: text, expires }
}

/** Do two of them say the same? */
export function isSameText(one: StoredText | undefined, other: StoredText | undefined): boolean {
  return one?.value === other?.value && one?.expires === other?.expires
}

/** A change as a line of a backup, without the line's end. */
export function entryLine(change: BackupChange): string {
  const { namespace, key } = change
  if ('remove' in change) return JSON.stringify({ namespace, key, remove: true })
  // Without an expiry there is no such field.
  return JSON.stringify({ namespace, key, value: change.value, expires: change.expires })
}

/**
 * Reads an entry that anybody may have written. Its value comes out as this version would write it.
 *
 * @throws EntryError
 */
export function readEntry(given: unknown): BackupEntry {
  const fields = readFields(given, ['namespace', 'key', 'value'], ['expires'])
  const entry = { ...readName(fields), value: readText(fields['value']) }
  return { ...entry, ...readExpiry(fields['expires']) }
}

/**
 * Reads an entry, or what says that one is to be removed.
 *
 * @throws EntryError
 */
export function readChange(given: unknown): BackupChange {
  const isRemoval = typeof given === 'object' && given !== null && Object.hasOwn(given, 'remove')
  if (!isRemoval) return readEntry(given)
  const fields = readFields(given, ['namespace', 'key', 'remove'])
  if (fields['remove'] === true) return { ...readName(fields), remove: true }
  throw new EntryError('The field "remove" must be true.')
}

/**
 * When a value expires, as a field says it; nothing for no field.
 *
 * @throws EntryError
 */
export function readExpiry(given: unknown): { expires?: number } {
  if (given === undefined) return {}
  if (typeof given === 'number' && Math.abs(given) <= LATEST) return { expires: given }
  throw new EntryError('The field "expires" must be a time in milliseconds since 1970.')
}

/**
 * An object that has these fields, perhaps some of the `others`, and no more.
 *
 * @throws EntryError
 */
function readFields(
  given: unknown,
  names: readonly string[],
  others: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new EntryError('It must be an object.')
  }
  for (const name of names) {
    if (!Object.hasOwn(given, name)) throw new EntryError(`The field "${name}" is missing.`)
  }
  for (const name of Object.keys(given)) {
    if (names.includes(name) || others.includes(name)) continue
    const known = [...names, ...others].join(', ')
    throw new EntryError(`There is no field ${quoteName(name)}; there are: ${known}.`)
  }
  return given as Readonly<Record<string, unknown>>
}

/**
 * Where an entry is.
 *
 * @throws EntryError
 */
export function readName(fields: Readonly<Record<string, unknown>>): EntryName {
  const { namespace, key } = fields
  try {
    checkNamespace(namespace)
    checkKey(key, Number.POSITIVE_INFINITY)
  } catch (error) {
    throw new EntryError(error instanceof Error ? error.message : 'It has no name.')
  }
  return { namespace, key }
}

/**
 * Text of `botshelf/codec` that anybody may have written, as this version would write it.
 *
 * @throws EntryError
 */
export function readText(text: unknown): string {
  if (typeof text !== 'string') throw new EntryError('The field "value" must be a string.')
  try {
    // The codec reads deeper values than a store takes, and `undefined`.
    return encode(cloneValue(decode(text)))
  } catch (error) {
    const code = isStoreError(error) ? error.code : undefined
    throw new EntryError(
      code === 'VERSION_MISMATCH'
        ? 'The value was written by a later version.'
        : code === 'INVALID_VALUE'
          ? 'The value cannot be stored.'
          : 'The value is no text of botshelf/codec.',
    )
  }
}
