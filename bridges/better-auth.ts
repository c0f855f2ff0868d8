import type { BetterAuthOptions } from 'better-auth'
import { quote, StoreError } from '../src/errors.ts'
import { checkKey } from '../src/key.ts'
import type { Store } from '../src/store.ts'
import { checkStore } from './check-store.ts'

/** The type of Better Auth's option `secondaryStorage`. */
type SecondaryStorage = NonNullable<BetterAuthOptions['secondaryStorage']>

/**
 * The longest key that is stored as it is, in UTF-16 code units. A client chooses the path in the key
 * of a rate limit, so longer keys must neither fail nor fill the storage.
 */
const MAX_KEY_LENGTH = 512

/**
 * Creates the secondary storage of Better Auth: sessions, verifications and rate limits. Better Auth
 * gives times to live in seconds; what has 0 of them has expired. A counter expires one window after
 * its first request, however many follow. Each method is one atomic step. A key of more than 512
 * characters is stored as `sha256:` and its hash.
 *
 * @param store holds nothing else, since Better Auth chooses the keys
 * @throws StoreError `NOT_ATOMIC` if the store's backend has no atomic steps; `INVALID_VALUE` if it
 * is no store. The methods reject with the store's errors, and with `INVALID_VALUE` for a time to
 * live that is negative or no number.
 *
 * @see https://www.better-auth.com/docs/concepts/database#secondary-storage
 *
 * @example
 * const auth = betterAuth({ secondaryStorage: secondaryStorage(await runtime.open('auth')) })
 */
export function secondaryStorage(store: Store): SecondaryStorage {
  const { namespace } = checkStore(store, { caller: 'secondaryStorage' })
  const toMilliseconds = (seconds: number, key: string): number => {
    if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000
    throw new StoreError(
      'INVALID_VALUE',
      `ttl must be a number of seconds, 0 or more; received ${quote(seconds)}. Correct the option of Better Auth that sets it, such as rateLimit.window.`,
      { namespace, key },
    )
  }
  const toStoreKey = async (key: string): Promise<string> => {
    checkKey(key, Number.POSITIVE_INFINITY, 'A key', namespace)
    if (key.length <= MAX_KEY_LENGTH) return key
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
    const bytes = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0'))
    return `sha256:${bytes.join('')}`
  }
  return {
    get: async (key) => (await store.get(await toStoreKey(key))) ?? null,
    set: async (key, value, seconds) => {
      const ttl = seconds === undefined ? undefined : toMilliseconds(seconds, key)
      const storeKey = await toStoreKey(key)
      return ttl === 0 ? store.delete(storeKey) : store.set(storeKey, value, { ttl })
    },
    delete: async (key) => store.delete(await toStoreKey(key)),
    getAndDelete: async (key) => (await store.pop(await toStoreKey(key))) ?? null,
    increment: async (key, seconds) => {
      const ttl = toMilliseconds(seconds, key)
      const expiry = ttl === 0 ? { expires: 0 } : { ttl }
      return store.increment(await toStoreKey(key), 1, { ...expiry, onInsert: true })
    },
  }
}
