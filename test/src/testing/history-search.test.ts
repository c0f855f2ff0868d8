import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CallRecord, checkHistory } from '../../../src/testing/index.ts'
import { type Call, calls, type Contents, makeCall } from './support/dictionary.ts'

const RUNS = 700

/** A call with its record. */
interface MadeCall {
  readonly call: Call
  readonly id: number
  readonly record: CallRecord
}

/** Tries every order of the calls, each with and without what may be left out. */
function isPossible(made: readonly MadeCall[], before: Contents, after: Contents): boolean {
  const required = made.filter(({ record }) => record.outcome === 'applied')
  if (required.length === 0 && isSame(before, after)) return true
  return made.some((next) => {
    const { called } = next.record
    const isLate = required.some(({ record }) => (record.settled ?? Infinity) < called)
    if (isLate) return false
    const contents: Contents = new Map(before)
    const { result, attempts } = makeCall(next.call, next.id, contents)
    const { record } = next
    const hasResult = record.outcome !== 'applied' || isSame(result, record.result)
    return (
      hasResult &&
      isSame(attempts, record.attempts) &&
      isPossible(
        made.filter((each) => each !== next),
        contents,
        after,
      )
    )
  })
}

function isSame(a: unknown, b: unknown): boolean {
  return toText(a) === toText(b)
}

function toText(value: unknown): string {
  return (
    JSON.stringify(value instanceof Map ? [...(value as Contents)].toSorted(byKey) : value) ?? ''
  )
}

function byKey([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1
}

const shapes = fc.array(
  fc.record({
    before: fc.nat(25),
    after: fc.nat(25),
    outcome: fc.constantFrom('applied', 'applied', 'applied', 'unknown'),
    isApplied: fc.boolean(),
    /** Whether the call has the result that it would have had before the call before it. */
    isStale: fc.boolean(),
  }),
  { minLength: 6, maxLength: 6 },
)

test('the search finds the same as a trial of every order', () => {
  const counts = { possible: 0, impossible: 0 }
  const someCalls = calls.map((made) => {
    // Listings and what acts on each key for itself would be several calls here.
    return made
      .filter(({ method }) => !['getMany', 'clear', 'entries'].includes(method))
      .slice(0, 6)
  })
  fc.assert(
    fc.property(someCalls, shapes, (given, shape) => {
      let previous: Contents = new Map()
      const contents: Contents = new Map()
      const made = given.map((call, index): MadeCall => {
        const { before, after, outcome, isApplied, isStale } = shape[index]!
        const id = 1000 + index
        const stale = makeCall(call, id, new Map(previous))
        previous = new Map(contents)
        const target = outcome === 'applied' || isApplied ? contents : new Map(contents)
        const { result, ...rest } = makeCall(call, id, target)
        const found = isStale ? stale : { result, ...rest }
        const base = {
          client: 'a',
          clock: 'one',
          called: 10 * index - before,
          settled: 10 * index + after,
        }
        const record: CallRecord =
          outcome === 'applied'
            ? { ...base, ...rest, ...found, method: call.method, outcome }
            : {
                ...base,
                ...rest,
                method: call.method,
                outcome: 'unknown',
                error: { name: 'Error', message: '' },
              }
        return { call, id, record }
      })
      const records = made.map(({ record }) => record)
      const expected = isPossible(made, new Map(), contents)
      counts[expected ? 'possible' : 'impossible']++
      expect(checkHistory(records, contents).length === 0).toBe(expected)
    }),
    { numRuns: RUNS },
  )
  expect(counts.possible).toBeGreaterThan(RUNS / 20)
  expect(counts.impossible).toBeGreaterThan(RUNS / 20)
})
