import { decode, encode } from '../../../src/codec.js'
import { isStoreError } from '../../../src/index.js'
import { checkKey, checkNamespace } from '../../../src/key.js'
import { copyValue } from '../../../src/value.js'

/** One entry of a backup. */
export interface BackupEntry {
  readonly namespace: string
  readonly key: string
  /** Text of `botshelf/codec`. */
  readonly value: string
}

/** What is wrong with an entry that somebody sent, in one sentence. */
export class EntryError extends Error {
  override readonly name: string = 'EntryError'
}

/** An entry as a line of a backup, without the line's end. */
export function entryLine({ namespace, key, value }: BackupEntry): string {
  return JSON.stringify({ namespace, key, value })
}

/**
 * Reads an entry that anybody may have written. Its value comes out as this version would write it.
 *
 * @throws EntryError
 */
export function readEntry(given: unknown): BackupEntry {
  const fields = readFields(given, ['namespace', 'key', 'value'])
  return { ...readName(fields), value: readValue(fields['value']) }
}

/**
 * An object that has these fields and no others.
 *
 * @throws EntryError
 */
export function readFields(
  given: unknown,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new EntryError('It must be an object.')
  }
  for (const name of names) {
    if (!Object.hasOwn(given, name)) throw new EntryError(`The field "${name}" is missing.`)
  }
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue
    const shown = JSON.stringify(name.slice(0, 60))
    throw new EntryError(`There is no field ${shown}; there are: ${names.join(', ')}.`)
  }
  return given as Readonly<Record<string, unknown>>
}

/**
 * Where an entry is.
 *
 * @throws EntryError
 */
export function readName(fields: Readonly<Record<string, unknown>>): {
  namespace: string
  key: string
} {
  const { namespace, key } = fields
  try {
    checkNamespace(namespace)
    checkKey(key, Number.POSITIVE_INFINITY)
  } catch (error) {
    throw new EntryError(error instanceof Error ? error.message : 'It has no name.')
  }
  return { namespace, key }
}

function readValue(text: unknown): string {
  if (typeof text !== 'string') throw new EntryError('The field "value" must be a string.')
  try {
    // The codec reads deeper values than a store takes, and `undefined`.
    return encode(copyValue(decode(text)).value)
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
