import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertEqual } from '../../../src/conformance/assertions.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { assertPlainJson, NotPlainError } from '../../../src/admin/plain-json.ts'

function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function survives(value: unknown): boolean {
  try {
    assertEqual(throughJson(value), value)
    return true
  } catch {
    return false
  }
}

function isAccepted(value: unknown): boolean {
  try {
    assertPlainJson(value)
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(NotPlainError)
    return false
  }
}

class Moment {
  at = 1
}

const shared = { x: 1 }
const cycle: { self?: unknown } = {}
cycle.self = cycle
const bare: unknown = Object.assign(Object.create(null), { a: 1 })
const extra = Object.assign([1], { more: 2 })

test.each<[string, unknown]>([
  ['$ is undefined', undefined],
  ['$.a is undefined', { a: undefined }],
  ['$[1] is undefined', [1, undefined]],
  ['$[0] is NaN', [Number.NaN]],
  ['$.up is Infinity', { up: Infinity }],
  ['$.down is -Infinity', { down: -Infinity }],
  ['$[1][0] is -0', [0, [-0]]],
  ['$.n is a bigint', { n: 1n }],
  ['$.run is a function', { run: () => 1 }],
  ['$.toJSON is a function', { toJSON: () => 1 }],
  ['$[0] is a symbol', [Symbol('s')]],
  ['$.notes[3].when is a Date', { notes: [0, 1, 2, { when: new Date(0) }] }],
  ['$ is a RegExp', /x/],
  ['$ is a Map', new Map()],
  ['$ is a Set', new Set()],
  ['$ is an ArrayBuffer', new ArrayBuffer(1)],
  ['$ is a Uint8Array', new Uint8Array(1)],
  ['$ is an Int8Array', new Int8Array(1)],
  ['$ is a DataView', new DataView(new ArrayBuffer(1))],
  ['$ is a TypeError', new TypeError('t')],
  ['$ is an Error', new Error('e')],
  ['$ is a Number', Object(1)],
  ['$[1] is a hole', Object.assign([], { length: 4_000_000_000, 0: 'near', 3_999_999_999: 'far' })],
  ['$ has a property besides its elements', extra],
  ['$ has a property that JSON leaves out', Object.defineProperty({}, 'hidden', { value: 1 })],
  ['$ has a property that JSON leaves out', { [Symbol('s')]: 1 }],
  ['$ is an object without a prototype', bare],
  ['$ is an instance of Moment', new Moment()],
  ['$.b is the same object as $.a, which JSON would copy', { a: shared, b: shared }],
  ['$.self is the same object as $, which JSON would copy', cycle],
  ['$["a b"] is text with an unpaired surrogate', { 'a b': 'half \ud800' }],
  ['$["\\udc00"] has a name with an unpaired surrogate', { '\udc00': 1 }],
  ['$.__proto__ has a name that is not allowed', JSON.parse('{"__proto__":1}')],
  ['$.first is a Date', { first: new Date(0), second: undefined, third: [-0] }],
])('refuses a value: %s', (sentence, value) => {
  expect(() => assertPlainJson(value)).toThrow(new NotPlainError(sentence))
})

describe('accepts what is the same through JSON', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['numbers', [0, 1.5, -1, 2 ** 53, 5e-324, 1.7e308, -1e21]],
    ['text', ['', 'ümläut', '日本語', '🤖', '\u0000\u001f"\\\u2028\ufffe']],
    ['nothing', [[], {}, '', 0, false]],
    ['built-in names', { constructor: 1, toString: 2, hasOwnProperty: 3, length: 4 }],
    ['data named toJSON', { toJSON: 'data', inside: { toJSON: { toJSON: null } } }],
    ['equal parts that are not the same', [{ x: 1 }, { x: 1 }]],
  ])('%s', (_, value) => {
    assertPlainJson(value)
    assertEqual(throughJson(value), value)
  })
})

test('accepts 1,000 levels, and 200,000 without a stack overflow', () => {
  let value: unknown = []
  for (let level = 1; level < 1000; level++) value = level % 2 === 0 ? [value] : { value }
  assertPlainJson(value)
  assertEqual(throughJson(value), value)
  for (let level = 1000; level < 200_000; level++) value = [value]
  assertPlainJson(value)
})

test.each(VALID_VALUES)('accepts $name exactly if it survives JSON', ({ name, make, reads }) => {
  // The value as a storage returns it.
  const value = reads === undefined ? make() : reads()
  // JavaScript reads lone surrogates back; other JSON readers do not.
  const isKept = survives(value) && name !== 'lone-surrogates'
  expect(isAccepted(value)).toBe(isKept)
})

test('accepts any value exactly if it survives JSON', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  })
  const plain = fc.jsonValue()
  const known = { kept: 0, refused: 0 }
  fc.assert(
    fc.property(fc.oneof(anything, plain, fc.tuple(plain, anything)), (value) => {
      const accepted = isAccepted(value)
      known[accepted ? 'kept' : 'refused']++
      if (accepted) assertEqual(throughJson(value), value)
      else expect(survives(value) && isPortable(value)).toBe(false)
    }),
    { numRuns: 2_000 },
  )
  // The property says something only if both cases occurred.
  expect(known.kept).toBeGreaterThan(100)
  expect(known.refused).toBeGreaterThan(100)
})

/** Returns whether other JSON readers and the storages take it too. */
function isPortable(value: unknown): boolean {
  return !/\\ud[89a-f]|"__proto__":/.test(JSON.stringify(value))
}
