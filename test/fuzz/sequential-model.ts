import { DAMAGED, idOf, MALFORMED, type Op, REFUSED } from './operations.ts'

export interface Kept {
  readonly value: readonly number[]
  readonly expires?: number
}
export type State = ReadonlyMap<string, Kept>

/** What comes of an operation: a result, or the code of an error (`own`: what the function threw). */
export type Expected = { readonly result: unknown } | { readonly code: string }

export interface Performed {
  readonly state: State
  readonly expected: Expected
}

/** An operation of a listing, whose result is compared by itself. */
export const LISTED = Symbol('listed')

/** What is alive at a time. */
export function alive(state: State, now: number): Map<string, Kept> {
  return new Map([...state].filter(([, { expires }]) => expires === undefined || expires > now))
}

/** What an operation did without: reading, or storing what it made. */
export interface Spared {
  readonly read: boolean
  readonly write: boolean
}

/**
 * What one operation alone does to a dictionary, as the documentation has it. With `spared` the
 * storage never saw it, since what came later in the same tick replaced it: what the storage would
 * have refused, or could not read, is then as good as any other.
 */
export function perform(
  before: State,
  op: Op,
  plain: number,
  now: number,
  spared: Spared,
): Performed {
  const live = alive(before, now)
  const what = 'given' in op ? op.given : 'deed' in op ? op.deed : 'good'
  const id = idOf(what, plain)
  const refuses = what === 'refused' && !spared.write
  const fails = (code: string): Performed => ({
    state: before,
    expected: { code },
  })
  const done = (result: unknown): Performed => ({
    state: live,
    expected: { result },
  })

  switch (op.kind) {
    case 'size':
    case 'keys':
    case 'entries':
      return done(LISTED)
    case 'clear':
      live.clear()
      return done(undefined)
    case 'setMany': {
      for (const key of op.keys) {
        if (key === MALFORMED) return fails('INVALID_KEY')
        if (op.given === 'bad') return fails('INVALID_VALUE')
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
      if (op.given === 'bad') return fails('INVALID_VALUE')
      if (refuses) return fails('TOO_LARGE')
      live.set(op.key, {
        value: [id],
        ...(op.ttl === undefined ? {} : { expires: now + op.ttl }),
      })
      return done(undefined)
    }
    default:
  }

  // The rest depends on what is there.
  const { key } = op
  if (key === MALFORMED) return fails('INVALID_KEY')
  if (op.kind === 'getOrInsert' && op.given === 'bad') return fails('INVALID_VALUE')
  if (key === DAMAGED && !spared.read) return fails('CORRUPT')
  const there = live.get(key)
  switch (op.kind) {
    case 'get':
      return done(there?.value)
    case 'has':
      return done(there !== undefined)
    case 'record':
      return done(there)
    case 'pop':
      live.delete(key)
      return done(there?.value)
    case 'getOrInsert': {
      if (there !== undefined) return done(there.value)
      if (refuses) return fails('TOO_LARGE')
      live.set(key, { value: [id] })
      return done([id])
    }
    case 'update':
    case 'mutable': {
      if (op.deed === 'throw') return fails('own')
      if (op.deed === 'remove') {
        live.delete(key)
        return done(undefined)
      }
      if (op.kind === 'mutable' && there === undefined && !op.initial) return done(undefined)
      if (op.deed === 'bad') return fails('INVALID_VALUE')
      if (refuses) return fails('TOO_LARGE')
      const value = [...(there?.value ?? []), id]
      live.set(key, { ...there, value })
      return done(value)
    }
    default:
      throw new TypeError('There is no such operation.')
  }
}

/** Would the storage refuse this list? */
export function isRefused(value: unknown): boolean {
  return Array.isArray(value) && value.some((id) => typeof id === 'number' && id >= REFUSED)
}
