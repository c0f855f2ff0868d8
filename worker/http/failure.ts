import { isStoreError, type StoreError } from '../../src/index.js'
import { HttpError, json } from './reply.js'

/**
 * An error as a reply: a sentence and, from a storage, its code; never a stack. 503 is worth
 * another try or leaves open what is stored; 500 is not.
 */
export function failure(error: unknown): Response {
  if (error instanceof HttpError) {
    return json({ error: error.message }, error.status, error.headers)
  }
  console.error(error)
  if (isStoreError(error)) return storeFailure(error)
  return json({ error: 'The bot made a mistake.' }, 500)
}

function storeFailure({ code, retryable, outcome }: StoreError): Response {
  if (!retryable && outcome !== 'unknown') {
    return json({ error: 'The storage failed, and trying again will not help.', code }, 500)
  }
  // A message is heard by several plugins, and some of them may have stored it already.
  const error =
    outcome === 'unknown'
      ? 'The storage failed; what was said may be stored or not.'
      : 'The storage is busy; what was said may be stored in part.'
  const after = code === 'OVERLOADED' ? '30' : '1'
  return json({ error, code }, 503, { 'retry-after': after })
}
