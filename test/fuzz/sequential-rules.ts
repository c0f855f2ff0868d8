import { isDeepStrictEqual } from 'node:util'
import { isStoreError } from '../../src/index.ts'
import { isFaultError } from './cause-rules.ts'
import { codeOf, errorOf, name, show } from './describe-operation.ts'
import { listingViolations } from './listing-rules.ts'
import type { FuzzRun, IssuedOperation } from './run-case.ts'
import {
  applyOperation,
  type Expected,
  liveEntries,
  LISTING_RESULT,
  type ModelResult,
  type ModelState,
  type SkippedCalls,
} from './sequential-model.ts'

// In one tick, a read after a set needs no call, and an overwritten value is not stored.
const SKIPPED_CALLS: readonly SkippedCalls[] = [
  { read: false, write: false },
  { read: true, write: false },
  { read: false, write: true },
  { read: true, write: true },
]
// Runs with more unknown outcomes are not checked: every combination would be tried.
const MAX_UNKNOWN = 6

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
    // A getMany is no snapshot: it may see the one and not the other of two unknown writes.
    if (one.op.kind === 'getMany' && applied.size > 0 && 'result' in expected) continue
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
