import { isStoreError, type StoreError } from '../index.ts'
import { HttpError, jsonResponse } from './reply.ts'

/**
 * An error as a reply: a sentence and, from a storage, its code; never a stack. 503 is worth
 * another try or leaves open what is stored; 500 is not. `written` names what the request was to
 * store, in the words of a sentence; it is absent if nothing. The operator is told where as well.
 */
export function errorResponse(error: unknown, written?: string, operator = false): Response {
  if (error instanceof HttpError) {
    if (error.status >= 500) console.error(error)
    return jsonResponse({ error: error.message }, error.status, error.headers)
  }
  console.error(error)
  if (isStoreError(error)) {
    const { code, namespace, key } = error
    return storeFailure(error, written, operator ? { code, namespace, key } : { code })
  }
  return jsonResponse({ error: 'The bot made a mistake.' }, 500)
}

function storeFailure(
  { code, retryable, outcome }: StoreError,
  written: string | undefined,
  where: object,
): Response {
  if (!retryable && outcome !== 'unknown') {
    return jsonResponse(
      { error: 'The storage failed, and trying again will not help.', ...where },
      500,
    )
  }
  const after = code === 'OVERLOADED' ? '30' : '1'
  const failed = outcome === 'unknown'
  return jsonResponse({ error: sentence(failed, written), ...where }, 503, { 'retry-after': after })
}

function sentence(failed: boolean, written: string | undefined): string {
  const what = failed ? 'The storage failed' : 'The storage is busy'
  if (written === undefined) return `${what}; try again.`
  // One request stores several things, and some of them may be stored already.
  return `${what}; ${written} may be stored ${failed ? 'or not' : 'in part'}.`
}
