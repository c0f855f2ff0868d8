// The schema, the version and the migration that `runtime.open` takes.

import {
  BOOLEAN,
  checkOptions,
  FUNCTION,
  invalidOption,
  type OptionTypes,
  POSITIVE_INTEGER,
  SIGNAL,
} from './arguments.ts'
import { noop } from './async.ts'
import type { ValueSchema } from './changes.ts'
import { StoreError, textOf } from './errors.ts'
import { addStamp, stampOf, withoutStamp } from './stamp.ts'
import { createEntry, type Entry } from './entry.ts'
import type { KeyOf } from './store-types.ts'
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
  /** Closes the store when it aborts, also while the store is opening: `open` then rejects. */
  readonly signal?: AbortSignal | undefined
}

const OPEN_OPTIONS: OptionTypes = {
  schema: ['a Standard Schema of version 1', isStandardSchema],
  version: POSITIVE_INTEGER,
  migrate: FUNCTION,
  checkReads: BOOLEAN,
  signal: SIGNAL,
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
  const { schema, version, migrate, checkReads } = checkOptions<OpenOptions>(
    options as OpenOptions,
    OPEN_OPTIONS,
    namespace,
  )
  if (checkReads === true && !schema)
    throw invalidOption('.checkReads', 'given with schema', checkReads, namespace)
  if (migrate && version === undefined)
    throw invalidOption('.migrate', 'given with version', migrate, namespace)
  if (!schema && version === undefined) return undefined

  type Fail = (key: string, problem: string, cause?: unknown) => StoreError

  const corrupt: Fail = (key, problem, cause) =>
    new StoreError(
      'CORRUPT',
      `Cannot be read: ${problem}. Correct the entry with a store that has no options, or restore a backup.`,
      { namespace, key, cause },
    )

  const invalid: Fail = (key, problem, cause) =>
    new StoreError(
      'INVALID_VALUE',
      `Cannot be stored: ${problem}. Correct the value or the schema.`,
      {
        namespace,
        key,
        cause,
      },
    )

  const validate = (key: string, value: unknown, fail: Fail): unknown => {
    if (!schema) return value
    let result: SchemaResult<unknown> | Promise<unknown>
    try {
      result = schema['~standard'].validate(value)
    } catch (cause) {
      throw fail(key, `the schema failed: ${messageOf(cause)}`, cause)
    }
    if (result instanceof Promise) {
      result.catch(noop)
      throw invalid(key, 'the schema returned a promise and must be synchronous')
    }
    if (!result.issues) return result.value
    throw fail(key, describeIssues(result.issues), result.issues)
  }

  /** Returns a private copy of what a function of the caller returns. */
  const convert = (key: string, name: string, call: () => unknown): unknown => {
    try {
      const result = call()
      if (!(result instanceof Promise)) return cloneValue(result)
      result.catch(noop)
      throw new TypeError('it returned a promise and must be synchronous')
    } catch (cause) {
      throw corrupt(key, `${name} failed: ${messageOf(cause)}`, cause)
    }
  }

  const checkVersion = (key: string, entry: Entry): number => {
    const stamp = stampOf(entry)
    if (version === undefined || stamp <= version) return stamp
    throw new StoreError(
      'VERSION_MISMATCH',
      `The entry has version ${stamp}; this store has version ${version}. Deploy the newer code everywhere.`,
      { namespace, key },
    )
  }

  return {
    version,
    checkVersion,
    check: (key, value) => validate(key, value, invalid),
    read(key, entry) {
      const stamp = checkVersion(key, entry)
      let { value, version: written } = entry
      if (version !== undefined && migrate && stamp < version) {
        value = convert(key, `migrate() from version ${stamp}`, () => migrate(value, stamp, key))
        written = addStamp(withoutStamp(written), version)
      }
      if (checkReads === true) {
        const output = validate(key, value, corrupt)
        // The schema may return an object that it keeps.
        if (output !== value) value = convert(key, 'the schema', () => output)
      }
      return createEntry(value, written, entry.expires)
    },
  }
}

function isStandardSchema(schema: unknown): boolean {
  // A schema may be a function.
  const standard = (schema as Partial<StandardSchema> | null)?.['~standard'] as
    | Partial<StandardSchema['~standard']>
    | undefined
  return standard?.version === 1 && typeof standard.validate === 'function'
}

/** Formats the first issue, and the number of the others. */
function describeIssues(issues: readonly SchemaIssue[]): string {
  const { path = [], message } = issues[0] ?? { message: 'no reason given' }
  const steps = path.map((step) => {
    const key = typeof step === 'object' ? step.key : step
    return formatStep(typeof key === 'number' ? key : String(key))
  })
  const more = issues.length > 1 ? `, and ${issues.length - 1} more` : ''
  return `$${steps.join('')} does not fit the schema: ${withoutStop(message)}${more}`
}

function messageOf(error: unknown): string {
  return withoutStop(textOf(error))
}

function withoutStop(message: string): string {
  return message.replace(/\.$/, '')
}
