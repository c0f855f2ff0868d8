// What a store promises, written from docs/store.md: a dictionary whose entries expire.

import type { Action, Expiry, KeyedOperation, StoreOperation } from './operations.ts'

export interface ModelEntry {
  readonly value: unknown
  readonly expires?: number
  readonly version?: number
}

export type ModelState = ReadonlyMap<string, ModelEntry>

/** The result of a call, or the code of its error; `own` is the error that a function threw. */
export type Outcome = { readonly result: unknown } | { readonly code: string }

/** Compares two keys in the order of a listing. */
export type CompareKeys = (a: string, b: string) => number

/** The order of IndexedDB and Memory. */
export function compareCodeUnits(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** The order of UTF-8, that of Durable Objects and Workers KV: code points come in it as numbers. */
export function compareCodePoints(a: string, b: string): number {
  const [left, right] = [toCodePoints(a), toCodePoints(b)]
  for (const [index, point] of left.entries()) {
    const difference = point - (right[index] ?? -1)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

function toCodePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0)
}

/** Returns the entries that have not expired at `now`. */
export function liveEntries(state: ModelState, now: number): Map<string, ModelEntry> {
  return new Map([...state].filter(([, { expires }]) => expires === undefined || expires > now))
}

/** Applies a call that is alone, and returns the state after it and what the call resolves to. */
export function applyOperation(
  before: ModelState,
  op: StoreOperation,
  { now, compare }: { readonly now: number; readonly compare: CompareKeys },
): { readonly state: ModelState; readonly outcome: Outcome } {
  const live = liveEntries(before, now)
  const done = (result?: unknown) => ({ state: live, outcome: { result } })
  const fail = (code: string) => ({ state: before, outcome: { code } })
  const list = () => [...live].toSorted(([a], [b]) => compare(a, b))

  switch (op.kind) {
    case 'size':
      return done(live.size)
    case 'clear':
      for (const key of live.keys()) if (key.startsWith(op.prefix ?? '')) live.delete(key)
      return done()
    case 'for await':
      return done(
        list()
          .slice(0, op.take)
          .map(([key, { value }]) => [key, value]),
      )
    case 'list': {
      const { prefix = '', after, reverse = false } = op
      const ordered = reverse ? list().toReversed() : list()
      const isAfter = (key: string): boolean =>
        after === undefined || compare(key, after) * (reverse ? -1 : 1) > 0
      return done(
        ordered
          .filter(([key]) => key.startsWith(prefix) && isAfter(key))
          .slice(0, op.limit)
          .slice(0, op.take)
          .map(([key, entry]) => {
            if (op.method === 'keys') return key
            if (op.method === 'values') return entry.value
            return [key, op.method === 'records' ? entry : entry.value]
          }),
      )
    }
    default: {
      const outcome = applyKeyed(live, op, now)
      return 'code' in outcome ? fail(outcome.code) : done(outcome.result)
    }
  }
}

/** Changes `live`, also if the call fails. */
function applyKeyed(live: Map<string, ModelEntry>, op: KeyedOperation, now: number): Outcome {
  const put = (key: string, value: unknown, expires?: number, version?: number): void => {
    live.set(key, {
      value,
      ...(expires !== undefined && { expires }),
      ...(version !== undefined && { version }),
    })
  }
  /** Puts a value as an atomic step does. */
  const putByStep = (key: string, value: unknown, expiry: Expiry | undefined): void => {
    const current = live.get(key)
    const isKept = expiry === undefined || (expiry.onInsert === true && current !== undefined)
    put(key, value, isKept ? current?.expires : expiresAt(expiry, now), current?.version)
  }

  switch (op.kind) {
    case 'getMany': {
      const found = op.keys.filter((key) => live.has(key))
      return { result: new Map(found.map((key) => [key, live.get(key)?.value])) }
    }
    case 'deleteMany':
      for (const key of op.keys) live.delete(key)
      return { result: undefined }
    case 'setMany':
      for (const { key, value, expiry } of op.entries) {
        // An object and a Map have no options for each entry.
        const own = (op.form === 'list' ? expiry : undefined) ?? op.expiry
        put(key, value, expiresAt(own, now), own?.version)
      }
      return { result: undefined }
    case 'transaction': {
      const results: unknown[] = []
      for (const step of op.steps) {
        const { key } = step
        // A write earlier in the transaction may have expired.
        const current = liveEntries(live, now).get(key)
        if (step.kind === 'set') {
          const own = step.expiry ?? op.expiry
          put(key, step.value, expiresAt(own, now), own?.version ?? current?.version)
        } else if (step.kind === 'delete') live.delete(key)
        else if (step.kind === 'get') results.push(current?.value)
        else if (step.kind === 'has') results.push(current !== undefined)
        else results.push(current)
      }
      if (op.end === 'throw') return { code: 'own' }
      return op.end === 'use-other-key' ? { code: 'INVALID_KEY' } : { result: results }
    }
    default:
  }

  const { key } = op
  const current = live.get(key)
  switch (op.kind) {
    case 'get':
      return { result: current?.value }
    case 'has':
      return { result: current !== undefined }
    case 'record':
      return { result: current }
    case 'delete':
      live.delete(key)
      return { result: undefined }
    case 'pop':
      live.delete(key)
      return { result: current?.value }
    case 'set':
      put(key, op.value, expiresAt(op.expiry, now), op.expiry?.version)
      return { result: undefined }
    case 'insert':
      if (current === undefined) put(key, op.value, expiresAt(op.expiry, now), op.expiry?.version)
      return { result: current === undefined }
    case 'getOrInsert':
      putByStep(key, current ? current.value : op.value, op.expiry)
      return { result: live.get(key)?.value }
    case 'increment': {
      const number = current ? current.value : 0
      if (typeof number !== 'number') return { code: 'INVALID_VALUE' }
      putByStep(key, number + (op.by ?? 1), op.expiry)
      return { result: live.get(key)?.value }
    }
    case 'append': {
      const items = current ? current.value : []
      if (!Array.isArray(items)) return { code: 'INVALID_VALUE' }
      const all: unknown[] = [...(items as unknown[]), op.item]
      const kept = op.max === undefined ? all : all.slice(-op.max)
      putByStep(key, kept, op.expiry)
      return { result: kept.length }
    }
    case 'touch':
      if (current !== undefined) putByStep(key, current.value, op.expiry)
      return { result: current !== undefined }
    case 'update':
    case 'mutable': {
      if (op.action.does === 'throw') return { code: 'own' }
      const seen = op.kind === 'mutable' && current === undefined ? op.initial : current?.value
      const next = op.kind === 'update' ? updated(op.action, seen) : changed(op.action, seen)
      if (next === INVALID) return { code: 'INVALID_VALUE' }
      if (next === undefined) live.delete(key)
      else putByStep(key, next, op.expiry)
      return { result: { stored: next, seen } }
    }
    default:
      throw new TypeError('unknown operation')
  }
}

/** What cannot be stored. */
const INVALID = Symbol('invalid')

function updated(action: Action, seen: unknown): unknown {
  if (action.does === 'replace') return action.value
  if (action.does === 'return-invalid') return INVALID
  return action.does === 'keep' ? seen : undefined
}

/** What `mutable` stores: its function can change a list, and nothing else. */
function changed(action: Action, seen: unknown): unknown {
  if (!Array.isArray(seen)) return seen
  if (action.does === 'replace') return [...(seen as unknown[]), action.value]
  if (action.does === 'return-invalid') return INVALID
  return action.does === 'remove' ? [] : seen
}

/** Returns the time of an expiry; `undefined`: never. */
function expiresAt(expiry: Expiry | undefined, now: number): number | undefined {
  if (expiry?.ttl !== undefined) return now + expiry.ttl
  return typeof expiry?.expiresIn === 'number' ? now + expiry.expiresIn : undefined
}
