import {
  isStoreError,
  StoreError,
  type StoreErrorCode,
  type WriteOutcome,
} from '../../src/errors.ts'
import type { Change, Entry } from '../../src/storage.ts'

/**
 * The version of the messages. A Worker and its objects are not updated at the same moment, so
 * each side works with the version before and after its own.
 */
export const PROTOCOL = 1

/**
 * An entry as it is kept and sent, with the size that its writer measured. It is a tuple, since a
 * structured clone writes and reads the name of every property of every object.
 */
export type EntryRecord = readonly [
  value: unknown,
  version: string,
  bytes: number,
  expires?: number,
]

/** A change as it is sent: key, condition, and what is kept under the key. Without that it removes. */
export type ChangeRecord =
  | readonly [key: string, ifVersion: string | null | undefined]
  | readonly [key: string, ifVersion: string | null | undefined, ...entry: EntryRecord]

export type Group = readonly ChangeRecord[]

/** What a `StorageObject` is asked. All of it is data; no function crosses. */
export type Question =
  | { readonly op: 'get'; readonly keys: readonly string[] }
  | {
      readonly op: 'commit'
      /** Those of all groups, one after another. */
      readonly changes: Group
      /** How many belong to each group. */
      readonly groups: readonly number[]
    }
  | {
      readonly op: 'list'
      readonly prefix: string
      /** The last key of the page before. */
      readonly after?: string | undefined
      /** Only what is alive then. */
      readonly now: number
      readonly values: boolean
    }
  | { readonly op: 'len'; readonly now: number }
  | { readonly op: 'clear' }
  | { readonly op: 'listed' }

export type Request = Question & { readonly v: number }

/** What it answers. A reply may be partial, and then says where to go on. */
export interface Reply {
  readonly v: number
  readonly error?: ErrorData
  /** get: what is under the first keys, in their order. */
  readonly records?: Records
  /** commit: how many groups it answers for, and those among them that were not applied. */
  readonly done?: number
  readonly failed?: readonly (readonly [group: number, why: 'conflict' | ErrorData])[]
  /** commit: the object holds data and its namespace is not in the index yet. */
  readonly unlisted?: boolean
  /** list */
  readonly page?: Page
  /** len */
  readonly len?: number
}

export type Records = readonly (EntryRecord | undefined)[]

/** A page of a listing. `last` is where the next one goes on, absent on the final page. */
export interface Page {
  readonly keys: readonly string[]
  /** The entries under these keys, if they were asked for. */
  readonly records: readonly EntryRecord[]
  readonly last?: string | undefined
}

/** A `StoreError` as data: over RPC an error loses its class and, with older dates, its fields. */
export interface ErrorData {
  readonly code: StoreErrorCode
  readonly message: string
  readonly outcome: WriteOutcome
  readonly retryable: boolean
  readonly cause?: { readonly name: string; readonly message: string }
}

/** Can this side work with a message of that version? */
export function speaks(version: unknown): boolean {
  return typeof version === 'number' && Math.abs(version - PROTOCOL) <= 1
}

export function toRecords(group: readonly Change[]): Group {
  return group.map((change) => {
    const { key, ifVersion } = change
    if (!('entry' in change)) return [key, ifVersion]
    const { value, version, expires } = change.entry
    const { bytes } = change
    return expires === undefined
      ? [key, ifVersion, value, version, bytes]
      : [key, ifVersion, value, version, bytes, expires]
  })
}

/** The entries under keys, given what is under the first of them. */
export function toEntries(keys: readonly string[], records: Records): [string, Entry][] {
  const found: [string, Entry][] = []
  for (const [index, record] of records.entries()) {
    const key = keys[index]
    if (record === undefined || key === undefined) continue
    const [value, version, , expires] = record
    found.push([key, expires === undefined ? { value, version } : { value, version, expires }])
  }
  return found
}

export function toData(error: unknown, outcome: WriteOutcome): ErrorData {
  const { code, message, outcome: known, retryable, cause } = translate(error, outcome)
  const plain = { code, message, outcome: known, retryable }
  if (!(cause instanceof Error)) return plain
  return { ...plain, cause: { name: cause.name, message: cause.message } }
}

export function fromData({ code, message, ...details }: ErrorData): StoreError {
  return new StoreError(code, message, details)
}

// The platform's own words, and what they mean.
const SAID: readonly (readonly [RegExp, StoreErrorCode, WriteOutcome?])[] = [
  [/SQLITE_TOOBIG|limited to 32MiB/, 'TOO_LARGE', 'not-applied'],
  [/SQLITE_FULL/, 'QUOTA_EXCEEDED', 'not-applied'],
  [/RPC receiver does not implement/, 'VERSION_MISMATCH', 'not-applied'],
  [/generating too much load/, 'RATE_LIMITED'],
  [
    /Network connection lost|transient issue on remote node|code was updated|exceeded timeout which caused object to be reset|internal error; reference|socket|ECONNRE|fetch failed/i,
    'CONNECTION_LOST',
  ],
]

/** Makes a `StoreError` of what an object or its storage threw. */
export function translate(error: unknown, outcome: WriteOutcome): StoreError {
  if (isStoreError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  const flags = error as
    | { overloaded?: unknown; retryable?: unknown; durableObjectReset?: unknown }
    | undefined
  if (flags?.overloaded === true) {
    return new StoreError('OVERLOADED', `The object is overloaded: ${message}`, {
      cause: error,
      outcome,
    })
  }
  const known = SAID.find(([words]) => words.test(message))
  const lost = flags?.retryable === true || flags?.durableObjectReset === true
  const code = known?.[1] ?? (lost ? 'CONNECTION_LOST' : 'BACKEND_ERROR')
  return new StoreError(code, `The object's storage failed: ${message}`, {
    cause: error,
    outcome: known?.[2] ?? outcome,
  })
}
