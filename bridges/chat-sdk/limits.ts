import { DURATION, type OptionTypes, POSITIVE_INTEGER } from '../../src/arguments.ts'
import { quote, StoreError } from '../../src/errors.ts'
import type { Store } from '../../src/store.ts'

/** The names that Chat SDK gives to limits. */
type LimitName = 'ttlMs' | 'maxLength' | 'maxSize' | 'entry.expiresAt'

const LIMITS: Readonly<Record<LimitName, OptionTypes[string]>> = {
  ttlMs: DURATION,
  maxLength: POSITIVE_INTEGER,
  maxSize: POSITIVE_INTEGER,
  'entry.expiresAt': ['a time in milliseconds since 1970', Number.isFinite],
}

/** Returns a limit. @throws StoreError `INVALID_VALUE` if it is wrong or missing */
export function checkLimit(
  name: LimitName,
  limit: number | undefined,
  { namespace }: Store,
): number {
  const [expected, accepts] = LIMITS[name]
  if (accepts(limit)) return limit as number
  const text = `${name} must be ${expected}; received ${quote(limit)}.`
  throw new StoreError('INVALID_VALUE', text, { namespace })
}

/**
 * Works like {@link checkLimit} for a limit that may be missing. Chat SDK's adapters take 0 as no
 * limit and no expiry.
 */
export function unlessZero(
  name: LimitName,
  limit: number | undefined,
  store: Store,
): number | undefined {
  return limit === undefined || limit === 0 ? undefined : checkLimit(name, limit, store)
}
