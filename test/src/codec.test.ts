import process from 'node:process'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { decode, encode } from '../../src/codec.ts'
import { assertEqual } from '../../src/conformance/assertions.ts'
import { isStoreError } from '../../src/errors.ts'
import { storableValue } from '../support/storable-value.ts'

const MEGABYTE = 2 ** 20

/** Returns the text of a list that refers `times` times to the first of `parts`. */
function textOfList(times: number, ...parts: readonly unknown[]): string {
  return `1:${JSON.stringify([Array.from({ length: times }, () => 1), ...parts])}`
}

/** Expects `decode` to reject the text of these parts. */
function expectCorrupt(parts: readonly unknown[]): void {
  const corrupt = expect.objectContaining({ code: 'CORRUPT' })
  expect(() => decode(`1:${JSON.stringify(parts)}`)).toThrow(corrupt)
}

describe('encode() and decode()', () => {
  test('round-trip every value through well-formed text', () => {
    fc.assert(
      fc.property(storableValue, (value) => {
        const text = encode(value)
        expect(text.isWellFormed()).toBe(true)
        assertEqual(decode(text), value)
      }),
      { numRuns: 2000 },
    )
  })

  test('reject damaged text with CORRUPT, unless it still encodes a value', () => {
    fc.assert(
      fc.property(
        storableValue,
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 3 }),
        (value, position, noise) => {
          const text = encode(value)
          const at = 2 + (position % text.length)
          try {
            decode(text.slice(0, at) + noise + text.slice(at + 1))
          } catch (error) {
            expect(isStoreError(error) && error.code).toBe('CORRUPT')
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})

/** Returns a list in `levels` - 1 others. */
function nest(levels: number): unknown {
  let value: unknown = []
  for (let level = 1; level < levels; level++) value = [value]
  return value
}

describe('encode() writes JSON, with `~` before a time and before another `~`,', () => {
  test.each([
    [null, '2:null'],
    [true, '2:true'],
    [-1.5e300, '2:-1.5e+300'],
    ['Ann', '2:"Ann"'],
    ['~', '2:"~~"'],
    ['~5', '2:"~~5"'],
    ['\ud800é\n', String.raw`2:"\ud800é\n"`],
    [new Date(0), '2:"~0"'],
    [new Date(8.64e15), '2:"~8640000000000000"'],
    [
      { at: new Date(1_767_225_600_000), to: ['a', '~b'] },
      '2:{"at":"~1767225600000","to":["a","~~b"]}',
    ],
    [{ toJSON: 'x', '~5': [[], {}] }, '2:{"toJSON":"x","~5":[[],{}]}'],
    [['x'.repeat(31), 'x'.repeat(31)], `2:["${'x'.repeat(31)}","${'x'.repeat(31)}"]`],
  ])('of %j', (value, text) => {
    expect(encode(value)).toBe(text)
    assertEqual(decode(text), value)
  })

  test('and leaves the value as it was', () => {
    const value = { at: new Date(5), list: ['~', { at: new Date(6) }] }
    encode(value)
    expect(value).toEqual({ at: new Date(5), list: ['~', { at: new Date(6) }] })
  })
})

describe('encode() writes the format of devalue', () => {
  const shared = { n: 1 }
  const time = new Date(5)
  const cycle: unknown[] = []
  cycle.push(cycle)
  test.each<[string, unknown, string]>([
    ['a negative zero', [-0], '1:[[-6]]'],
    ['NaN', { n: Number.NaN }, '1:[{"n":-3}]'],
    ['an infinite number', Infinity, '1:-4'],
    ['undefined', { u: undefined }, '1:[{"u":-1}]'],
    // oxlint-disable-next-line no-sparse-arrays
    ['a hole', [1, , 2], '1:[[1,-2,2],1,2]'],
    ['a bigint', [7n], '1:[[1],["BigInt","7"]]'],
    ['a Map', new Map([[1, 2]]), '1:[["Map",1,2],1,2]'],
    ['a Date before 1970', new Date(-1), '1:[["Date","1969-12-31T23:59:59.999Z"]]'],
    ['an invalid Date', [new Date(Number.NaN)], '1:[[1],["Date",""]]'],
    ['an object with two references', [shared, shared], '1:[[1,1],{"n":2},1]'],
    ['a Date with two references', [time, time], '1:[[1,1],["Date","1970-01-01T00:00:00.005Z"]]'],
    ['a cycle', cycle, '1:[[0]]'],
    [
      'a string of 32 characters that occurs twice',
      ['x'.repeat(32), { x: 'x'.repeat(32) }],
      `1:[[1,2],"${'x'.repeat(32)}",{"x":1}]`,
    ],
  ])('for a value with %s', (_, value, text) => {
    expect(encode(value)).toBe(text)
    assertEqual(decode(text), value)
  })
})

describe('decode()', () => {
  test('reads text in which an earlier version wrote what is JSON now', () => {
    const text = '1:[{"name":1,"at":2,"tags":3},"~Ann",["Date","1970-01-01T00:00:00.005Z"],[4],1]'
    assertEqual(decode(text), { name: '~Ann', at: new Date(5), tags: [1] })
  })

  test.each([
    '"~x"',
    '["~-1"]',
    '{"a":"~5 "}',
    '{"__proto__":1}',
    String.raw`[{"\u005f_proto__":{}}]`,
    '',
    '[1',
    '[undefined]',
  ])('rejects the damaged JSON %s with CORRUPT', (json) => {
    expect(() => decode(`2:${json}`)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  test.each(['3:[1]', '17:'])(
    'rejects %s, which a later version wrote, with VERSION_MISMATCH',
    (text) => {
      expect(() => decode(text)).toThrow(expect.objectContaining({ code: 'VERSION_MISMATCH' }))
    },
  )

  test('reads 1,016 levels of JSON and rejects more with CORRUPT', () => {
    const text = encode(nest(1016))
    expect(text).toBe(`2:${'['.repeat(1016)}${']'.repeat(1016)}`)
    expect(encode(decode(text))).toBe(text)
    for (const levels of [1017, 100_000]) {
      const deep = `2:${'{"a":'.repeat(levels)}0${'}'.repeat(levels)}`
      expect(() => decode(deep)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    }
  })

  test('ignores properties that code has added to Object.prototype', () => {
    const added: Record<string, unknown> = { time: '~5' }
    added['self'] = added
    const read: unknown[] = []
    Object.assign(Object.prototype, added)
    try {
      for (const text of ['2:{"at":"~1"}', encode({ at: new Date(1) })])
        read.push(...Object.entries(decode(text) as object))
    } finally {
      for (const key of Object.keys(added)) Reflect.deleteProperty(Object.prototype, key)
    }
    expect(read).toEqual([
      ['at', new Date(1)],
      ['at', new Date(1)],
    ])
    expect(added['time']).toBe('~5')
  })
})

// A decoder whose work grows with the decoded value instead of the text takes longer in each case,
// or many times the memory.
const TIMEOUT_MS = 10_000

describe(
  'decode() takes time and memory in proportion to its text',
  { timeout: TIMEOUT_MS },
  () => {
    test('for 20,000 references to a string of a megabyte', () => {
      // Only a scan up to the last character shows that the string is not Latin-1.
      const long = `${'x'.repeat(MEGABYTE)}日`
      const written = textOfList(20_000, long)
      const value = decode(written) as string[]
      expect(value).toHaveLength(20_000)
      expect(value[19_999] === long).toBe(true)
      expect(encode(value) === written).toBe(true)
    })

    test('for 200,000 references to a bigint of 70,000 digits', () => {
      const value = decode(textOfList(200_000, ['BigInt', '7'.repeat(70_000)])) as bigint[]
      expect(value).toHaveLength(200_000)
      expect(value[0] === value[199_999]).toBe(true)
    })

    test.each(['7', '-7', '0', '0x7'])(
      'for a bigint of 100,000 digits that begins with %s: it is rejected unread',
      (first) => {
        const digits = first + '7'.repeat(100_000)
        // BigInt() takes more than linear time, so decode() must not call it.
        const bigInt = vi.spyOn(globalThis, 'BigInt')
        try {
          expectCorrupt([['BigInt', digits]])
          // In a place for a reference.
          expectCorrupt([['Error', ['BigInt', digits]]])
          expect(bigInt).not.toHaveBeenCalled()
          expect(decode('1:[["BigInt","7"]]')).toBe(7n)
          expect(bigInt).toHaveBeenCalledTimes(1)
        } finally {
          bigInt.mockRestore()
        }
      },
    )

    test('for a bigint whose digits are not a string', () => {
      expectCorrupt([['BigInt', ['7']]])
      expectCorrupt([['BigInt', 1], '7'])
    })

    test.each(['Uint8Array', 'Float64Array', 'DataView'])(
      'for 300 views (%s) of one buffer',
      (type) => {
        const indexes = Array.from({ length: 300 }, (_, i) => i + 2)
        const buffer = ['ArrayBuffer', 'AAECAwQFBgc=']
        expectCorrupt([indexes, buffer, ...indexes.map(() => [type, 1])])
        // One view of a buffer is valid, and so is another reference to that buffer.
        expect(decode(`1:${JSON.stringify([[1, 2], buffer, ['Uint8Array', 1]])}`)).toEqual([
          new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]).buffer,
          new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]),
        ])
      },
    )

    test('for errors that refer to one long list of parts', () => {
      const long = [2, 3, ...Array.from({ length: 1_000_000 }, () => 3)]
      expectCorrupt([[4, 5], long, 'TypeError', 'message', ['Error', 1], ['Error', 1]])
    })

    test('for 1,000 errors with one message of a megabyte', () => {
      const indexes = Array.from({ length: 1000 }, (_, i) => i + 4)
      const message = 'x'.repeat(MEGABYTE)
      const errors = [indexes, [2, 3], 'TypeError', message, ...indexes.map(() => ['Error', 1])]
      const value = decode(`1:${JSON.stringify(errors)}`) as Error[]
      expect(value).toHaveLength(1000)
      expect(value[999]?.message === message).toBe(true)
    })

    test('for 20 arrays of 3,000,000 holes', () => {
      const indexes = Array.from({ length: 20 }, (_, i) => i + 1)
      const written = `1:${JSON.stringify([indexes, ...indexes.map(() => [-7, 3_000_000])])}`
      const before = process.memoryUsage().heapUsed
      const value = decode(written) as unknown[][]
      // At eight bytes per hole the arrays would take 480 MB.
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * MEGABYTE)
      expect(value).toHaveLength(20)
      for (const list of value) expect(list).toHaveLength(3_000_000)
      expect(encode(value)).toBe(written)
    })
  },
)
