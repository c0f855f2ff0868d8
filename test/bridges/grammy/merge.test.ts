import { describe, expect, test } from 'vitest'
import { applyChange, isSessionMerge, type SessionMerge } from '../../../bridges/grammy/merge.ts'

/** Applies the change from `base` to `mine` to `current`; a conflict throws the names of the fields. */
function apply(
  [base, mine, current]: readonly [unknown, unknown, unknown],
  merge: SessionMerge<Record<string, unknown>> = {},
): unknown {
  return applyChange({ stored: base, base, mine }, current, merge, (fields) => {
    throw new Error(`conflict: ${fields.join(', ')}`)
  })
}

function sum(base: unknown = 0, mine: unknown = 0, current: unknown = 0): number {
  return Number(current) + Number(mine) - Number(base)
}

test('a field of merge that is undefined counts as absent', () => {
  expect(isSessionMerge({ count: undefined, list: sum })).toBe(true)
  expect(isSessionMerge({ count: 'sum' })).toBe(false)
  expect(() => apply([{ n: 1 }, { n: 2 }, { n: 3 }], { n: undefined })).toThrow('conflict: n')
})

describe('applyChange()', () => {
  test('a session that no other update changed becomes that of the handler', () => {
    expect(apply([{ a: 1 }, { b: 2 }, { a: 1 }])).toEqual({ b: 2 })
    expect(apply([[1], [2], [1]])).toEqual([2])
    expect(apply([{ a: 1 }, undefined, { a: 1 }])).toBeUndefined()
    const first = { stored: undefined, base: { a: 1 }, mine: { a: 2 } }
    expect(applyChange(first, undefined, {}, () => expect.fail())).toEqual({ a: 2 })
  })

  test('fields that one of them changed, added or removed are combined', () => {
    const base = { mine: 1, theirs: 1, mineRemoved: 1, theirsRemoved: 1, same: { n: 1 } }
    const mine = { mine: 2, theirs: 1, theirsRemoved: 1, same: { n: 1 }, mineAdded: [1] }
    const current = { mine: 1, theirs: 2, mineRemoved: 1, same: { n: 1 }, theirsAdded: [2] }
    expect(apply([base, mine, current])).toEqual({
      mine: 2,
      theirs: 2,
      same: { n: 1 },
      mineAdded: [1],
      theirsAdded: [2],
    })
  })

  test('a field that is undefined differs from a missing one', () => {
    const merged = apply([{ a: undefined }, {}, { a: undefined, b: 1 }])
    expect(Object.keys(merged as object)).toEqual(['b'])
    expect(Object.keys(apply([{}, { a: undefined }, { b: 1 }]) as object)).toEqual(['b', 'a'])
    expect(() => apply([{ a: 1 }, { a: 2 }, { a: undefined }])).toThrow('conflict: a')
    expect(() => apply([{ a: undefined }, { a: 2 }, {}])).toThrow('conflict: a')
  })

  test('every field that both changed is named, also if the changes are equal', () => {
    expect(() =>
      apply([
        { a: 1, b: 1, c: 1 },
        { a: 2, b: 2, c: 1 },
        { a: 3, b: 2, c: 2 },
      ]),
    ).toThrow('conflict: a, b')
    expect(() => apply([{ a: 1 }, {}, {}])).toThrow('conflict: a')
  })

  test.each([
    ['a list', [1], [1, 2], [1, 3]],
    ['a Map', new Map([['a', 1]]), new Map([['a', 2]]), new Map([['b', 3]])],
    ['a number', 1, 2, 3],
    ['missing before', undefined, { a: 1 }, { b: 1 }],
    ['removed by the handler', { a: 1 }, undefined, { a: 1, b: 1 }],
    ['removed by another update', { a: 1 }, { a: 1, b: 1 }, undefined],
  ])(
    'a session that is %s is one field',
    (_name, base: unknown, mine: unknown, current: unknown) => {
      expect(() => apply([base, mine, current])).toThrow('conflict: ')
    },
  )

  test('merge decides about its field only, and a method that it inherits is not used', () => {
    const merge = { a: sum }
    expect(apply([{}, { a: 2 }, { a: 3 }], merge)).toEqual({ a: 5 })
    expect(apply([{ a: 1 }, { a: 3 }, { a: 2 }], merge)).toEqual({ a: 4 })
    expect(apply([{ a: 1 }, { a: 3 }, { a: 1, b: 1 }], merge)).toEqual({ a: 3, b: 1 })
    const inherited = [{}, { toString: 1 }, { toString: 2 }] as const
    expect(() => apply(inherited, merge)).toThrow('conflict: toString')
  })

  test('undefined from merge removes the field, and a value adds one that the handler removed', () => {
    expect(apply([{ a: 1 }, { a: 2 }, { a: 3 }], { a: () => undefined })).toEqual({})
    expect(apply([{ a: 1 }, {}, { a: 3 }], { a: () => 4 })).toEqual({ a: 4 })
  })

  test('merge may change what it receives, since it may run again', () => {
    const sessions = [{ a: [1] }, { a: [1, 2] }, { a: [1, 3] }] as const
    const merge = {
      a: (base: unknown, mine: unknown) => {
        const [list, other] = [base as number[], mine as number[]]
        list.push(0)
        other.push(9)
        return other
      },
    }
    expect(apply(sessions, merge)).toEqual({ a: [1, 2, 9] })
    expect(sessions.slice(0, 2)).toEqual([{ a: [1] }, { a: [1, 2] }])
  })
})
