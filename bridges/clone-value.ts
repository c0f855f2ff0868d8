import { toStoreError } from '../src/errors.ts'
import { cloneValue as cloneStorable } from '../src/value/copy-value.ts'

/**
 * Copies a value as a store does, for a bridge that stores it later than its caller passed it.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function cloneValue<V>(
  value: V,
  location: { namespace: string | undefined; key?: string },
): V {
  try {
    return cloneStorable(value) as V
  } catch (error) {
    throw toStoreError(error, location)
  }
}
