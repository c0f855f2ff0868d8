import { serialize } from 'node:v8'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { decode, encode } from '../../../src/codec.ts'
import { same } from '../../../src/conformance/check.ts'
import { STORED } from '../../../src/conformance/values.ts'
import { isStoreError } from '../../../src/errors.ts'
import { copyValue, recopy } from '../../../src/value/copy-value.ts'

// Anything in the value domain, nested at will.
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false, undefined, Number.NaN, -0, Infinity),
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array().map((bytes) => bytes.buffer),
    fc.int16Array(),
    fc.float64Array(),
    fc.constantFrom(/a/u, /[/]\n/gimsy),
    fc.string().map((message) => new RangeError(message)),
    fc.array(tie('value')),
    fc.array(tie('value')).map((list) => new Set(list)),
    fc.array(fc.tuple(tie('value'), tie('value'))).map((pairs) => new Map(pairs)),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { noNullPrototype: true },
    ),
    fc.sparseArray(tie('value')),
    tie('value').map((cause) => new Error('outer', { cause })),
  ),
})).value

const stored = anything.filter((value) => value !== undefined)

describe('values', () => {
  test('the copy is equal and shares nothing with the original', () => {
    fc.assert(
      fc.property(stored, (value) => {
        const { value: copy } = copyValue(value)
        same(copy, value)
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value)
      }),
      { numRuns: 2000 },
    )
  })

  test('the measure is never less than what V8 writes for the value', () => {
    // V8 itself is the yardstick. Its two bytes of header come once, whatever is stored.
    fc.assert(
      fc.property(stored, (value) => {
        const { value: copy, bytes } = copyValue(value)
        expect(bytes + 2).toBeGreaterThanOrEqual(serialize(copy).byteLength)
      }),
      { numRuns: 2000 },
    )
    // Of an array with a hole V8 writes every index too.
    const holes = { name: 'holes', make: () => Object.assign([], Array(5000).fill(null, 1)) }
    // Of an error its message, and the stack that begins with it.
    const error = { name: 'error', make: () => new Error('x'.repeat(1000)) }
    for (const { name, make } of [...STORED, holes, error]) {
      const { value: copy, bytes } = copyValue(make())
      expect(bytes + 2, name).toBeGreaterThanOrEqual(serialize(copy).byteLength)
    }
  })

  test('the measure is no more than twice what V8 writes, for values of some size', () => {
    const notes = Array.from({ length: 100 }, (_, i) => ({
      id: i,
      text: 'x'.repeat(50),
      at: new Date(i),
    }))
    for (const value of ['x'.repeat(10_000), new Uint8Array(10_000), notes, '日'.repeat(10_000)]) {
      expect(copyValue(value).bytes).toBeLessThan(2 * serialize(value).byteLength)
    }
  })

  test('a value is refused as soon as it passes the limit, before the rest is looked at', () => {
    let reads = 0
    const list = Array.from({ length: 1000 }, () => ({
      get text() {
        reads++
        return 'x'.repeat(100)
      },
    }))
    expect(() => copyValue(list, { maxBytes: 1000 })).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
    expect(reads).toBeLessThan(20)
  })

  test('an array counts its length before its elements are looked at, holes too', () => {
    const sparse: string[] = []
    sparse[33_554_430] = 'x'
    expect(() => copyValue(sparse, { maxBytes: 2_000_000 })).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
    expect((copyValue(sparse).value as string[]).length).toBe(33_554_431)
  })

  test.each([
    ['a name', Object.assign([1, 2], { extra: 1 }), '"extra"'],
    ['a fraction', Object.assign([1, 2], { '1.5': 1 }), '"1.5"'],
    ['a negative number', Object.assign([1, 2], { '-1': 1 }), '"-1"'],
    ['a number with a zero before it', Object.assign([1, 2], { '01': 1 }), '"01"'],
    ['the first number that is no index', Object.assign([1], { '4294967295': 1 }), '"4294967295"'],
    [
      'a hidden name',
      Object.defineProperty(Object.assign([1], { 2: 3 }), 'raw', { value: 1 }),
      '"raw"',
    ],
    ['a symbol', Object.assign([], { [Symbol('s')]: 1 }), '"Symbol(s)"'],
  ])('an array with %s besides its elements is refused, and it is named', (_, list, named) => {
    expect(() => copyValue({ list })).toThrow(
      `Cannot be stored: $.list has a property ${named} besides its elements.`,
    )
  })

  test.each<[string, object, string]>([
    ['a property', { notes: [0, { when: Symbol('s') }] }, '$.notes[1].when is a symbol'],
    ['a name that is no identifier', { 'a b': { 7: Symbol('s') } }, '$["a b"]["7"] is a symbol'],
    [
      'an element behind others that are well',
      [[1, [2]], { a: [3] }, () => 1],
      '$[2] is a function',
    ],
    ['a key of a Map', new Map([[() => 1, 1]]), '$<key 0> is a function'],
    ['what a Map has under an object', new Map([[{}, () => 1]]), '$.get(<key 0>) is a function'],
    [
      'a getter',
      [Object.defineProperty({}, 'a', throwing(new Error('not now')))],
      '$[0].a cannot be read: not now',
    ],
    [
      'a getter that throws no error',
      Object.defineProperty([], 0, throwing(null)),
      '$[0] cannot be read.',
    ],
    ['a Map that is none', { m: Object.create(Map.prototype) as object }, '$.m cannot be read: '],
  ])('the message says where and what it is: %s', (_, value, said) => {
    expect(() => copyValue(value)).toThrow(
      expect.objectContaining({ code: 'INVALID_VALUE', message: expect.stringContaining(said) }),
    )
  })

  test('a copy of a copy is equal and shares nothing with it', () => {
    fc.assert(
      fc.property(stored, (value) => {
        const { value: copy } = copyValue(value)
        const again = recopy(copy)
        same(again, value)
        if (typeof value === 'object' && value !== null) expect(again).not.toBe(copy)
      }),
      { numRuns: 2000 },
    )
    for (const { name, make, reads = make } of STORED) {
      same(recopy(copyValue(make()).value), reads(), name)
    }
    expect(recopy(undefined)).toBeUndefined()
  })

  test('values of another realm are known by what they are', async () => {
    const { runInNewContext } = await import('node:vm')
    const foreign = runInNewContext(
      '({ a: [1, new Date(5)], m: new Map([[1, new Set([2])]]), b: new Uint8Array([1]), e: new TypeError("t") })',
    ) as unknown
    same(copyValue(foreign).value, {
      a: [1, new Date(5)],
      m: new Map([[1, new Set([2])]]),
      b: new Uint8Array([1]),
      e: new TypeError('t'),
    })
    expect(() => copyValue(runInNewContext('new (class Foo {})'))).toThrow(/instance of Foo/)
  })
})

describe('codec', () => {
  test('any value comes back equal from its text, and the text is well-formed', () => {
    fc.assert(
      fc.property(stored, (value) => {
        const text = encode(value)
        expect(text.isWellFormed()).toBe(true)
        same(decode(text), value)
      }),
      { numRuns: 2000 },
    )
  })

  test('a damaged text is CORRUPT or still a value, never anything else', () => {
    fc.assert(
      fc.property(
        stored,
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 3 }),
        (value, at, noise) => {
          const text = encode(value)
          const place = 2 + (at % text.length)
          try {
            decode(text.slice(0, place) + noise + text.slice(place + 1))
          } catch (error) {
            expect(isStoreError(error) && error.code).toBe('CORRUPT')
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('what only looks like a value of the domain', () => {
  test('a view of a class of its own is refused, though its name is global', () => {
    class Foo extends Uint8Array {}
    vi.stubGlobal('Foo', Foo)
    for (const view of [Buffer.from('abc'), new Foo(2)]) {
      expect(() => copyValue(view)).toThrow('store a Uint8Array')
    }
    vi.unstubAllGlobals()
  })
  test('the longest array of holes has no element', () => {
    const holes: unknown[] = []
    holes.length = 2 ** 32 - 1
    expect(Object.keys(copyValue(holes).value as unknown[])).toEqual([])
    expect((copyValue(holes).value as unknown[]).length).toBe(2 ** 32 - 1)
  })
  test('a Proxy of an array may list its keys in any order, and no other', () => {
    expect(copyValue(listing('length', '1', '0')).value).toEqual([1, 2])
    expect(() => copyValue(listing('0', '1', 'foo', 'length'))).toThrow('a property "foo" besides')
  })
})

/** An array of two elements whose keys are listed so. */
function listing(...keys: string[]): unknown {
  const array = Object.assign([1, 2], keys.includes('foo') ? { foo: 3 } : {})
  return new Proxy(array, { ownKeys: () => keys })
}

function throwing(what: unknown): PropertyDescriptor {
  return {
    enumerable: true,
    get: () => {
      throw what
    },
  }
}
