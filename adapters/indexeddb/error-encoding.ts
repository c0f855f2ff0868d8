import { ERROR_CLASSES } from '../../src/value/built-in.ts'
import { cloneValue } from '../../src/value/copy-value.ts'

/** An error as a plain object, which every browser keeps. */
interface StandIn {
  readonly name: string
  readonly message: string
  readonly cause?: unknown
}

/** A value in which plain objects stand for its errors. */
export interface Packed {
  readonly value: unknown
  readonly standIns: readonly object[]
}

/**
 * Does the browser's structured clone keep errors as they are? WebKit makes a text of what caused
 * one, and two of one that is referred to twice (measured: WebKitGTK 2.50).
 */
export function keepsErrors(): boolean {
  const error = new Error('', { cause: {} })
  const [one, other] = structuredClone([error, error])
  return one === other && typeof one?.cause === 'object'
}

/** Puts stand-ins for the errors of a value; the value itself stays as it is. */
export function encodeErrors(value: unknown): Packed {
  const standIns = new Map<Error, object>()
  const packed = substitute(cloneValue(value), (part) => {
    if (!(part instanceof Error)) return part
    const { name, message } = part
    const made = standIns.get(part) ?? { name, message, ...causeOf(part) }
    standIns.set(part, made)
    return made
  })
  return standIns.size === 0
    ? { value, standIns: [] }
    : { value: packed, standIns: [...standIns.values()] }
}

/** Puts the errors back, in place. */
export function decodeErrors({ value, standIns }: Packed): unknown {
  const errors = new Map<object, Error | undefined>(standIns.map((each) => [each, undefined]))
  return substitute(value, (part) => {
    if (!errors.has(part)) return part
    const error = errors.get(part) ?? revive(part as StandIn)
    errors.set(part, error)
    return error
  })
}

function revive(standIn: StandIn): Error {
  const Class = ERROR_CLASSES[standIn.name] ?? Error
  const error = new Class(standIn.message, causeOf(standIn))
  error.stack = `${standIn.name}: ${standIn.message}`
  return error
}

function causeOf(from: { readonly cause?: unknown }): { cause?: unknown } {
  return Object.hasOwn(from, 'cause') ? { cause: from.cause } : {}
}

/** Swaps objects within a value, in place; shared ones stay shared, and cycles closed. */
function substitute(root: unknown, swap: (part: object) => object): unknown {
  const seen = new Set<object>()
  const visit = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part
    const now = swap(part)
    if (seen.has(now) || ArrayBuffer.isView(now)) return now
    seen.add(now)
    if (now instanceof Map) {
      const pairs = [...now]
      now.clear()
      for (const [key, item] of pairs) now.set(visit(key), visit(item))
    } else if (now instanceof Set) {
      const items = [...now]
      now.clear()
      for (const item of items) now.add(visit(item))
    } else if (now instanceof Error) {
      if (Object.hasOwn(now, 'cause')) now.cause = visit(now.cause)
    } else {
      const parts = now as Record<string, unknown>
      for (const key of Object.keys(parts)) parts[key] = visit(parts[key])
    }
    return now
  }
  return visit(root)
}
