import { toStoreError, StoreError, type WriteOutcome } from '../../src/errors.ts'

/** The part of a `KVNamespace` that is used; ours, so that no Workers types are needed. */
export interface KVBinding {
  get(key: string, type: 'text'): Promise<string | null>
  get(keys: string[], type: 'text'): Promise<Map<string, string | null>>
  put(key: string, value: string, options: { metadata: object; expiration?: number }): Promise<void>
  delete(key: string): Promise<void>
  list(options: { prefix: string; cursor?: string }): Promise<KVPage>
}

interface KVPage {
  readonly keys: readonly { readonly name: string; readonly metadata?: unknown }[]
  readonly list_complete: boolean
  readonly cursor?: string
}

/** What one invocation of a Worker may ask of KV; a bulk get counts once. */
export const MAX_OPERATIONS = 1000

/** The keys that begin with the prefix, a thousand at a time. */
export async function* list(kv: KVBinding, prefix: string): AsyncGenerator<KVPage['keys']> {
  let cursor: string | undefined
  do {
    const from = cursor === undefined ? { prefix } : { prefix, cursor }
    const page: KVPage = await attempt(() => kv.list(from), 'not-applied')
    yield page.keys
    cursor = page.list_complete ? undefined : page.cursor
  } while (cursor !== undefined)
}

export async function attempt<T>(call: () => Promise<T>, outcome: WriteOutcome): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw translate(error, outcome)
  }
}

/** Only the message of KV's errors carries the status: `KV PUT failed: 429 Too Many Requests`. */
function translate(cause: unknown, outcome: WriteOutcome): StoreError {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (/Too many (?:API requests|subrequests)/i.test(message)) {
    const said = `Workers KV: ${message} This invocation has made all the operations it may; go on in another request.`
    return new StoreError('RATE_LIMITED', said, { cause, retryable: false })
  }
  const status = Number(/^KV \w+ failed: (\d{3})/.exec(message)?.[1])
  if (status === 429) return new StoreError('RATE_LIMITED', `Workers KV: ${message}`, { cause })
  if (status === 413) return new StoreError('TOO_LARGE', `Workers KV: ${message}`, { cause })
  if (status === 414) return new StoreError('INVALID_KEY', `Workers KV: ${message}`, { cause })
  if (status >= 500)
    return new StoreError('CONNECTION_LOST', `Workers KV: ${message}`, { cause, outcome })
  return toStoreError(cause, { outcome: status === 400 ? 'not-applied' : outcome })
}

/** Refuses what one invocation of a Worker cannot finish; nothing of it is begun. */
export function tooMany(what: string): StoreError {
  return new StoreError(
    // Not `TOO_LARGE`, after which each operation would be tried by itself.
    'RATE_LIMITED',
    `Workers KV takes ${MAX_OPERATIONS} operations from one invocation of a Worker; ${what}`,
    { retryable: false },
  )
}

const PARALLEL = 6

// A Worker has six connections; more calls at once would only queue. After a failure nothing is
// begun any more, and it is thrown when all has come to rest.
export async function inParallel<T>(
  items: readonly T[],
  run: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  let failed: { readonly error: unknown } | undefined
  const lane = async (): Promise<void> => {
    while (next < items.length && failed === undefined) {
      const index = next++
      try {
        await run(items[index] as T, index)
      } catch (error) {
        failed ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, lane))
  if (failed !== undefined) throw failed.error
}

// A service binding answers to any method name, but unlike KV it has `fetch`.
export function isKV(value: object): boolean {
  const binding = value as Partial<Record<'getWithMetadata' | 'put' | 'list' | 'fetch', unknown>>
  return (
    typeof binding.getWithMetadata === 'function' &&
    typeof binding.put === 'function' &&
    typeof binding.list === 'function' &&
    typeof binding.fetch !== 'function'
  )
}
