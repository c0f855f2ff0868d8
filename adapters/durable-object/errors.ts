import type { StoreError, WriteOutcome } from '../../src/errors.ts'
import { fromPlatformError, type PlatformError, REFUSALS } from '../workers/platform-errors.ts'

/** The lines of `wrangler.toml` that give objects SQLite. */
export const MIGRATION_TOML = `[[migrations]]
tag = "v1"
new_sqlite_classes = ["StorageObject"]`

/** What the messages of objects, of their storage and of their stubs mean. */
const OBJECT_ERRORS: readonly PlatformError[] = [
  ...REFUSALS,
  {
    // The texts of `storage.kv` and of `storage.sql` name it (workerd 1.20261102).
    pattern: /new_sqlite_classes/,
    code: 'CONFIG_INVALID',
    outcome: 'not-applied',
    advice: `Use a new class. In wrangler.toml, with its name:\n\n${MIGRATION_TOML}`,
  },
  { pattern: /SQLITE_TOOBIG|limited to 32MiB/, code: 'TOO_LARGE', outcome: 'not-applied' },
  { pattern: /SQLITE_FULL/, code: 'QUOTA_EXCEEDED', outcome: 'not-applied' },
  {
    pattern: /RPC receiver does not implement/,
    code: 'VERSION_MISMATCH',
    outcome: 'not-applied',
  },
  // "Your account is generating too much load on Durable Objects." and "Your account is doing too
  // many concurrent storage operations.", both with "Please back off and try again later."
  // (developers.cloudflare.com/durable-objects/observability/troubleshooting, 2026-11)
  { pattern: /too much load|too many concurrent storage operations/, code: 'RATE_LIMITED' },
  // A request may run when the limit is reached (users' reports, 2026-08).
  { pattern: /exceeded allowed duration/i, code: 'RATE_LIMITED', retryable: false },
  {
    // Besides texts of the same page: "The Durable Object's code has been updated, this version can no
    // longer access storage.", "Durable Object's isolate exceeded its memory limit and was reset.",
    // "Durable Object exceeded its CPU time limit and was reset.", "Internal error in Durable Object
    // storage caused object to be reset" and "cannot access storage because object has moved to a
    // different machine" (users' reports until 2026-11).
    pattern:
      /Network connection lost|transient issue on remote node|code (?:was|has been) updated|caused object to be reset|limit and was reset|no longer active|moved to a different machine|internal error; reference|socket|ECONNRE|fetch failed/i,
    code: 'CONNECTION_LOST',
  },
]

/**
 * Converts what an object, its storage or its stub threw to a `StoreError`.
 *
 * @param outcome the outcome of the write, unless the error itself determines it
 * @param options.isStub whether a stub threw it: unless the object did, an error of unknown text may pass
 */
export function fromObjectError(
  error: unknown,
  outcome: WriteOutcome,
  { isStub = false }: { readonly isStub?: boolean } = {},
): StoreError {
  // The platform sets these on the errors of a stub (documented 2026-11).
  const { overloaded, remote, retryable, durableObjectReset } = (error ?? {}) as {
    overloaded?: unknown
    remote?: unknown
    retryable?: unknown
    durableObjectReset?: unknown
  }
  const source = 'The Durable Object failed'
  if (overloaded === true) {
    const otherwise = { code: 'OVERLOADED', advice: 'Use more objects.' } as const
    return fromPlatformError(error, outcome, { source, known: [], otherwise })
  }
  const isLost = retryable === true || durableObjectReset === true
  const otherwise = {
    code: isLost ? 'CONNECTION_LOST' : 'BACKEND_ERROR',
    retryable: isLost || (isStub && remote !== true),
  } as const
  return fromPlatformError(error, outcome, { source, known: OBJECT_ERRORS, otherwise })
}

/** Runs synchronous calls of an object's storage, and converts what they throw. */
export function callStorage<T>(call: () => T, outcome: WriteOutcome = 'not-applied'): T {
  try {
    return call()
  } catch (error) {
    throw fromObjectError(error, outcome)
  }
}
