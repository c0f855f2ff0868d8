import type { BetterAuthOptions } from 'better-auth'
import { quote, StoreError } from '../src/errors.ts'
import type { Store } from '../src/store.ts'
import { checkStore } from './check-store.ts'

/** The type of Better Auth's option `secondaryStorage`. */
type SecondaryStorage = NonNullable<BetterAuthOptions['secondaryStorage']>

/**
 * Creates the secondary storage of Better Auth: sessions, verifications and rate limits. Better Auth
 * gives times to live in seconds; what has 0 of them has expired. A counter expires one window after
 * its first request, however many follow. Each method is one atomic step.
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
  return {
    get: async (key) => (await store.get(key)) ?? null,
    set: async (key, value, seconds) => {
      if (seconds === undefined) return store.set(key, value)
      const ttl = toMilliseconds(seconds, key)
      return ttl === 0 ? store.delete(key) : store.set(key, value, { ttl })
    },
    delete: async (key) => {
      await store.delete(key)
    },
    getAndDelete: async (key) => (await store.pop(key)) ?? null,
    increment: async (key, seconds) => {
      const ttl = toMilliseconds(seconds, key)
      const expiry = ttl === 0 ? { expires: 0 } : { ttl }
      return store.increment(key, 1, { ...expiry, onInsert: true })
    },
  }
}
