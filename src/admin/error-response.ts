import { InvalidInputError } from '../backup/entry.ts'
import { quote } from '../errors.ts'
import { isStoreError, type StoreError } from '../index.ts'
import { HttpError, jsonResponse } from './http.ts'

const RETRY_AFTER_SECONDS = '1'
const OVERLOADED_RETRY_AFTER_SECONDS = '30'

/** Options of {@link errorResponse}. */
export interface ErrorResponseOptions {
  /** Names what the request stores, for the sentence, such as `the message`; absent for a read. */
  readonly writtenNoun?: string | undefined
  /** Whether the client may see the namespace and the key of a StoreError. Default `false`. */
  readonly showLocation?: boolean | undefined
  /** Called with each error except an HttpError below 500. Default `console.error`. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/**
 * Creates the JSON response for an error: a sentence, the code of a StoreError, and never a stack.
 *
 * An HttpError keeps its status. A StoreError is 503 with `retry-after` if a retry may help or if
 * its outcome is unknown, otherwise 500. Any other error is 500.
 *
 * @example
 * try {
 *   return jsonResponse(await saveMessage(request))
 * } catch (error) {
 *   return errorResponse(error, { writtenNoun: 'the message' })
 * }
 */
export function errorResponse(
  error: unknown,
  { writtenNoun, showLocation = false, onError = console.error }: ErrorResponseOptions = {},
): Response {
  if (error instanceof HttpError) {
    if (error.status >= 500) onError(error)
    return jsonResponse({ error: error.message }, error.status, error.headers)
  }
  onError(error)
  if (isStoreError(error)) {
    const { code, namespace, key } = error
    return storeErrorResponse(
      error,
      writtenNoun,
      showLocation ? { code, namespace, key } : { code },
    )
  }
  return jsonResponse({ error: 'Internal error; see the log.' }, 500)
}

function storeErrorResponse(
  { code, retryable, outcome }: StoreError,
  writtenNoun: string | undefined,
  details: object,
): Response {
  if (!retryable && outcome !== 'unknown') {
    return jsonResponse({ error: 'The storage failed; a retry will not help.', ...details }, 500)
  }
  const seconds = code === 'OVERLOADED' ? OVERLOADED_RETRY_AFTER_SECONDS : RETRY_AFTER_SECONDS
  const error = retrySentence(outcome === 'unknown', writtenNoun)
  return jsonResponse({ error, ...details }, 503, { 'retry-after': seconds })
}

function retrySentence(isUnknown: boolean, writtenNoun: string | undefined): string {
  if (writtenNoun === undefined) return 'The storage failed for now; try again later.'
  if (isUnknown) {
    return `The storage failed; ${writtenNoun} may or may not be stored. Check that before you repeat the request.`
  }
  // A request makes several writes, and some of them may have succeeded.
  return `The storage failed for now; ${writtenNoun} may be stored in part. Repeat the request later.`
}

/**
 * Maps an error that the client caused to an HttpError: 400 for an invalid entry and for a name that
 * this storage cannot hold, 413 for a value that is too large. Other errors are returned as they are.
 */
export function toClientError(error: unknown): unknown {
  if (error instanceof InvalidInputError) return new HttpError(400, error.message)
  if (!isStoreError(error)) return error
  const { code, namespace, key } = error
  const entry = `The entry ${quote(key)} of ${quote(namespace)}`
  switch (code) {
    case 'TOO_LARGE':
      return new HttpError(413, `${entry} is too large for this storage.`)
    case 'INVALID_NAMESPACE':
      if (namespace === undefined) return new HttpError(400, error.message)
      return new HttpError(400, `This storage cannot hold a namespace ${quote(namespace)}.`)
    case 'INVALID_KEY':
      return new HttpError(400, `${entry} has a key that is too long for this storage.`)
    case 'INVALID_VALUE':
      return new HttpError(400, `${entry} cannot be stored: ${error.message}`)
    default:
      return error
  }
}
