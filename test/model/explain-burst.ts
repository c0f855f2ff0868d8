import * as fc from 'fast-check'
import type { ClientCall } from './commands.ts'
import { applyOperation, type CompareKeys, type ModelState, type Outcome } from './model.ts'
import { type KeyedOperation, keysOf } from './operations.ts'

/** A call of a burst, and what became of it. */
export interface SettledCall extends ClientCall<KeyedOperation> {
  readonly outcome: Outcome
}

/**
 * Tests whether some order of the calls has these outcomes and ends with these contents. Calls of one
 * store on a common key keep their order; all others may come in any order.
 */
export function canExplain(
  state: ModelState,
  calls: readonly SettledCall[],
  context: { readonly now: number; readonly compare: CompareKeys; readonly contents: string },
): boolean {
  const { now, compare, contents } = context
  if (calls.length === 0) return describeContents(state, now) === contents
  return calls.some((call, index) => {
    const isBlocked = calls.slice(0, index).some((earlier) => mustPrecede(earlier, call))
    if (isBlocked) return false
    const { state: after, outcome } = applyOperation(state, call.op, { now, compare })
    return (
      fc.stringify(outcome) === fc.stringify(call.outcome) &&
      canExplain(after, calls.toSpliced(index, 1), context)
    )
  })
}

/** Splits each getMany, which is no snapshot, into a `get` of each key. */
export function splitReads(calls: readonly SettledCall[]): SettledCall[] {
  return calls.flatMap((call) => {
    const { client, op, outcome } = call
    if (op.kind !== 'getMany' || !('result' in outcome)) return [call]
    const values = outcome.result as ReadonlyMap<string, unknown>
    return [...new Set(op.keys)].map((key): SettledCall => ({
      client,
      op: { kind: 'get', key },
      outcome: { result: values.get(key) },
    }))
  })
}

/** Describes the live entries, equal for equal ones. */
export function describeContents(state: ModelState, now: number): string {
  const live = [...state].filter(([, { expires }]) => expires === undefined || expires > now)
  return fc.stringify(live.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** An async function may lose its place to later calls, but does not run before earlier ones. */
function mustPrecede(earlier: SettledCall, later: SettledCall): boolean {
  if (earlier.client !== later.client || ('isAsync' in earlier.op && earlier.op.isAsync))
    return false
  const keys = keysOf(later.op)
  return keysOf(earlier.op).some((key) => keys.includes(key))
}
