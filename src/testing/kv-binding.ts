// The part of a KV namespace that staleKV uses, and its values. See stale-kv.ts.

export interface ReadOptions {
  readonly type?: string
  readonly cacheTtl?: number
}

export interface Read {
  readonly value: unknown
  readonly metadata: unknown
  readonly cacheStatus?: string | null
}

export interface ListedKey {
  readonly name: string
  readonly expiration?: number
  readonly metadata?: unknown
}

export interface Page {
  readonly keys: readonly ListedKey[]
  readonly list_complete: boolean
  readonly cursor?: string
}

export interface ListOptions {
  readonly prefix?: string | null
  readonly cursor?: string | null
  readonly limit?: number
}

/** The methods of a KV namespace, as a location uses them. */
export interface Binding {
  getWithMetadata(key: string, type: string): Promise<Read>
  getWithMetadata(keys: readonly string[], type: string): Promise<Map<string, Read | null>>
  put(key: string, value: unknown, options?: { readonly metadata?: unknown }): Promise<void>
  delete(key: string): Promise<void>
  list(options: ListOptions): Promise<Page>
}

/** What a location keeps of a key. `value` is `null` if the key was absent. */
export interface CachedRead {
  readonly value: string | ArrayBuffer | null
  readonly metadata: unknown
  readonly until: number
}

/** Returns the type of value that a read asks for. */
export function typeOf(options: string | ReadOptions | undefined): string {
  return (typeof options === 'object' ? options.type : options) ?? 'text'
}

/** Converts what is kept of a key to the type that the caller asked for. */
export function toRead(
  { value, metadata }: CachedRead,
  options: string | ReadOptions | undefined,
): Read {
  const read = { metadata: structuredClone(metadata), cacheStatus: null }
  if (value === null) return { value, ...read }
  const type = typeOf(options)
  if (type === 'arrayBuffer') return { value: toBytes(value), ...read }
  if (type === 'stream') return { value: new Response(toBytes(value)).body, ...read }
  const text = typeof value === 'string' ? value : new TextDecoder().decode(value)
  return { value: type === 'json' ? (JSON.parse(text) as unknown) : text, ...read }
}

/** Returns a copy. */
function toBytes(value: string | ArrayBuffer): ArrayBuffer {
  return typeof value === 'string' ? new TextEncoder().encode(value).slice().buffer : value.slice(0)
}

/** Reads a stream, and copies bytes. What is no object is stored as text, also `null`. */
export async function toStored(value: unknown): Promise<unknown> {
  if (value instanceof ReadableStream || value instanceof ArrayBuffer || ArrayBuffer.isView(value))
    return new Response(value as ArrayBuffer).arrayBuffer()
  return typeof value === 'object' && value !== null ? value : String(value)
}
