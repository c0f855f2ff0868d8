import { inspect, isDeepStrictEqual } from 'node:util'
import { isStoreError } from '../../src/index.ts'
import { type FuzzCase, affectsKey, type FuzzRun, type IssuedOperation } from './run-case.ts'
import type { Transition } from './model-storage.ts'
import { DAMAGED, keysOf, MALFORMED, type FuzzOperation, REFUSED } from './operations.ts'
import {
  liveEntries,
  type Expected,
  type ModelEntry,
  LISTING_RESULT,
  applyOperation,
  type ModelResult,
  type SkippedCalls,
  type ModelState,
} from './sequential-model.ts'

const READING_KINDS = ['get', 'has', 'record', 'pop', 'update', 'mutable', 'getOrInsert']
const LISTING_KINDS = ['size', 'keys', 'entries']
const UPDATING_KINDS = ['update', 'mutable', 'getOrInsert', 'pop']
// In one tick, a read after a set needs no call, and an overwritten value is not stored.
const SKIPPED_CALLS: readonly SkippedCalls[] = [
  { read: false, write: false },
  { read: true, write: false },
  { read: false, write: true },
  { read: true, write: true },
]
// Runs with more unknown outcomes are not checked: every combination would be tried.
const MAX_UNKNOWN = 6

/** Every failure has a cause in its own operation or calls, and its error names its own key. */
export function ruleViolations({ issued, nested, storage, violations }: FuzzRun): string[] {
  const found = [...violations]
  for (const one of [...issued, ...nested]) {
    const error = errorOf(one)
    if (error === undefined) continue
    const hasCause = isOwnError(one, error) || isFaultError(one, error, storage.firedFaults)
    if (!hasCause) {
      found.push(`${name(one)} failed without a cause: ${messageOf(error)}`)
    }
    if (error === one.ownError) continue
    if (!isStoreError(error)) found.push(`${name(one)} failed with ${messageOf(error)}`)
    else if (error.key !== undefined && !keysOf(one.op).includes(error.key)) {
      found.push(`${name(one)} failed for the key ${error.key}`)
    }
  }
  return found
}

/**
 * The run must equal its operations in sequence, without the rejected ones. A write with an unknown
 * outcome may have happened or not. If it did, it may come before operations that were called
 * earlier, because the answer of its commit was lost.
 */
export function sequentialViolations(run: FuzzRun): string[] {
  const { issued, storage } = run
  const faulty = issued.filter((one) => {
    const error = errorOf(one)
    return error !== undefined && isFaultError(one, error, storage.firedFaults)
  })
  const unknown = faulty.filter((one) => {
    const error = errorOf(one)
    return isStoreError(error) && error.outcome === 'unknown'
  })
  if (unknown.length > MAX_UNKNOWN) return []
  let first: string[] | undefined
  for (let choice = 0; choice < 2 ** unknown.length; choice++) {
    const applied = new Set(unknown.filter((_, index) => choice & (2 ** index)))
    const omitted = new Set(faulty.filter((one) => !applied.has(one)))
    for (let at = issued.length; at >= 0; at--) {
      const found = differences({ run, omitted, applied, at })
      if (found.length === 0) return []
      first ??= found
      if (applied.size === 0) break
    }
  }
  return first ?? []
}

/** Applies the `applied` operations in place, or at the index `at` if that is earlier. */
function differences({
  run: { issued, storage, now },
  omitted,
  applied,
  at,
}: {
  readonly run: FuzzRun
  readonly omitted: ReadonlySet<IssuedOperation>
  readonly applied: ReadonlySet<IssuedOperation>
  readonly at: number
}): string[] {
  const found: string[] = []
  let current: ModelState = new Map()
  const states: ModelState[] = [current]
  const applyUnknown = (one: IssuedOperation): void => {
    // Its error is an unknown outcome, so the storage neither refused it nor failed to read.
    current = applyOperation(current, one.op, one.id, one.now, { read: true, write: true }).state
  }
  const listings: IssuedOperation[] = []
  for (const [index, one] of issued.entries()) {
    if (index === at) for (const each of issued.slice(at)) if (applied.has(each)) applyUnknown(each)
    if (omitted.has(one) || applied.has(one)) {
      if (applied.has(one) && index < at) applyUnknown(one)
      states.push(current)
      continue
    }
    const [strict, ...lenient] = SKIPPED_CALLS.map((each) =>
      applyOperation(current, one.op, one.id, one.now, each),
    ) as [ModelResult, ...ModelResult[]]
    const { state, expected } =
      [strict, ...lenient].find((each) => matches(one, each.expected)) ?? strict
    current = state
    states.push(current)
    if ('result' in expected && expected.result === LISTING_RESULT) listings.push(one)
    if (matches(one, expected)) continue
    const expectedText =
      'code' in expected ? `the error ${expected.code}` : JSON.stringify(expected.result)
    found.push(`${name(one)}: ${show(one)}, expected ${expectedText}`)
  }
  for (const one of listings) {
    const window = states
      .slice(one.id - 1, one.until + 1)
      .map((state) => liveEntries(state, one.now))
    found.push(...listingViolations(one, window))
  }
  const stored = [...liveEntries(storage.map as unknown as ModelState, now)].map(
    ([key, { value, expires }]) => [key, value, expires] as const,
  )
  const final = [...liveEntries(current, now)].map(
    ([key, { value, expires }]) => [key, value, expires] as const,
  )
  if (!isDeepStrictEqual(new Set(stored), new Set(final))) {
    found.push(`stored: ${JSON.stringify(stored)}, expected ${JSON.stringify(final)}`)
  }
  return found
}

/** Whether an operation settled as expected. Another rule reports those that never settle. */
function matches(one: IssuedOperation, expected: Expected): boolean {
  const { settlement } = one
  if (settlement === undefined) return true
  if ('code' in expected) return codeOf(one) === expected.code
  if ('error' in settlement) return false
  return expected.result === LISTING_RESULT || isDeepStrictEqual(settlement.result, expected.result)
}

/** A listing must show each key once, in a state that existed while it ran. */
function listingViolations(
  one: IssuedOperation,
  window: readonly ReadonlyMap<string, ModelEntry>[],
): string[] {
  if (one.settlement === undefined || 'error' in one.settlement) return []
  const { result } = one.settlement
  const ever = new Set(window.flatMap((state) => [...state.keys()]))
  const always = [...ever].filter((key) => window.every((state) => state.has(key)))
  if (one.op.kind === 'size') {
    const count = result as number
    if (count >= always.length && count <= ever.size) return []
    return [`${name(one)}: ${count}, expected ${always.length} to ${ever.size}`]
  }
  const listed = one.op.kind === 'keys' ? (result as string[]).map((key) => [key]) : result
  const found: string[] = []
  const keys = (listed as (readonly [string, unknown?])[]).map(([key]) => key)
  if (new Set(keys).size < keys.length) found.push(`${name(one)} lists a key twice`)
  for (const key of always) {
    if (!keys.includes(key)) found.push(`${name(one)} does not list "${key}"`)
  }
  for (const [key, value] of listed as (readonly [string, unknown?])[]) {
    const was = window.some((state) => {
      const kept = state.get(key)
      return kept && (one.op.kind === 'keys' || isDeepStrictEqual(kept.value, value))
    })
    if (!was)
      found.push(
        `${name(one)} lists "${key}" with a value that it never had: ${JSON.stringify(value)}`,
      )
  }
  return found
}

/**
 * The writes must form a sequence in which each builds on the value before it: no update removes
 * another one, is stored twice, or is missing.
 */
export function lostUpdateViolations(run: FuzzRun, { options }: FuzzCase): string[] {
  if (options.backend === 'none') return []
  const all = [...run.issued, ...run.nested]
  const keys = new Set([...run.storage.map.keys(), ...run.storage.log.map(({ key }) => key)])
  return [...keys].flatMap((key) =>
    keyViolations(
      key,
      all.filter(({ op }) => affectsKey(op, key)),
      run.storage.log.filter((each) => each.key === key),
      listOf(run.storage.map.get(key)) ?? [],
    ),
  )
}

function keyViolations(
  key: string,
  issued: readonly IssuedOperation[],
  log: readonly Transition[],
  final: readonly number[],
): string[] {
  const found: string[] = []
  const report = (violation: string): void => {
    found.push(`"${key}": ${violation}`)
  }
  const notApplied = new Set(
    issued
      .filter((one) => {
        const error = errorOf(one)
        return error === one.ownError || (isStoreError(error) && error.outcome === 'not-applied')
      })
      .map(({ id }) => id),
  )
  const starters = new Set(issued.filter(({ op }) => op.kind.startsWith('set')).map(({ id }) => id))
  const removed = issued.some(
    ({ op }) =>
      ['delete', 'pop', 'clear'].includes(op.kind) ||
      (op.kind === 'update' && op.action === 'remove'),
  )
  const written = new Set<number>()
  for (const { before: last, after } of log) {
    const before = listOf(last) ?? []
    const next = listOf(after)
    if (next === undefined) continue
    const [first = 0] = next
    const appends = isPrefix(before, next) && next.length > before.length
    // A new list begins with another client, a set, or a removal in the same commit.
    const startsNewList = first < 0 || starters.has(first) || removed || last?.expires !== undefined
    if (!appends && !startsNewList) report(`${show(before)} became ${show(next)}`)
    for (const id of next) {
      if (before.includes(id)) continue
      if (written.has(id)) report(`${id} was written twice, in ${show(next)}`)
      if (notApplied.has(id)) report(`${id} was rejected and is stored, in ${show(next)}`)
      if (id >= REFUSED) report(`${id} was refused and is stored`)
      written.add(id)
    }
  }
  const states = log.map(({ after }) => listOf(after) ?? [])
  const popped = new Set<string>()
  const overwritten = starters.size > 0 || removed || log.some(({ before }) => before?.expires)
  for (const one of issued) {
    const result = resultOf(one)
    if (!Array.isArray(result) || LISTING_KINDS.includes(one.op.kind)) continue
    const value = result as number[]
    if (new Set(value).size < value.length) report(`${name(one)} got ${show(value)}`)
    // A value that one commit overwrites is visible only to the operations of that commit.
    if (!overwritten && !states.some((state) => isPrefix(value, state))) {
      report(`${name(one)} got ${show(value)}, which was never stored`)
    }
    if (one.op.kind === 'pop') {
      if (popped.has(show(value))) report(`${show(value)} was popped twice`)
      popped.add(show(value))
      if (value.some((id) => final.includes(id)))
        report(`${show(value)} was popped and is still stored`)
    }
  }
  return found
}

/** Whether the operation may cause this error. */
function isOwnError({ op, ownError }: IssuedOperation, error: unknown): boolean {
  if (error === ownError) return 'action' in op && op.action === 'throw'
  if (!isStoreError(error)) return false
  const kind = 'value' in op ? op.value : 'action' in op ? op.action : undefined
  switch (error.code) {
    case 'INVALID_KEY':
      return keysOf(op).includes(MALFORMED)
    case 'INVALID_VALUE':
      return kind === 'invalid'
    case 'TOO_LARGE':
      return kind === 'refused' && error.outcome === 'not-applied'
    case 'CORRUPT':
      return READING_KINDS.includes(op.kind) && keysOf(op).includes(DAMAGED)
    default:
      return false
  }
}

/** Whether a failed call for one of its keys may cause this error. */
function isFaultError(
  { op }: IssuedOperation,
  error: unknown,
  firedFaults: FuzzRun['storage']['firedFaults'],
): boolean {
  if (!isStoreError(error)) return false
  return firedFaults.some(({ on, code, keys }) => {
    if (error.code !== code) return false
    if (on === 'list') return LISTING_KINDS.includes(op.kind)
    if (on === 'clear' || op.kind === 'clear') return on === op.kind
    const reads = READING_KINDS.includes(op.kind)
    const writes = !reads || UPDATING_KINDS.includes(op.kind)
    if (on === 'read' ? !reads : !writes) return false
    return keys === undefined || keysOf(op).some((key) => keys.includes(key))
  })
}

function errorOf({ settlement }: IssuedOperation): unknown {
  return settlement !== undefined && 'error' in settlement ? settlement.error : undefined
}

function resultOf({ settlement }: IssuedOperation): unknown {
  return settlement !== undefined && 'result' in settlement ? settlement.result : undefined
}

function codeOf(one: IssuedOperation): string | undefined {
  const error = errorOf(one)
  if (error === one.ownError) return 'own'
  return isStoreError(error) ? error.code : undefined
}

function listOf(entry: { readonly value: unknown } | undefined): readonly number[] | undefined {
  return entry === undefined ? undefined : (entry.value as readonly number[])
}

function isPrefix(start: readonly number[], whole: readonly number[]): boolean {
  return start.length <= whole.length && start.every((id, index) => whole[index] === id)
}

function name({ id, op }: IssuedOperation): string {
  return `${id} ${describe(op)}`
}

function describe(op: FuzzOperation): string {
  return `${op.kind} ${JSON.stringify(keysOf(op))}`
}

function show(shown: IssuedOperation | readonly number[]): string {
  if (!('op' in shown)) return JSON.stringify(shown)
  const error = errorOf(shown)
  return error === undefined ? (JSON.stringify(resultOf(shown)) ?? 'nothing') : messageOf(error)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : inspect(error)
}
