import { expect, test } from 'vitest'
import type { CallRecord } from '../../../src/testing/index.ts'
import {
  both,
  call,
  failed,
  get,
  kinds,
  readBoth,
  set,
  transaction,
  update,
} from './support/call-records.ts'

test.each<
  [
    rule: string,
    records: CallRecord[],
    contents: Record<string, unknown>,
    initial?: Record<string, unknown>,
  ]
>([
  ['a read returns the last value that was set', [set([1, 2], 1), get([3, 4], 1)], { k: 1 }],
  ['a read during a set may return the new value', [set([1, 9], 1), get([2, 3], 1)], { k: 1 }],
  [
    'a read during a set may return the old value',
    [set([1, 9], 1), get([2, 3], undefined)],
    { k: 1 },
  ],
  ['of two sets at once, either may be last', [set([1, 4], 1), set([2, 3], 2)], { k: 1 }],
  ['a set that failed as unknown may be there', [set([1, 2], 1, failed('unknown'))], { k: 1 }],
  ['a set that failed as unknown may be missing', [set([1, 2], 1, failed('unknown'))], {}],
  [
    'a set that failed as unknown may take effect later',
    [set([1, 2], 1, failed('unknown')), get([3, 4], undefined), get([5, 6], 1)],
    { k: 1 },
  ],
  ['a pending set may be there', [call([1, undefined], 'set', ['k', 1])], { k: 1 }],
  ['a pending set may be missing', [call([1, undefined], 'set', ['k', 1])], {}],
  ['a set that failed but was applied is there', [set([1, 2], 1, failed('applied'))], { k: 1 }],
  [
    'updates at once build on each other',
    [update([1, 9], 1, 2), update([2, 8], undefined, 1)],
    { k: 2 },
  ],
  [
    'an unknown update is one of its runs',
    [
      set([1, 2], 5),
      call([1, 3], 'update', ['k', null], {
        ...failed('unknown'),
        attempts: [
          { reads: [{ key: 'k' }], writes: [{ key: 'k', value: 1 }] },
          { reads: [{ key: 'k', value: 5 }], writes: [{ key: 'k', value: 6 }] },
        ],
      }),
    ],
    { k: 6 },
  ],
  ...[11, 12].map((sum): [string, CallRecord[], Record<string, unknown>] => [
    `of two sets at once, an increment to ${sum} shows which was last`,
    [set([1, 4], 1), set([2, 3], 2), call([5, 6], 'increment', ['k', 10], { result: sum })],
    { k: sum },
  ]),
  [
    'of two sets at once, the one with an expiry may be last',
    [set([1, 4], 1), call([2, 3], 'set', ['k', 2, { ttl: 5 }])],
    {},
  ],
  [
    'a list may be popped and become the same again',
    [
      call([1, 2], 'append', ['k', 'x'], { result: 1 }),
      call([3, 4], 'pop', ['k'], { result: ['x'] }),
      call([5, 6], 'append', ['k', 'x'], { result: 1 }),
      get([7, 8], ['x']),
    ],
    { k: ['x'] },
  ],
  ...[0, 1, 2].map((sum): [string, CallRecord[], Record<string, unknown>] => [
    `of two equal unknown increments, ${sum} may count`,
    [
      call([1, 2], 'increment', ['k'], failed('unknown')),
      call([3, 4], 'increment', ['k'], failed('unknown')),
    ],
    sum > 0 ? { k: sum } : {},
  ]),
  [
    'steps have the results of their rules',
    [
      call([1, 2], 'insert', ['k', 5], { result: true }),
      call([3, 4], 'insert', ['k', 6], { result: false }),
      call([5, 6], 'getOrInsert', ['k', 7], { result: 5 }),
      call([7, 8], 'increment', ['k', 2], { result: 7 }),
      call([9, 10], 'pop', ['k'], { result: 7 }),
      call([11, 12], 'pop', ['k'], { result: undefined }),
      call([13, 14], 'touch', ['k', { expires: null }], { result: false }),
      call([15, 16], 'append', ['k', 'x', { max: 1 }], { result: 1 }),
      call([17, 18], 'append', ['k', 'y', { max: 1 }], { result: 1 }),
      call([19, 20], 'mutable', ['k', null, ['z']], {
        attempts: [
          { reads: [{ key: 'k', value: ['y'] }], writes: [{ key: 'k', value: ['y', 1] }] },
        ],
        result: ['y', 1],
      }),
    ],
    { k: ['y', 1] },
  ],
  [
    'mutable reads its initial value if the key is missing',
    [
      call([1, 2], 'mutable', ['k', null, ['z']], {
        attempts: [
          { reads: [{ key: 'k', value: ['z'] }], writes: [{ key: 'k', value: ['z', 1] }] },
        ],
        result: ['z', 1],
      }),
    ],
    { k: ['z', 1] },
  ],
  [
    'a value with an expiry may be missing',
    [call([1, 2], 'set', ['k', 1, { ttl: 5 }]), get([3, 4], 1), get([5, 6], undefined)],
    {},
  ],
  [
    'a value whose expiry was removed stays',
    [
      call([1, 2], 'set', ['k', 1, { ttl: 5 }]),
      call([3, 4], 'touch', ['k', { expires: null }], { result: true }),
    ],
    { k: 1 },
  ],
  [
    'an increment keeps the expiry',
    [call([1, 2], 'set', ['k', 1, { ttl: 5 }]), call([3, 4], 'increment', ['k'], { result: 2 })],
    {},
  ],
  [
    'touch() may set an expiry after a set that runs at the same time',
    [
      call([1, 2], 'set', ['k', 1, { ttl: 5 }]),
      call([3, 9], 'touch', ['k', { ttl: 5 }], { result: true }),
      set([4, 5], 2),
    ],
    {},
  ],
  [
    'a getMany is no snapshot',
    [
      transaction([1, 9], both(1)),
      call([2, 5], 'getMany', [['x', 'y']], { keys: ['x', 'y'], result: [{ key: 'y', value: 1 }] }),
    ],
    { x: 1, y: 1 },
  ],
  [
    'a transaction reads all keys at one time',
    [transaction([1, 9], both(1)), transaction([2, 8], readBoth(1, 1))],
    { x: 1, y: 1 },
  ],
  [
    'an unknown transaction is applied as a whole',
    [transaction([1, 2], both(1), failed('unknown'))],
    { x: 1, y: 1 },
  ],
  [
    'clear() and a listing act on each key',
    [
      call([1, 20], 'clear', [{ prefix: 'k' }]),
      call([2, 19], 'entries', [], { result: [{ key: 'other', value: 2 }], isComplete: true }),
    ],
    { other: 2 },
    { k: 1, other: 2 },
  ],
  ['what was there before the first call counts', [get([1, 2], 1)], { k: 1 }, { k: 1 }],
  [
    'calls of different clocks are in no order',
    [set([1, 2], 1), { ...get([3, 4], undefined), clock: 'two' }],
    { k: 1 },
  ],
])('possible: %s', (_, records, contents, initial = {}) => {
  expect(kinds(records, contents, initial)).toEqual([])
})

test.each<
  [
    rule: string,
    records: CallRecord[],
    contents: Record<string, unknown>,
    initial?: Record<string, unknown>,
  ]
>([
  ['a lost update', [update([1, 4], undefined, 1), update([2, 3], undefined, 1)], { k: 1 }],
  [
    'a lost increment',
    [
      call([1, 4], 'increment', ['k'], { result: 1 }),
      call([2, 3], 'increment', ['k'], { result: 1 }),
    ],
    { k: 1 },
  ],
  ['a stale read', [set([1, 2], 1), set([3, 4], 2), get([5, 6], 1)], { k: 2 }],
  [
    'a read of a write that was rejected',
    [set([1, 2], 1, failed('not-applied')), get([3, 4], 1)],
    {},
  ],
  ['a rejected write that is there', [set([1, 2], 1, failed('not-applied'))], { k: 1 }],
  ['an acknowledged write that is missing', [set([1, 2], 1)], {}],
  ['an applied write that is missing, though it failed', [set([1, 2], 1, failed('applied'))], {}],
  [
    'an acknowledged delete that is not there',
    [set([1, 2], 1), call([3, 4], 'delete', ['k'])],
    { k: 1 },
  ],
  [
    'a write that is applied twice',
    [call([1, 2], 'append', ['k', 'x'], { result: 1 })],
    { k: ['x', 'x'] },
  ],
  [
    'an unknown write that is applied twice',
    [call([1, 2], 'append', ['k', 'x'], failed('unknown'))],
    { k: ['x', 'x'] },
  ],
  [
    'a transaction of which an earlier run is stored',
    [
      call([1, 9], 'transaction', [['k'], null], {
        keys: ['k'],
        attempts: [
          { reads: [{ key: 'k' }], writes: [{ key: 'k', value: 1 }] },
          { reads: [{ key: 'k', value: 1 }], writes: [{ key: 'k', value: 2 }] },
        ],
      }),
    ],
    { k: 1 },
  ],
  [
    'an update of which an earlier run is stored',
    [
      call([1, 9], 'update', ['k', null], {
        result: 1,
        attempts: [
          { reads: [{ key: 'k' }], writes: [{ key: 'k', value: 1 }] },
          { reads: [{ key: 'k', value: 1 }], writes: [{ key: 'k', value: 1 }] },
        ],
      }),
    ],
    { k: 1 },
  ],
  [
    'a pop of one value by two clients',
    [
      set([1, 2], 1),
      call([3, 6], 'pop', ['k'], { result: 1 }),
      call([4, 5], 'pop', ['k'], { result: 1 }),
    ],
    {},
  ],
  [
    'two inserts that both succeed',
    [
      call([1, 4], 'insert', ['k', 1], { result: true }),
      call([2, 3], 'insert', ['k', 2], { result: true }),
    ],
    { k: 2 },
  ],
  [
    'reads that go back in time',
    [set([1, 9], 1), get([2, 3], 1), get([4, 5], undefined)],
    { k: 1 },
  ],
  [
    'reads by two clients that see two sets in different orders',
    [
      set([1, 20], 1),
      set([1, 20], 2),
      get([2, 3], 1),
      get([4, 5], 2),
      { ...get([4, 5], 2), clock: 'two' },
      { ...get([6, 7], 1), clock: 'two' },
      get([6, 7], 2),
      { ...get([8, 9], 2), clock: 'two' },
    ],
    { k: 1 },
  ],
  ['a read of a value that no call wrote', [get([1, 2], 7)], {}],
  [
    'a read before an unknown write of its value',
    [get([1, 2], 1), set([3, 4], 1, failed('unknown'))],
    {},
  ],
  ['a read before the write of its value', [get([1, 2], 1), set([3, 4], 1)], { k: 1 }],
  [
    'a key that a complete listing leaves out',
    [set([1, 2], 1), call([3, 4], 'keys', [], { result: [], isComplete: true })],
    { k: 1 },
  ],
  [
    'an expiry of a value without one',
    [call([1, 2], 'set', ['k', 1, { ttl: 5 }]), set([3, 4], 2), get([5, 6], undefined)],
    { k: 2 },
  ],
  [
    'an expiry with onInsert of a key that exists',
    [
      set([1, 2], 1),
      call([3, 4], 'increment', ['k', 1, { ttl: 5, onInsert: true }], { result: 2 }),
    ],
    {},
  ],
  [
    'a wrong result of has()',
    [set([1, 2], 1), call([3, 4], 'has', ['k'], { result: false })],
    { k: 1 },
  ],
  ['contents that were there before and are gone', [], {}, { k: 1 }],
])('impossible: %s', (_, records, contents, initial = {}) => {
  expect(kinds(records, contents, initial)).toEqual(['impossible'])
})

test.each<[rule: string, records: CallRecord[], contents: Record<string, unknown>]>([
  [
    'an unknown transaction that is applied in part',
    [transaction([1, 2], both(1)), transaction([3, 4], both(2), failed('unknown'))],
    { x: 2, y: 1 },
  ],
  [
    'an unknown setMany that is applied in part',
    [
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
    ],
    { x: 1 },
  ],
  [
    'an unknown deleteMany that is applied in part',
    [
      transaction([1, 2], both(1)),
      call([3, 4], 'deleteMany', [['x', 'y']], { keys: ['x', 'y'], ...failed('unknown') }),
    ],
    { y: 1 },
  ],
  [
    'a transaction that reads one key before another one and one after',
    [
      transaction([1, 9], both(1)),
      transaction([2, 8], { reads: [{ key: 'x', value: 1 }, { key: 'y' }], writes: [] }),
    ],
    { x: 1, y: 1 },
  ],
  [
    'two transactions that each read what the other one writes (write skew)',
    [
      transaction([1, 9], { reads: [{ key: 'x' }], writes: [{ key: 'y', value: 1 }] }),
      transaction([2, 8], { reads: [{ key: 'y' }], writes: [{ key: 'x', value: 1 }] }),
    ],
    { x: 1, y: 1 },
  ],
])('torn: %s', (_, records, contents) => {
  expect(kinds(records, contents)).toEqual(['torn'])
})
