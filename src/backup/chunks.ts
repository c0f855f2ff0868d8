/**
 * The most entries in one request to the admin API, and in one write to a storage. The limit exists
 * because a Worker may make 1,000 subrequests while it handles a request. `GET /storage` returns a
 * namespace of up to 1,000 entries as a whole, and `PUT /storage` may remove 500 entries besides.
 */
export const MAX_CHUNK_ENTRIES = 200
/** The most bytes of JSON in one request or one write: 1 MiB. A single larger entry goes alone. */
export const MAX_CHUNK_BYTES: number = 1024 * 1024

/** The bounds of a chunk. */
export interface ChunkBounds {
  /** The most items in a chunk. */
  readonly maxItems: number
  /** The most bytes of UTF-8 that its items take as JSON, each with a comma. */
  readonly maxBytes: number
}

/**
 * Splits a list into chunks, in order. An item larger than `maxBytes` is a chunk of its own.
 *
 * @example
 * for (const chunk of splitIntoChunks(changes, { maxItems: 200, maxBytes: 1024 * 1024 })) {
 *   await target.apply(chunk)
 * }
 */
export function* splitIntoChunks<T>(
  items: readonly T[],
  { maxItems, maxBytes }: ChunkBounds,
): Generator<readonly T[], void, undefined> {
  let chunk: T[] = []
  let bytes = 0
  for (const item of items) {
    const size = jsonBytes(item)
    if (chunk.length > 0 && (chunk.length === maxItems || bytes + size > maxBytes)) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(item)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}

/** Counts the bytes of UTF-8 that an item of a JSON list takes, with the comma after it. */
export function jsonBytes(item: unknown): number {
  return new TextEncoder().encode(JSON.stringify(item)).length + 1
}
