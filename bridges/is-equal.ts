import { builtInName } from '../src/value/built-in.ts'
import { ownKeys } from '../src/value/copy-context.ts'

/**
 * Compares two values that can be stored, by their content. `NaN` equals itself, `0` and `-0` differ,
 * and so do a hole and `undefined`. The order of an object's fields does not count; the order of a
 * `Map` or a `Set` does, and so does which references lead to one object. Values that cannot be
 * stored, such as two functions or two instances of a class, are equal only if they are identical.
 */
export function isEqual(
  a: unknown,
  b: unknown,
  partners: Map<object, unknown> = new Map(),
): boolean {
  if (Object.is(a, b)) return true
  if (!isObject(a) || !isObject(b)) return false
  // Visiting each object once ends cycles. References to one object are stored as such.
  if (partners.has(a) || partners.has(b)) return partners.get(a) === b && partners.get(b) === a
  const name = builtInName(a)
  if (name === undefined || name !== builtInName(b)) return false
  partners.set(a, b).set(b, a)
  const [bytes, otherBytes] = [bytesOf(a), bytesOf(b)]
  if (bytes && otherBytes) {
    return bytes.length === otherBytes.length && bytes.every((byte, i) => byte === otherBytes[i])
  }
  const [own, other] = [partsOf(a, name), partsOf(b, name)]
  if (own.size !== other.size) return false
  for (const [key, part] of own) {
    if (!other.has(key) || !isEqual(part, other.get(key), partners)) return false
  }
  return true
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Returns what the content of an object consists of. */
function partsOf(value: object, name: string): ReadonlyMap<unknown, unknown> {
  if (value instanceof Map) return new Map([...value].flat().entries())
  if (value instanceof Set) return new Map([...value].entries())
  if (value instanceof Date) return new Map([[0, value.getTime()]])
  if (value instanceof RegExp) return new Map([[0, String(value)]])
  // The stack of an error is not stored.
  if (value instanceof Error) return new Map([value.message, value.cause].entries())
  // Nothing but these can be stored, so two others count as different.
  if (name !== 'Object' && name !== 'Array') return new Map([[value, 0]])
  return new Map(ownKeys(value).map((key) => [key, (value as Record<PropertyKey, unknown>)[key]]))
}

/** Returns the bytes of a buffer or a view; `undefined` for anything else. */
function bytesOf(value: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined
}
