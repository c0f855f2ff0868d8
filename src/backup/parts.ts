/**
 * Cuts a list into parts, in order, each of at most `most` items that take at most `mostBytes`
 * bytes of UTF-8 as JSON. An item that takes more by itself is a part of its own.
 */
export function* inParts<T>(
  items: readonly T[],
  most: number,
  mostBytes: number,
): Generator<readonly T[], void, undefined> {
  let part: T[] = []
  let bytes = 0
  for (const item of items) {
    const size = jsonBytes(item)
    if (part.length > 0 && (part.length === most || bytes + size > mostBytes)) {
      yield part
      part = []
      bytes = 0
    }
    part.push(item)
    bytes += size
  }
  if (part.length > 0) yield part
}

/** How many bytes of UTF-8 an item of a JSON list takes, with the comma behind it. */
export function jsonBytes(item: unknown): number {
  return new TextEncoder().encode(JSON.stringify(item)).length + 1
}
