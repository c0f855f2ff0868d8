// The times to live of unstorage, in seconds. Its documentation does not say what 0 means. Its drivers for
// Redis, Upstash, Deno KV and Workers KV, and its server, store such a key without expiry (1.17.6).

import type { StorageMeta, TransactionOptions } from 'unstorage'
import type { WriteOptions } from '../../src/arguments.ts'
import { quote, StoreError } from '../../src/errors.ts'
import type { StoreRecord } from '../../src/store-types.ts'

/** Converts the expiry of a record to what `getMeta` returns; `null` for a missing key. */
export function toMeta(record: StoreRecord<unknown> | undefined): StorageMeta | null {
  if (record?.expires === undefined) return record ? {} : null
  // In whole seconds, since unstorage's server sends it as `max-age`.
  return { ttl: Math.max(1, Math.ceil((record.expires - Date.now()) / 1000)) }
}

/**
 * Converts the options of a write.
 *
 * @throws StoreError `INVALID_VALUE` for a `ttl` that is negative or no number
 */
export function toWriteOptions(
  location: { namespace: string | undefined; key: string },
  options?: TransactionOptions,
): WriteOptions {
  const seconds: unknown = options?.['ttl']
  if (seconds === undefined || seconds === 0) return {}
  if (typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0)
    return { ttl: seconds * 1000 }
  throw new StoreError(
    'INVALID_VALUE',
    `ttl must be a number of seconds, 0 or more; received ${quote(seconds)}. Leave it out for a key that never expires.`,
    location,
  )
}
