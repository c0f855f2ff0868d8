import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertEqual } from '../../../src/conformance/assertions.ts'
import { type ListMode, mergeValues } from '../../../src/backup/merge.ts'

const BOTH: readonly ListMode[] = ['append', 'replace']

// Cases from the documentation and the tests of deepmerge's `always_merger`.
test.each<[unknown, unknown, unknown]>([
  [{ foo: ['bar'] }, { foo: ['baz'] }, { foo: ['bar', 'baz'] }],
  [
    { foo: 'value', baz: ['a'] },
    { bar: 'value2', baz: ['b'] },
    { foo: 'value', bar: 'value2', baz: ['a', 'b'] },
  ],
  [{ foo: ['bar'] }, { bar: 'baz' }, { foo: ['bar'], bar: 'baz' }],
  [{ foo: 0, baz: 2 }, { bar: 1 }, { foo: 0, bar: 1, baz: 2 }],
  [new Set(['1', '2']), new Set(['2', '3']), new Set(['1', '2', '3'])],
])('append merges as deepmerge does: %j and %j', (current, next, expected) => {
  assertEqual(mergeValues(current, next, 'append'), expected)
})

describe('arrays append or are replaced', () => {
  test.each<[unknown[], unknown[], unknown[], unknown[]]>([
    [
      [1, 2],
      [2, 3],
      [1, 2, 2, 3],
      [2, 3],
    ],
    [[], [1], [1], [1]],
    [[1], [], [1], []],
    [[{ a: 1 }], [{ b: 2 }], [{ a: 1 }, { b: 2 }], [{ b: 2 }]],
    [[[1]], [[2]], [[1], [2]], [[2]]],
    [sparse(3, 1), sparse(2, 0), Object.assign(sparse(5, 1), { 3: 'at 0' }), sparse(2, 0)],
    [[undefined], [undefined], [undefined, undefined], [undefined]],
  ])('%j and %j', (current, next, appended, replaced) => {
    assertEqual(mergeValues(current, next, 'append'), appended)
    assertEqual(mergeValues(current, next, 'replace'), replaced)
    assertEqual(mergeValues({ deep: { current } }, { deep: { current: next } }, 'append'), {
      deep: { current: appended },
    })
  })
})

/** Makes an array with one element and holes. */
function sparse(length: number, index: number): unknown[] {
  return Object.assign([], { length, [index]: `at ${index}` })
}

describe.each(BOTH)('lists: %s:', (lists) => {
  test.each<[string, unknown, unknown, unknown]>([
    [
      'objects at any depth',
      { a: { b: { c: 1, d: 2 } } },
      { a: { b: { d: 3 } } },
      { a: { b: { c: 1, d: 3 } } },
    ],
    [
      'Maps by their keys',
      map(['a', { x: 1 }], [1, 'n']),
      map(['a', { y: 2 }], ['1', 's']),
      map(['a', { x: 1, y: 2 }], [1, 'n'], ['1', 's']),
    ],
    [
      'Maps in Maps',
      map(['a', map(['b', 1])]),
      map(['a', map(['c', 2])]),
      map(['a', map(['b', 1], ['c', 2])]),
    ],
    [
      'Sets by their items',
      new Set([1, 'a', Number.NaN]),
      new Set([Number.NaN, 'b']),
      new Set([1, 'a', Number.NaN, 'b']),
    ],
    ['the next of two scalars', 1, 2, 2],
    ['-0', { n: 0 }, { n: -0 }, { n: -0 }],
    ['null over an object', { a: { b: 1 } }, { a: null }, { a: null }],
    ['an object over null', { a: null }, { a: { b: 1 } }, { a: { b: 1 } }],
    ['undefined in an object', { a: 1, b: 1 }, { a: undefined }, { a: undefined, b: 1 }],
    ['over undefined in an object', { a: undefined }, { a: { b: 1 } }, { a: { b: 1 } }],
    ['a missing value', undefined, { a: 1 }, { a: 1 }],
    ['an array over an object', { a: {} }, { a: [1] }, { a: [1] }],
    ['an object over an array', { a: [1, 5] }, { a: { 0: 2 } }, { a: { 0: 2 } }],
    ['a Map over an object', { a: { b: 1 } }, { a: map(['c', 1]) }, { a: map(['c', 1]) }],
    ['an empty object over a Map', map(['c', 1]), {}, {}],
    ['an empty Set over a Map', map(['c', 1]), new Set(), new Set()],
    ['an empty array over an object', { a: { b: 1 } }, { a: [] }, { a: [] }],
    ['a Date over an object', { a: 1 }, new Date(2), new Date(2)],
    ['an object over bytes', new Uint8Array([7]), { a: 1 }, { a: 1 }],
    ['Dates', new Date(1), new Date(2), new Date(2)],
    ['bytes', new Uint8Array([1, 2]), new Uint8Array([3]), new Uint8Array([3])],
    ['errors', new Error('a'), new Error('b'), new Error('b')],
  ])('merges %s', (_, current, next, expected) => {
    assertEqual(mergeValues(current, next, lists), expected)
  })

  test('property names such as constructor and toString are data', () => {
    const next = { constructor: { name: 'x' }, toString: { a: 1 }, hasOwnProperty: 1, valueOf: 2 }
    assertEqual(mergeValues({ own: 1 }, next, lists), { own: 1, ...next })
    assertEqual(mergeValues({ toString: { b: 2 } }, next, lists), {
      ...next,
      toString: { a: 1, b: 2 },
    })
  })

  test('a property `__proto__` does not set the prototype', () => {
    const next: unknown = JSON.parse('{"a":{"__proto__":{"admin":true},"c":1}}')
    for (const current of [{ a: { b: 1 } }, JSON.parse('{"a":{"__proto__":{"b":1}}}')]) {
      const { a } = mergeValues(current, next, lists) as { a: Record<string, unknown> }
      expect(Object.getPrototypeOf(a)).toBe(Object.prototype)
      expect(a['admin']).toBeUndefined()
      expect(Object.keys(a)).toContain('__proto__')
    }
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  test('an object that both sides share stays shared', () => {
    const [ours, theirs] = [{ a: 1 }, { b: 2 }]
    const merged = { a: 1, b: 2 }
    const result = mergeValues({ x: ours, y: ours }, { x: theirs, y: theirs }, lists)
    assertEqual(result, { x: merged, y: merged })
  })

  test('an object that only one side shares is merged in one place and kept in the other', () => {
    const ours = { a: 1 }
    assertEqual(mergeValues({ x: ours, y: ours }, { x: { b: 2 } }, lists), {
      x: { a: 1, b: 2 },
      y: { a: 1 },
    })
  })

  test('a reference of one side alone leads to the unmerged object', () => {
    const current: Record<string, unknown> = { a: 1 }
    current['self'] = current
    const result = mergeValues(current, { b: 2 }, lists) as Record<string, unknown>
    expect(result['self']).toBe(current)
    expect(Object.keys(current)).toEqual(['a', 'self'])
  })

  test('cycles in both sides end', () => {
    const current: Record<string, unknown> = { a: 1 }
    current['self'] = current
    const next: Record<string, unknown> = { b: 2 }
    next['self'] = next
    const expected: Record<string, unknown> = { a: 1, b: 2 }
    expected['self'] = expected
    assertEqual(mergeValues(current, next, lists), expected)
    assertEqual(mergeValues(map(['k', current]), map(['k', next]), lists), map(['k', expected]))
  })

  test('cycles of 299 and 300 levels become one of 89,700, without a stack overflow', () => {
    const result = mergeValues(ring(299, 'a'), ring(300, 'b'), lists) as Ring
    let [levels, at] = [0, result]
    do {
      levels++
      at = at.next
    } while (at !== result && levels < 1_000_000)
    expect(levels).toBe(89_700)
    expect(Object.keys(result).toSorted()).toEqual(['a', 'b', 'next'])
  })

  test('200,000 levels are merged without a stack overflow', () => {
    const result = mergeValues(tower(200_000, 'a'), tower(200_000, 'b'), lists)
    let [levels, at]: [number, unknown] = [0, result]
    while (typeof at === 'object' && at !== null && 'next' in at) {
      levels++
      at = at.next
    }
    expect([levels, at]).toEqual([200_000, { a: 1, b: 1 }])
  })

  test('neither argument is changed', () => {
    fc.assert(
      fc.property(values, values, (current, next) => {
        const before: [unknown, unknown] = [structuredClone(current), structuredClone(next)]
        const result = mergeValues(current, next, lists)
        assertEqual(current, before[0], 'the current value')
        assertEqual(next, before[1], 'the next value')
        expect(result === undefined).toBe(next === undefined)
      }),
    )
  })

  test('the result has every property that only one of two objects has', () => {
    fc.assert(
      fc.property(objects, objects, (current, next) => {
        const result = mergeValues(current, next, lists) as Record<string, unknown>
        expect(new Set(Object.keys(result))).toEqual(
          new Set([...Object.keys(current), ...Object.keys(next)]),
        )
        for (const [key, value] of Object.entries(current)) {
          if (!Object.hasOwn(next, key)) assertEqual(result[key], value)
        }
        for (const [key, value] of Object.entries(next)) {
          if (!Object.hasOwn(current, key)) assertEqual(result[key], value)
        }
      }),
    )
  })

  test('an empty object on either side changes nothing', () => {
    fc.assert(
      fc.property(objects, (value) => {
        assertEqual(mergeValues(value, {}, lists), structuredClone(value))
        assertEqual(mergeValues({}, value, lists), structuredClone(value))
      }),
    )
  })
})

test('replacing twice is the same as once', () => {
  fc.assert(
    fc.property(values, values, (current, next) => {
      const once = mergeValues(current, next, 'replace')
      assertEqual(mergeValues(once, next, 'replace'), structuredClone(once))
    }),
    { numRuns: 500 },
  )
})

test('shared objects stay shared if they are merged twice', () => {
  const part = { a: 1 }
  const next = { x: part, list: [part] }
  const once = mergeValues({ own: 1 }, next, 'replace')
  assertEqual(mergeValues(once, next, 'replace'), { own: 1, ...next })
})

interface Ring {
  next: Ring
}

/** Creates a cycle of objects: each refers to the next one, and the last to the first. */
function ring(length: number, name: string): Ring {
  const all = Array.from({ length }, () => ({ [name]: 1 }) as unknown as Ring)
  for (const [index, each] of all.entries()) each.next = all[(index + 1) % length] as Ring
  return all[0] as Ring
}

function tower(levels: number, name: string): unknown {
  let value: unknown = { [name]: 1 }
  for (let level = 0; level < levels; level++) value = { next: value }
  return value
}

function map(...entries: [unknown, unknown][]): Map<unknown, unknown> {
  return new Map(entries)
}

// Few names, so that properties collide; some objects are shared, and some refer to their parent.
const names = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', '')
const leaves: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, undefined, true, 0, -0, Number.NaN, 1n, '', 'x'),
  fc.date().map((date) => date),
  fc.uint8Array({ maxLength: 2 }),
)
const { value: values, object: objects } = fc.letrec<{
  value: unknown
  object: Record<string, unknown>
}>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaves,
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.sparseArray(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(names, tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(leaves, { maxLength: 3 }).map((items) => new Set(items)),
  ),
  object: fc
    .tuple(
      fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      fc.constantFrom('tree', 'shared', 'cycle'),
    )
    .map(([object, shape]) => {
      const [first] = Object.values(object)
      if (shape === 'shared' && typeof first === 'object') object['b'] = first
      if (shape === 'cycle') object['c'] = object
      return object
    }),
}))
