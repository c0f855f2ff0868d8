import { isStoreError, type StoreError } from 'botshelf'

/** Is it a failure of the storage after which the same may succeed, or has succeeded unseen? */
export function isTransient(error: unknown): error is StoreError {
  return isStoreError(error) && (error.retryable || error.outcome === 'unknown')
}
