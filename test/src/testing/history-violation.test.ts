import { expect, test } from 'vitest'
import { CallHistory, checkHistory } from '../../../src/testing/index.ts'
import { call, failed, get, kinds, set } from './support/call-records.ts'

test('where the backend is not atomic, setMany may be applied in part', () => {
  const records = [
    call(
      [1, 2],
      'setMany',
      [
        [
          ['x', 1],
          ['y', 1],
        ],
      ],
      { keys: ['x', 'y'], ...failed('unknown') },
    ),
  ]
  const traits = { atomic: 'none' } as never
  expect(checkHistory(records, [['x', 1]], { traits })).toEqual([])
})

test('a listing that has a key twice is reported', () => {
  const listing = call([1, 2], 'keys', [], {
    result: [
      { key: 'k', exists: true },
      { key: 'k', exists: true },
    ],
    isComplete: true,
  })
  expect(kinds([listing], { k: 1 }, { k: 1 })).toEqual(['duplicate'])
})

test('a search that ends early is reported as undecided, never as possible', () => {
  const appends = Array.from({ length: 12 }, (_, index) =>
    call([1, 100], 'append', ['k', index], failed('applied')),
  )
  const [violation] = checkHistory(appends, [['k', [1]]], { maxStates: 50 })
  expect(violation).toMatchObject({ kind: 'undecided', keys: ['k'] })
  expect(violation?.message).toBe(
    '"k": undecided after 50 states; use fewer calls at once, or a larger maxStates.',
  )
})

test('a violation names the calls, what they read, and what a correct store has', () => {
  const stale = { ...get([5, 6], 1), client: 'b' }
  const [violation, ...others] = checkHistory([set([1, 2], 1), set([3, 4], 2), stale], [['k', 2]])
  expect(others).toEqual([])
  expect(violation).toEqual({
    kind: 'impossible',
    keys: ['k'],
    records: [stale],
    message: 'b: get("k") at 5 to 6 resolved to 1; a correct store then has "k": 2.',
  })
})

test('a violation names the rejected call that wrote what is there', () => {
  const [violation] = checkHistory([set([1, 2], 1, failed('not-applied'))], [['k', 1]])
  expect(violation?.message).toBe(
    'at the end there is "k": 1; a correct store then has "k": missing. It was written by a: set("k", 1) at 1 to 2 failed with BACKEND_ERROR (not-applied).',
  )
})

test.each([
  [() => checkHistory([], [], { maxStates: 0 }), 'options.maxStates must be a positive integer'],
  [() => checkHistory([], [], { initial: 5 as never }), 'options.initial must be'],
  [() => checkHistory([], [], { traits: 'none' as never }), 'options.traits must be'],
  [
    () => checkHistory([], { k: 1 } as never),
    'a Map or [key, value] entries as contents; received an instance of Object. Collect the entries',
  ],
  [() => checkHistory([], ['k'] as never), 'as contents; received a list with "k".'],
  [
    () => checkHistory([], [], { initial: [5] as never }),
    'options.initial must be a Map or [key, value] entries; received a list with 5.',
  ],
  [
    () => checkHistory([undefined] as never, []),
    'a list of records; received a list with undefined.',
  ],
  [
    () => checkHistory(new CallHistory() as never, []),
    'received an instance of CallHistory. Pass the records',
  ],
  [
    () => checkHistory(undefined as never, []),
    'checkHistory() needs a list of records; received undefined.',
  ],
])('wrong arguments are rejected: %s', (check, message) => {
  const expected = { code: 'INVALID_VALUE', message: expect.stringContaining(message) as string }
  expect(check).toThrow(expect.objectContaining(expected))
})

test('the kinds of values that structured clone keeps are compared by content', () => {
  const value = new Map<string, unknown>([
    ['at', new Date(5)],
    ['n', 5n],
    ['no', Number.NaN],
  ])
  const records = [set([1, 2], value), get([3, 4], structuredClone(value))]
  expect(kinds(records, { k: structuredClone(value) })).toEqual([])
  expect(kinds(records, { k: new Map([['at', new Date(6)]]) })).toEqual(['impossible'])
})

const entries = (): Iterable<[string, unknown]> => new Map<string, unknown>([['k', 1]]).entries()

test('entries that can be iterated once only are accepted as contents and as `initial`', () => {
  expect(checkHistory([], entries(), { initial: entries() })).toEqual([])
  expect(checkHistory([], [], { initial: entries() })).toHaveLength(1)
})
