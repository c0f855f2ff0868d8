import { MAX_DEPTH } from './copy-context.ts'

/** Room for a wrapper, such as an entry or a backup, around a value of the maximum depth. */
export const MAX_ENCODED_DEPTH: number = MAX_DEPTH + 16

// JSON would repeat a string at each reference, and devalue writes it once. A shorter string takes at
// most 189 bytes of JSON each time, and a reference at least 2, both with a comma. So the text of an
// untrusted value becomes at most about a hundred times as long as the text that it was decoded from.
const MIN_SHARED_LENGTH = 32

// Character codes.
const TILDE = 126
const ZERO = 48

/**
 * Returns a result of `copyValue` or `cloneValue` in a form that JSON keeps: a Date since 1970 as
 * `~` and its milliseconds, a string that begins with `~` with another `~` before it. It copies only
 * what contains one of these.
 *
 * @param seen the objects and the long strings so far
 * @returns `undefined` if the value contains anything else that JSON does not keep, such as a Map,
 * a hole, or two references to one object or long string
 */
export function toJsonForm(copied: unknown, seen: Set<unknown> = new Set()): unknown {
  switch (typeof copied) {
    case 'boolean':
      return copied
    case 'number':
      return Number.isFinite(copied) && !Object.is(copied, -0) ? copied : undefined
    case 'string':
      if (copied.length >= MIN_SHARED_LENGTH) {
        if (seen.has(copied)) return undefined
        seen.add(copied)
      }
      return copied.charCodeAt(0) === TILDE ? `~${copied}` : copied
    case 'object':
      break
    default:
      return undefined
  }
  if (copied === null) return null
  if (seen.has(copied)) return undefined
  seen.add(copied)
  const prototype: unknown = Object.getPrototypeOf(copied)
  if (prototype === Object.prototype) {
    let form = copied as Record<string, unknown>
    for (const key in copied) {
      const item = form[key]
      const itemForm = toJsonForm(item, seen)
      if (itemForm === undefined) return undefined
      if (itemForm !== item && Object.hasOwn(form, key)) {
        if (form === copied) form = { ...form }
        form[key] = itemForm
      }
    }
    return form
  }
  if (prototype === Array.prototype) {
    let form = copied as unknown[]
    for (let i = 0; i < form.length; i++) {
      const item = form[i]
      const itemForm = toJsonForm(item, seen)
      if (itemForm === undefined) return undefined
      if (itemForm !== item) {
        if (form === copied) form = [...form]
        form[i] = itemForm
      }
    }
    return form
  }
  const time = prototype === Date.prototype ? (copied as Date).getTime() : -1
  return time >= 0 ? `~${time}` : undefined
}

/**
 * Turns what {@link toJsonForm} returned, parsed from JSON, back into the value. It changes `form`.
 *
 * @throws TypeError if the value could not be stored
 */
export function fromJsonForm(form: unknown): unknown {
  if (typeof form === 'string') return isTagged(form) ? untag(form) : form
  if (typeof form === 'object' && form !== null) untagParts(form as Parts, 1)
  return form
}

type Parts = Record<string, unknown>

function untagParts(parts: Parts | unknown[], depth: number): void {
  if (depth > MAX_ENCODED_DEPTH) throw new TypeError('nests too deep')
  if (Array.isArray(parts)) {
    for (let i = 0; i < parts.length; i++) {
      const part: unknown = parts[i]
      if (typeof part === 'string') {
        if (isTagged(part)) parts[i] = untag(part)
      } else if (typeof part === 'object' && part !== null) untagParts(part as Parts, depth + 1)
    }
    return
  }
  for (const key in parts) {
    if (key === '__proto__') throw new TypeError('has an own property "__proto__"')
    const part = parts[key]
    if (typeof part === 'string') {
      if (isTagged(part) && Object.hasOwn(parts, key)) parts[key] = untag(part)
    } else if (typeof part === 'object' && part !== null && Object.hasOwn(parts, key))
      untagParts(part as Parts, depth + 1)
  }
}

function isTagged(text: string): boolean {
  return text.charCodeAt(0) === TILDE
}

function untag(text: string): unknown {
  if (text.charCodeAt(1) === TILDE) return text.slice(1)
  // V8 13.6 takes longer to slice the digits and to parse them.
  let time = 0
  for (let i = 1; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO
    if (digit < 0 || digit > 9) throw new TypeError('is not a time')
    time = 10 * time + digit
  }
  return new Date(time)
}
