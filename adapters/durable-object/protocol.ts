import {
  isStoreError,
  StoreError,
  type StoreErrorCode,
  type WriteOutcome,
} from '../../src/errors.js'
import type { Change, Entry, Outcome } from '../../src/storage.js'

/**
 * The version of the messages. A Worker and its objects are not updated at the same moment, so
 * each side works with the version before and after its own.
 */
export const PROTOCOL = 1

/** What a `StorageObject` is asked. All of it is data; no function crosses. */
export type Request = { readonly v: number } & (
  | { readonly op: 'get'; readonly keys: readonly string[] }
  | { readonly op: 'commit'; readonly groups: readonly (readonly Change[])[] }
  | {
      readonly op: 'list'
      readonly prefix: string
      /** The last key of the page before. */
      readonly after?: string
      /** Only what is alive then. */
      readonly now: number
      readonly values: boolean
    }
  | { readonly op: 'len'; readonly now: number }
  | { readonly op: 'clear' }
  | { readonly op: 'listed' }
)

/** What it answers. A reply may be partial, and then says where to go on. */
export interface Reply {
  readonly v: number
  readonly error?: ErrorData
  /** get: those found among the first `done` keys. */
  readonly found?: readonly (readonly [string, Entry])[]
  readonly done?: number
  /** commit */
  readonly outcomes?: readonly ('applied' | 'conflict' | ErrorData)[]
  /** commit: the object holds data and its namespace is not in the index yet. */
  readonly unlisted?: boolean
  /** list: a page; `last` is where the next one goes on, absent on the final page. */
  readonly keys?: readonly string[]
  readonly entries?: readonly (readonly [string, Entry])[]
  readonly last?: string
  /** len */
  readonly len?: number
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

export function toData(error: unknown, outcome: WriteOutcome): ErrorData {
  const { code, message, outcome: known, retryable, cause } = translate(error, outcome)
  const plain = { code, message, outcome: known, retryable }
  if (!(cause instanceof Error)) return plain
  return { ...plain, cause: { name: cause.name, message: cause.message } }
}

export function fromData({ code, message, outcome, retryable, cause }: ErrorData): StoreError {
  return new StoreError(code, message, { outcome, retryable, ...(cause ? { cause } : {}) })
}

export function outcomeFromData(outcome: 'applied' | 'conflict' | ErrorData): Outcome {
  return typeof outcome === 'string' ? outcome : fromData(outcome)
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
