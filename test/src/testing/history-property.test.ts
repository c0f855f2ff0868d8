import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CallRecord, checkHistory } from '../../../src/testing/index.ts'
import { type Call, calls, type Contents, KEYS, makeCall } from './support/dictionary.ts'

const RUNS = 500

const shapes = fc.record({
  /** How long before and after its effect the call is made and settles. */
  before: fc.nat(60),
  after: fc.nat(60),
  client: fc.constantFrom('a', 'b', 'c'),
  clock: fc.constantFrom('one', 'one', 'two'),
  fate: fc.constantFrom('applied', 'applied', 'applied', 'lost answer', 'lost call', 'rejected'),
})

test('calls that take effect one after another, each within its time, are possible', () => {
  let unknown = 0
  fc.assert(
    fc.property(calls, fc.array(shapes, { minLength: 5, maxLength: 10 }), (made, shape) => {
      const contents: Contents = new Map()
      const records = made.map((call, index): CallRecord => {
        const { before, after, client, clock, fate } = shape[index % shape.length]!
        const isApplied = fate === 'applied' || fate === 'lost answer'
        const { result, ...rest } = makeCall(
          call,
          1000 + index,
          isApplied ? contents : new Map(contents),
        )
        const time = 10 * index
        const base = { client, clock, called: time - before, settled: time + after, ...rest }
        if (fate === 'applied') return { ...base, method: call.method, outcome: 'applied', result }
        const outcome = fate === 'rejected' ? 'not-applied' : 'unknown'
        if (outcome === 'unknown') unknown++
        const error = { name: 'Error', message: fate }
        // A listing that failed has read nothing.
        return {
          ...base,
          method: call.method,
          outcome,
          error,
          ...(rest.isComplete && { isComplete: false }),
        }
      })
      expect(checkHistory(records, contents)).toEqual([])
    }),
    { numRuns: RUNS },
  )
  expect(unknown).toBeGreaterThan(RUNS)
})

/** What a broken store does in one call. */
const faults = fc.record({ at: fc.nat(39), kind: fc.constantFrom('lost', 'twice', 'stale') })

function runInOrder(
  made: readonly Call[],
  fault?: { at: number; kind: string },
): [CallRecord[], Contents] {
  let contents: Contents = new Map()
  let previous: Contents = new Map()
  const records = made.map((call, index): CallRecord => {
    const kind = fault?.at === index ? fault.kind : 'none'
    const before = new Map(contents)
    // What is lost or stale has the result that it would have.
    const isAside = kind === 'lost' || kind === 'stale'
    const target = kind === 'stale' ? new Map(previous) : isAside ? new Map(contents) : contents
    const rest = makeCall(call, 1000 + index, target)
    // A stale call writes what it derived from an older state.
    if (kind === 'stale') contents = target
    if (kind === 'twice') makeCall(call, 1000 + index, contents)
    previous = before
    const base = { client: 'a', clock: 'one', called: 2 * index, settled: 2 * index + 1 }
    return { ...base, method: call.method, outcome: 'applied', ...rest }
  })
  return [records, contents]
}

function toSorted(contents: Contents): (number | undefined)[] {
  return KEYS.map((key) => contents.get(key))
}

test('of calls in sequence, each lost, repeated or stale one that shows is found, and nothing else', () => {
  const counts = { shown: 0, hidden: 0 }
  fc.assert(
    fc.property(calls, faults, (made, fault) => {
      const [records, contents] = runInOrder(made, { ...fault, at: fault.at % made.length })
      const correct = runInOrder(made)
      const isShown =
        JSON.stringify([records, toSorted(contents)]) !==
        JSON.stringify([correct[0], toSorted(correct[1])])
      counts[isShown ? 'shown' : 'hidden']++
      const found = checkHistory(records, contents).map(({ kind }) => kind)
      expect(found.length > 0).toBe(isShown)
      expect(found).not.toContain('undecided')
    }),
    { numRuns: RUNS },
  )
  expect(counts.shown).toBeGreaterThan(RUNS / 4)
  expect(counts.hidden).toBeGreaterThan(RUNS / 10)
})
