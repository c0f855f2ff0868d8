// The calls to Workers KV: what botshelf uses of a binding, and what the platform's errors mean.
import { StoreError, type WriteOutcome } from '../../src/errors.ts'
import { fromPlatformError, type PlatformError, REFUSALS } from '../workers/platform-errors.ts'

/**
 * The part of a `KVNamespace` that botshelf uses. Declared here, so that users need no Workers
 * types.
 */
export interface KVBinding {
  get(key: string, type: 'text'): Promise<string | null>
  get(keys: string[], type: 'text'): Promise<Map<string, string | null>>
  put(key: string, value: string, options: { metadata: object; expiration?: number }): Promise<void>
  delete(key: string): Promise<void>
  list(options: { prefix: string; cursor?: string; limit?: number }): Promise<KVPage>
}

interface KVPage {
  readonly keys: readonly { readonly name: string; readonly metadata?: unknown }[]
  readonly list_complete: boolean
  readonly cursor?: string
}

/** Tests whether an object is a KV namespace. */
export function isKVBinding(value: object): boolean {
  const binding = value as Partial<Record<'getWithMetadata' | 'put' | 'list' | 'fetch', unknown>>
  // A service binding has every method, but unlike a KV namespace it has `fetch` too.
  return (
    typeof binding.getWithMetadata === 'function' &&
    typeof binding.put === 'function' &&
    typeof binding.list === 'function' &&
    typeof binding.fetch !== 'function'
  )
}

/** The operations that KV allows in one invocation of a Worker. A bulk get counts as one. */
export const MAX_OPERATIONS = 1000

/** Creates the error for a call that needs more operations; `problem` continues the sentence. */
export function tooManyOperations(problem: string): StoreError {
  return new StoreError(
    // Not `TOO_LARGE`, after which the queue would halve the batch and retry.
    'RATE_LIMITED',
    `Workers KV allows ${MAX_OPERATIONS} operations in one invocation of a Worker; ${problem}`,
    { retryable: false },
  )
}

/** The keys in a page of a listing, and the most that KV accepts as `limit`. */
const MAX_PAGE_KEYS = 1000

/**
 * Lists the keys that begin with `prefix`, by byte of UTF-8, in pages of up to 1,000.
 *
 * @param firstPageKeys the most keys in the first page
 */
export async function* listPages(
  kv: KVBinding,
  prefix: string,
  firstPageKeys: number = MAX_PAGE_KEYS,
): AsyncGenerator<KVPage['keys']> {
  let page = await callKV(
    () => kv.list({ prefix, limit: Math.min(firstPageKeys, MAX_PAGE_KEYS) }),
    'not-applied',
  )
  yield page.keys
  while (!page.list_complete && page.cursor !== undefined) {
    const { cursor } = page
    page = await callKV(() => kv.list({ prefix, cursor }), 'not-applied')
    yield page.keys
  }
}

// Only the text has the status: `KV PUT failed: 429 Too Many Requests`.
const KV_ERRORS: readonly PlatformError[] = [
  ...REFUSALS,
  {
    pattern: /^KV \w+ failed: 429/,
    code: 'RATE_LIMITED',
    outcome: 'not-applied',
    advice: 'Write less often to one key.',
  },
  {
    pattern: /^KV \w+ failed: 413/,
    code: 'TOO_LARGE',
    outcome: 'not-applied',
    advice: 'Split it over several keys.',
  },
  {
    pattern: /^KV \w+ failed: 414/,
    code: 'INVALID_KEY',
    outcome: 'not-applied',
    advice: 'Use a shorter one.',
  },
  { pattern: /^KV \w+ failed: 400/, code: 'BACKEND_ERROR', outcome: 'not-applied' },
  { pattern: /^KV \w+ failed: 5/, code: 'CONNECTION_LOST' },
]

/**
 * Calls KV, and converts its error.
 *
 * @param outcome the outcome of the write, if the error does not determine it
 */
export async function callKV<T>(call: () => Promise<T>, outcome: WriteOutcome): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw fromPlatformError(error, outcome, {
      source: 'Workers KV',
      known: KV_ERRORS,
      otherwise: { code: 'BACKEND_ERROR' },
    })
  }
}
