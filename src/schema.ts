// The schema, the version and the migration that `runtime.open` takes.

import { checkBoolean, checkOptions, checkPositiveInteger, invalidOption } from './arguments.ts'
import { noop } from './async.ts'
import type { ValueSchema } from './changes.ts'
import { StoreError, toStoreError } from './errors.ts'
import { addStamp, stampOf, withoutStamp } from './stamp.ts'
import { createEntry, type Entry } from './storage.ts'
import type { KeyOf } from './store.ts'
import { formatStep } from './value/copy-context.ts'
import { cloneValue } from './value/copy-value.ts'

/** A schema of any library that implements Standard Schema 1, see https://standardschema.dev. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    /** The name of the library. */
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** Exists in types only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** The result of a schema: a value, or why there is none. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** Why a value does not fit a schema, and where. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The type of the values that a schema returns. */
export type InferOutput<S extends StandardSchema> =
  S extends StandardSchema<unknown, infer Output> ? Output : never

/** The options of `StorageRuntime.open`. */
export interface OpenOptions<T extends object = Record<string, unknown>> {
  /**
   * Validates every value that the store writes; what it returns is stored. It must be synchronous,
   * and it must accept what it returns: an update validates a value that was validated before.
   */
  readonly schema?: StandardSchema<unknown, T[KeyOf<T>]> | undefined
  /** The version of the values, a positive integer: each entry that the store writes has it. */
  readonly version?: number | undefined
  /**
   * Converts a value of an earlier version when it is read. The next write of the key stores the
   * result. It must be synchronous.
   *
   * @param fromVersion the version of the entry; 0 if a store without a version wrote it
   */
  readonly migrate?:
    | ((value: unknown, fromVersion: number, key: KeyOf<T>) => T[KeyOf<T>])
    | undefined
  /** Whether the schema also validates what is read. Default: false. */
  readonly checkReads?: boolean | undefined
}

/**
 * Checks the options of `StorageRuntime.open`.
 *
 * @returns `undefined` if they have neither a schema nor a version
 * @throws StoreError `INVALID_VALUE`
 */
export function createValueSchema<T extends object>(
  namespace: string,
  options: OpenOptions<T>,
): ValueSchema | undefined {
  try {
    checkOpenOptions(options)
  } catch (error) {
    throw toStoreError(error, { namespace })
  }
  const { schema, version } = options
  return schema === undefined && version === undefined
    ? undefined
    : new OpenSchema(namespace, options as OpenOptions)
}

function checkOpenOptions<T extends object>(options: OpenOptions<T>): void {
  checkOptions(options, ['schema', 'version', 'migrate', 'checkReads'])
  const { schema, version, migrate, checkReads } = options
  if (schema !== undefined && !isStandardSchema(schema)) {
    const expected = 'a Standard Schema 1, such as one of Zod, Valibot or ArkType'
    throw invalidOption('.schema', expected, schema)
  }
  checkPositiveInteger('.version', version)
  checkBoolean('.checkReads', checkReads)
  if (checkReads === true && schema === undefined)
    throw invalidOption('.checkReads', 'given with schema', checkReads)
  if (migrate === undefined) return
  if (typeof migrate !== 'function') throw invalidOption('.migrate', 'a function', migrate)
  if (version === undefined) throw invalidOption('.migrate', 'given with version', migrate)
}

function isStandardSchema(schema: unknown): boolean {
  // A schema may be a function.
  const standard = (schema as Partial<StandardSchema> | null)?.['~standard'] as
    | Partial<StandardSchema['~standard']>
    | undefined
  return standard?.version === 1 && typeof standard.validate === 'function'
}

class OpenSchema implements ValueSchema {
  readonly version: number | undefined
  readonly #namespace: string
  readonly #options: OpenOptions

  constructor(namespace: string, options: OpenOptions) {
    this.version = options.version
    this.#namespace = namespace
    this.#options = options
  }

  check(key: string, value: unknown): unknown {
    return this.#validate(key, value, (problem, cause) => {
      const message = `Cannot be stored: ${problem}. Correct the value.`
      return new StoreError('INVALID_VALUE', message, { namespace: this.#namespace, key, cause })
    })
  }

  checkVersion(key: string, entry: Entry): void {
    const stamp = stampOf(entry)
    if (this.version === undefined || stamp <= this.version) return
    throw new StoreError(
      'VERSION_MISMATCH',
      `The entry has version ${stamp} of the values; this store has version ${this.version}. Deploy the newer code everywhere.`,
      { namespace: this.#namespace, key },
    )
  }

  read(key: string, entry: Entry): Entry {
    this.checkVersion(key, entry)
    const { version } = this
    const { migrate, checkReads } = this.#options
    let { value, version: entryVersion } = entry
    const stamp = stampOf(entry)
    if (version !== undefined && migrate !== undefined && stamp < version) {
      const problem = `migrate() failed on a value of version ${stamp}`
      value = this.#convert(key, problem, () => migrate(value, stamp, key))
      entryVersion = addStamp(withoutStamp(entryVersion), version)
    }
    if (checkReads === true) {
      const output = this.#validate(key, value, (problem, cause) =>
        this.#corrupt(key, problem, cause),
      )
      // The schema may return an object that it keeps.
      if (output !== value) {
        value = this.#convert(
          key,
          'the schema returned a value that cannot be stored',
          () => output,
        )
      }
    }
    return createEntry(value, entryVersion, entry.expires)
  }

  /** Returns a private copy of what a function of the caller returns. */
  #convert(key: string, problem: string, convert: () => unknown): unknown {
    try {
      const result = convert()
      if (!(result instanceof Promise)) return cloneValue(result)
      result.catch(noop)
      throw new TypeError('it must be synchronous; it returned a promise')
    } catch (cause) {
      throw this.#corrupt(key, `${problem}: ${describe(cause)}`, cause)
    }
  }

  #validate(
    key: string,
    value: unknown,
    createError: (problem: string, cause: unknown) => StoreError,
  ): unknown {
    const { schema } = this.#options
    if (schema === undefined) return value
    let result: ReturnType<StandardSchema['~standard']['validate']>
    try {
      result = schema['~standard'].validate(value)
      if (!(result instanceof Promise) && result.issues === undefined) return result.value
    } catch (cause) {
      throw createError(`the schema failed: ${describe(cause)}`, cause)
    }
    if (result instanceof Promise) {
      result.catch(noop)
      const message = 'The schema returned a promise. Use a schema that validates synchronously.'
      throw new StoreError('INVALID_VALUE', message, { namespace: this.#namespace, key })
    }
    const { issues } = result
    const more = issues.length > 1 ? `, and ${issues.length - 1} more` : ''
    throw createError(`${describeIssue(issues[0])}${more}`, issues)
  }

  #corrupt(key: string, problem: string, cause: unknown): StoreError {
    const message = `Cannot be read: ${problem}. Correct the entry with a store that has no options, or restore a backup.`
    return new StoreError('CORRUPT', message, { namespace: this.#namespace, key, cause })
  }
}

function describeIssue({ path = [], message }: SchemaIssue = { message: '' }): string {
  const steps = path.map((step) => {
    const key = typeof step === 'object' ? step.key : step
    return formatStep(typeof key === 'number' ? key : String(key))
  })
  return `$${steps.join('')} does not fit the schema: ${message.replace(/\.$/, '')}`
}

function describe(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')
}
