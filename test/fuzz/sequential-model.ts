import { DAMAGED, writtenId, MALFORMED, type FuzzOperation, REFUSED } from './operations.ts'

export interface ModelEntry {
  readonly value: readonly number[]
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
  const fails = (code: string): ModelResult => ({
    state: before,
    expected: { code },
  })
  const done = (result: unknown): ModelResult => ({
    state: live,
    expected: { result },
  })

  switch (op.kind) {
    case 'size':
    case 'keys':
    case 'entries':
      return done(LISTING_RESULT)
    case 'clear':
      live.clear()
      return done(undefined)
    case 'setMany': {
      for (const key of op.keys) {
        if (key === MALFORMED) return fails('INVALID_KEY')
        if (op.value === 'invalid') return fails('INVALID_VALUE')
      }
      if (refuses && op.keys.length > 0) return fails('TOO_LARGE')
      for (const key of op.keys) live.set(key, { value: [id] })
      return done(undefined)
    }
    case 'delete':
      if (op.key === MALFORMED) return fails('INVALID_KEY')
      live.delete(op.key)
      return done(undefined)
    case 'set': {
      if (op.key === MALFORMED) return fails('INVALID_KEY')
      if (op.value === 'invalid') return fails('INVALID_VALUE')
      if (refuses) return fails('TOO_LARGE')
      live.set(op.key, {
        value: [id],
        ...(op.ttl === undefined ? {} : { expires: now + op.ttl }),
      })
      return done(undefined)
    }
    default:
  }

  // The other operations depend on the current entry.
  const { key } = op
  if (key === MALFORMED) return fails('INVALID_KEY')
  if (op.kind === 'getOrInsert' && op.value === 'invalid') return fails('INVALID_VALUE')
  if (key === DAMAGED && !skipped.read) return fails('CORRUPT')
  const current = live.get(key)
  switch (op.kind) {
    case 'get':
      return done(current?.value)
    case 'has':
      return done(current !== undefined)
    case 'record':
      return done(current)
    case 'pop':
      live.delete(key)
      return done(current?.value)
    case 'getOrInsert': {
      if (current !== undefined) return done(current.value)
      if (refuses) return fails('TOO_LARGE')
      live.set(key, { value: [id] })
      return done([id])
    }
    case 'update':
    case 'mutable': {
      if (op.action === 'throw') return fails('own')
      if (op.action === 'remove') {
        live.delete(key)
        return done(undefined)
      }
      if (op.kind === 'mutable' && current === undefined && !op.initial) return done(undefined)
      if (op.action === 'invalid') return fails('INVALID_VALUE')
      if (refuses) return fails('TOO_LARGE')
      const value = [...(current?.value ?? []), id]
      live.set(key, { ...current, value })
      return done(value)
    }
    default:
      throw new TypeError('unknown operation kind')
  }
}

/** Whether the storage refuses this list. */
export function isRefused(value: unknown): boolean {
  return Array.isArray(value) && value.some((id) => typeof id === 'number' && id >= REFUSED)
}
