import {
  DAMAGED,
  type FuzzExpiry,
  type FuzzOperation,
  keysOf,
  MALFORMED,
  type UpdaterAction,
} from './operations.ts'
import { type FuzzValue, withId, writtenId } from './values.ts'

export interface ModelEntry {
  readonly value: FuzzValue
  readonly expires?: number
}
export type ModelState = ReadonlyMap<string, ModelEntry>

/** A result, or the code of an error; `own` is the error that the updater threw. */
export type Expected = { readonly result: unknown } | { readonly code: string }

export interface ModelResult {
  readonly state: ModelState
  readonly expected: Expected
}

/** The result of a listing, which is compared separately. */
export const LISTING_RESULT = Symbol('listed')

/** The entries that have not expired at `now`. */
export function liveEntries(state: ModelState, now: number): Map<string, ModelEntry> {
  return new Map([...state].filter(([, { expires }]) => expires === undefined || expires > now))
}

/** Whether an operation did without its read or its write. */
export interface SkippedCalls {
  readonly read: boolean
  readonly write: boolean
}

/**
 * Applies one operation to a dictionary, as the documentation describes it. If a later operation of
 * the same tick replaces what it writes, the storage never sees its read or write (`skipped`): then
 * a refused or unreadable entry does not make it fail.
 */
export function applyOperation(
  before: ModelState,
  op: FuzzOperation,
  ownId: number,
  now: number,
  skipped: SkippedCalls,
): ModelResult {
  const live = liveEntries(before, now)
  const kind = 'value' in op ? op.value : 'action' in op ? op.action : 'valid'
  const id = writtenId(kind, ownId)
  const refuses = kind === 'refused' && !skipped.write
  const fails = (code: string): ModelResult => ({ state: before, expected: { code } })
  const done = (result: unknown): ModelResult => ({ state: live, expected: { result } })
  const put = (key: string, value: FuzzValue, expires?: number): void => {
    live.set(key, { value, ...(expires !== undefined && { expires }) })
  }
  const keys = keysOf(op)
  const isUnreadable = keys.includes(DAMAGED) && !skipped.read

  // The arguments are checked before anything else.
  if (op.kind === 'setMany') {
    for (const key of keys) {
      if (key === MALFORMED) return fails('INVALID_KEY')
      if (op.value === 'invalid') return fails('INVALID_VALUE')
    }
  }
  if (keys.includes(MALFORMED)) return fails('INVALID_KEY')
  if (op.kind === 'increment' && op.value === 'invalid') return fails('INVALID_VALUE')
  if ('value' in op && op.value === 'invalid' && op.kind !== 'setMany') {
    return fails('INVALID_VALUE')
  }

  switch (op.kind) {
    case 'size':
    case 'keys':
    case 'entries':
      return done(LISTING_RESULT)
    case 'clear':
      for (const key of live.keys()) if (key.startsWith(op.prefix ?? '')) live.delete(key)
      return done(undefined)
    case 'setMany':
      if (refuses && keys.length > 0) return fails('TOO_LARGE')
      for (const key of keys) put(key, withId(key, undefined, id))
      return done(undefined)
    case 'delete':
    case 'deleteMany':
      for (const key of keys) live.delete(key)
      return done(undefined)
    case 'set':
      if (refuses) return fails('TOO_LARGE')
      put(op.key, withId(op.key, undefined, id), expiryAfter(op.expiry, undefined, now))
      return done(undefined)
    default:
  }

  // The other operations depend on the current entries.
  if (isUnreadable) return fails('CORRUPT')
  if (op.kind === 'getMany') {
    const found = keys.filter((key) => live.has(key))
    return done(new Map(found.map((key) => [key, live.get(key)?.value])))
  }
  if (op.kind === 'transaction') {
    const result = keys.map((key) => live.get(key)?.value)
    if (op.action === 'throw') return fails('own')
    if (op.action === 'unnamed') return fails('INVALID_KEY')
    for (const key of keys.slice(0, op.writes)) {
      if (op.action === 'invalid') return fails('INVALID_VALUE')
      if (refuses) return fails('TOO_LARGE')
      if (op.action === 'remove') live.delete(key)
      else put(key, withId(key, live.get(key)?.value, id))
    }
    return done(result)
  }
  const [key = ''] = keys
  const current = live.get(key)
  const value = current?.value
  const expires = expiryAfter('expiry' in op ? op.expiry : undefined, current, now)
  switch (op.kind) {
    case 'get':
      return done(value)
    case 'has':
      return done(current !== undefined)
    case 'record':
      return done(current)
    case 'pop':
      live.delete(key)
      return done(value)
    case 'touch':
      if (value !== undefined) put(key, value, expires)
      return done(current !== undefined)
    case 'insert':
      if (current !== undefined) return done(false)
      if (refuses) return fails('TOO_LARGE')
      put(key, withId(key, undefined, id), expires)
      return done(true)
    case 'getOrInsert': {
      if (value === undefined && refuses) return fails('TOO_LARGE')
      const next = value ?? withId(key, undefined, id)
      put(key, next, expires)
      return done(next)
    }
    case 'increment': {
      if (Array.isArray(value)) return fails('INVALID_VALUE')
      if (refuses) return fails('TOO_LARGE')
      const sum = withId(key, value ?? 0, id)
      put(key, sum, expires)
      return done(sum)
    }
    case 'append': {
      if (typeof value === 'number') return fails('INVALID_VALUE')
      if (refuses) return fails('TOO_LARGE')
      const list = [...(value ?? []), id].slice(-(op.max ?? 0))
      put(key, list, expires)
      return done(list.length)
    }
    case 'update':
    case 'mutable': {
      const { action } = op as { readonly action: UpdaterAction }
      if (action === 'throw') return fails('own')
      if (action === 'remove') {
        live.delete(key)
        return done(undefined)
      }
      if (op.kind === 'mutable' && value === undefined && !op.initial) return done(undefined)
      // A number cannot be changed in place.
      if (op.kind === 'mutable' && typeof value === 'number') {
        put(key, value, expires)
        return done(value)
      }
      if (action === 'invalid') return fails('INVALID_VALUE')
      if (refuses) return fails('TOO_LARGE')
      const next = withId(op.kind === 'mutable' ? '' : key, value, id)
      put(key, next, expires)
      return done(next)
    }
    default:
      throw new TypeError('unknown operation kind')
  }
}

/** Returns when an entry expires after an operation; `undefined`: never. */
function expiryAfter(
  options: FuzzExpiry | undefined,
  current: ModelEntry | undefined,
  now: number,
): number | undefined {
  const isKept = options === undefined || (options.onInsert === true && current !== undefined)
  if (isKept) return current?.expires
  return options.ttl === undefined ? undefined : now + options.ttl
}
