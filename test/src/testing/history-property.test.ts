import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type CallAttempt,
  type CallRecord,
  checkHistory,
  type KeyRead,
} from '../../../src/testing/index.ts'

const KEYS = ['a', 'b', 'c']
const RUNS = 500

/** A call as a store would be given it. */
interface Call {
  readonly method: (typeof METHODS)[number]
  readonly key: string
  /** The key that `setMany` and `transaction` use too. */
  readonly other: string
}

const METHODS = [
  'get',
  'getMany',
  'set',
  'delete',
  'setMany',
  'insert',
  'increment',
  'pop',
  'update',
  'transaction',
  'clear',
  'entries',
] as const

const calls: fc.Arbitrary<Call[]> = fc.array(
  fc.record({
    method: fc.constantFrom(...METHODS),
    key: fc.constantFrom(...KEYS),
    other: fc.constantFrom(...KEYS),
  }),
  { minLength: 1, maxLength: 40 },
)

type Contents = Map<string, number>
type CallResult = Pick<CallRecord, 'keys' | 'args' | 'result' | 'attempts' | 'isComplete'>

/** Makes a call on a dictionary. Returns what its record has. `id` is a number that no other call writes. */
function makeCall({ method, key, other }: Call, id: number, contents: Contents): CallResult {
  const value = contents.get(key)
  const keys = [...new Set([key, other])]
  const read = (name: string): KeyRead => {
    const current = contents.get(name)
    return current === undefined ? { key: name } : { key: name, value: current }
  }
  const attempt = (writes: KeyRead[]): CallAttempt => ({
    reads: writes.map(toKey).map(read),
    writes,
  })
  const put = (writes: readonly KeyRead[]): void => {
    for (const each of writes) contents.set(each.key, each.value as number)
  }
  switch (method) {
    case 'get':
      return { keys: [key], args: [key], result: value }
    case 'getMany':
      return { keys: KEYS, args: [KEYS], result: KEYS.map(read).filter((each) => 'value' in each) }
    case 'entries': {
      const result = [...contents].map(([name, current]) => ({ key: name, value: current }))
      return { keys: [], args: [], result, isComplete: true }
    }
    case 'set':
      contents.set(key, id)
      return { keys: [key], args: [key, id] }
    case 'delete':
      contents.delete(key)
      return { keys: [key], args: [key] }
    case 'clear':
      contents.clear()
      return { keys: [], args: [] }
    case 'setMany':
      for (const name of keys) contents.set(name, id)
      return { keys, args: [keys.map((name) => [name, id])] }
    case 'insert':
      if (value === undefined) contents.set(key, id)
      return { keys: [key], args: [key, id], result: value === undefined }
    case 'increment':
      contents.set(key, (value ?? 0) + id)
      return { keys: [key], args: [key, id], result: contents.get(key) }
    case 'pop':
      contents.delete(key)
      return { keys: [key], args: [key], result: value }
    case 'update': {
      const attempts = [attempt([{ key, value: (value ?? 0) + id }])]
      put(attempts[0]?.writes ?? [])
      return { keys: [key], args: [key, null], attempts, result: contents.get(key) }
    }
    default: {
      const writes = keys.map((name) => ({ key: name, value: (contents.get(name) ?? 0) + id }))
      const attempts = [attempt(writes)]
      put(writes)
      return { keys, args: [keys, null], attempts }
    }
  }
}

function toKey({ key }: KeyRead): string {
  return key
}

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

test('of calls in sequence, each lost, repeated or stale one that shows is found, and nothing else', () => {
  const counts = { shown: 0, hidden: 0 }
  fc.assert(
    fc.property(calls, faults, (made, fault) => {
      const [records, contents] = runInOrder(made, { ...fault, at: fault.at % made.length })
      const correct = runInOrder(made)
      const isShown =
        JSON.stringify([records, [...contents].toSorted()]) !==
        JSON.stringify([correct[0], [...correct[1]].toSorted()])
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
