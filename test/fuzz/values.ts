// A value shows which writes it builds on. A list has the ids of operations: `set` starts a list with
// its own id, `update` adds its id. A number has the bit of each id: `increment` adds a bit.

import { COUNTER } from './operations.ts'

export type FuzzValue = number | readonly number[]

/** The storage refuses a list with an id of at least this, and a number from 2 ** `REFUSED_BIT`. */
export const REFUSED = 1_000_000
const REFUSED_BIT = 50
/** Updates that updaters call have ids of at least this. */
export const NESTED = 1000
/** Bits after this one belong to other clients, whose ids are negative. */
const LAST_OWN_BIT = 36

/** The id that an operation writes. */
export function writtenId(kind: string, id: number): number {
  return kind === 'refused' ? REFUSED + id : id
}

/** Returns what an operation adds to a number. */
export function bitOf(id: number): number {
  if (id >= REFUSED) return 2 ** REFUSED_BIT
  return 2 ** (id < 0 ? LAST_OWN_BIT - id : id)
}

/** Returns the first value of a key. */
export function valueOf(key: string, id: number): FuzzValue {
  return key === COUNTER ? bitOf(id) : [id]
}

/** Returns a value with the id added. A number becomes a list if it has no bit for the id. */
export function withId(key: string, current: unknown, id: number): FuzzValue {
  if (typeof current === 'number' && id >= NESTED && id < REFUSED) return [...idsOf(current), id]
  if (typeof current === 'number') return current + bitOf(id)
  return Array.isArray(current) ? [...(current as number[]), id] : valueOf(key, id)
}

/** Returns the ids in a value. */
export function idsOf(value: FuzzValue): readonly number[] {
  if (typeof value !== 'number') return value
  const ids: number[] = []
  for (let bit = 0; bit < REFUSED_BIT; bit++) {
    if (Math.floor(value / 2 ** bit) % 2 === 0) continue
    ids.push(bit > LAST_OWN_BIT ? LAST_OWN_BIT - bit : bit)
  }
  // Several refused ids are one here.
  if (value >= 2 ** REFUSED_BIT) ids.push(REFUSED)
  return ids
}

/** Whether `later` has the writes of `earlier`, in the same order if both are lists. */
export function buildsOn(later: FuzzValue, earlier: FuzzValue): boolean {
  const ids = idsOf(later)
  if (typeof later === 'number') return idsOf(earlier).every((id) => ids.includes(id))
  return idsOf(earlier).every((id, index) => ids[index] === id)
}

/** Whether the storage refuses this value. */
export function isRefused(value: unknown): boolean {
  if (typeof value !== 'number' && !Array.isArray(value)) return false
  return idsOf(value as FuzzValue).some((id) => typeof id === 'number' && id >= REFUSED)
}

/** What callers and updaters add to the lists that they receive. */
const CHANGED = -1000

/** Changes every list in what a caller or an updater received. */
export function changeLists(received: unknown): void {
  if (received instanceof Map) for (const value of received.values()) changeLists(value)
  else if (Array.isArray(received)) {
    for (const each of received) changeLists(each)
    received.push(CHANGED)
  } else if (typeof received === 'object' && received !== null) {
    for (const each of Object.values(received)) changeLists(each)
  }
}

/**
 * Returns a copy of a result, which is then changed: that must reach neither what is stored nor what
 * others receive.
 */
export function takeResult(result: unknown): unknown {
  const copy = structuredClone(result)
  changeLists(result)
  return copy
}

/** Whether a value was changed by someone who received it. */
export function isChanged(value: unknown): boolean {
  return Array.isArray(value) && value.includes(CHANGED)
}
