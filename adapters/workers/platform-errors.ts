// Converts what a binding of a Worker throws. Only the text distinguishes most of these errors.
import {
  isStoreError,
  StoreError,
  type StoreErrorCode,
  textOf,
  type WriteOutcome,
} from '../../src/errors.ts'

/** What an error of the platform means. */
export interface PlatformError {
  /** Matches the message. */
  readonly pattern: RegExp
  readonly code: StoreErrorCode
  /** Default: what the caller knows. */
  readonly outcome?: WriteOutcome
  /** Default: as usual for the code. */
  readonly retryable?: boolean
  /** Sentences for the end of the message. */
  readonly advice?: string
}

const REFUSED = { outcome: 'not-applied', retryable: false } as const

/** The errors by which the platform refuses a call of any binding, before it runs. */
export const REFUSALS: readonly PlatformError[] = [
  {
    // "Too many subrequests.", since 2025 "Too many subrequests by single Worker invocation.", and for
    // Cloudflare's own services "Too many API requests by single Worker invocation." (users' reports
    // until 2026-11; the limits are in developers.cloudflare.com/workers/platform/limits).
    pattern: /too many (?:API requests|subrequests)/i,
    code: 'RATE_LIMITED',
    ...REFUSED,
    advice: 'This invocation has used all its operations; continue in another request.',
  },
  {
    // "Subrequest depth limit exceeded. This request recursed through Workers too many times.",
    // "KV put() limit exceeded for the day.", "Exceeded allowed rows written in Durable Objects free
    // tier.", also "rows read" and "volume of requests" (users' reports until 2026-11), and "Exceeded
    // the account's spending cap for Durable Objects"
    // (developers.cloudflare.com/durable-objects/platform/spend-management, 2026-11).
    pattern:
      /depth limit|limit exceeded for the day|exceeded allowed (?:rows|volume)|spending cap/i,
    code: 'RATE_LIMITED',
    ...REFUSED,
  },
  // workerd 1.20261102; the text advises to use a handler.
  { pattern: /called within global scope/, code: 'UNAVAILABLE', ...REFUSED },
]

/**
 * Converts what the platform threw to a `StoreError`. A `StoreError` is returned unchanged.
 *
 * @param outcome the outcome of the write, unless the error itself determines it
 * @param options.source the subject of the message
 * @param options.known the first one that matches applies
 * @param options.otherwise applies if none matches
 */
export function fromPlatformError(
  error: unknown,
  outcome: WriteOutcome,
  {
    source,
    known,
    otherwise,
  }: {
    readonly source: string
    readonly known: readonly PlatformError[]
    readonly otherwise: Omit<PlatformError, 'pattern'>
  },
): StoreError {
  if (isStoreError(error)) return error
  const text = textOf(error)
  const { advice = '', ...meaning } = known.find(({ pattern }) => pattern.test(text)) ?? otherwise
  const message = `${source}: ${text.replace(/\.?$/, '.')} ${advice}`.trimEnd()
  return new StoreError(meaning.code, message, { outcome, ...meaning, cause: error })
}
