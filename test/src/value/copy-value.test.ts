import { serialize } from 'node:v8'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { assertEqual } from '../../../src/conformance/assertions.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { copyValue, recopy } from '../../../src/value/copy-value.ts'
import { storableValue } from '../../support/storable-value.ts'

describe('copyValue()', () => {
  test('returns an equal copy that shares nothing with the original', () => {
    fc.assert(
      fc.property(storableValue, (value) => {
        const { value: copy } = copyValue(value)
        assertEqual(copy, value)
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value)
      }),
      { numRuns: 2000 },
    )
  })

  test('measures at least the size of the value as V8 serializes it', () => {
    // V8 writes a header of two bytes, which does not count.
    fc.assert(
      fc.property(storableValue, (value) => {
        const { value: copy, bytes } = copyValue(value)
        expect(bytes + 2).toBeGreaterThanOrEqual(serialize(copy).byteLength)
      }),
      { numRuns: 2000 },
    )
    // V8 also writes every index of an array with a hole.
    const holes = { name: 'holes', make: () => Object.assign([], Array(5000).fill(null, 1)) }
    // V8 also writes the stack of an error, which begins with its message.
    const error = { name: 'error', make: () => new Error('x'.repeat(1000)) }
    for (const { name, make } of [...VALID_VALUES, holes, error]) {
      const { value: copy, bytes } = copyValue(make())
      expect(bytes + 2, name).toBeGreaterThanOrEqual(serialize(copy).byteLength)
    }
  })

  test('measures less than twice the size that V8 serializes, for large values', () => {
    const notes = Array.from({ length: 100 }, (_, i) => ({
      id: i,
      text: 'x'.repeat(50),
      at: new Date(i),
    }))
    for (const value of ['x'.repeat(10_000), new Uint8Array(10_000), notes, '日'.repeat(10_000)]) {
      expect(copyValue(value).bytes).toBeLessThan(2 * serialize(value).byteLength)
    }
  })

  test('counts two bytes per character up to a thousandth of maxBytes, and with no limit', () => {
    const text = 'x'.repeat(100)
    expect(copyValue(text).bytes).toBe(106)
    expect(copyValue(text, { maxBytes: 200_000 }).bytes).toBe(106)
    expect(copyValue(text, { maxBytes: 300_000 }).bytes).toBe(208)
    expect(copyValue(text, { maxBytes: Infinity }).bytes).toBe(208)
    const list = Array.from({ length: 100 }, () => text)
    const exact = copyValue(list).bytes
    expect(copyValue(list, { maxBytes: 300_000 }).bytes).toBeLessThan(exact + 300)
  })

  test.each([2, 16, 17, 1000])('keeps references to the same object among %i others', (length) => {
    const error = new Error('shared')
    const list: unknown[] = [error, ...Array.from({ length }, (_, id) => ({ id })), undefined]
    list.push(list, error, list[1])
    const { value } = copyValue(list)
    for (const copy of [value, recopy(value)] as unknown[][]) {
      assertEqual(copy, list)
      expect(copy.at(-3) === copy).toBe(true)
      expect(copy.at(-2) === copy[0]).toBe(true)
      expect(copy.at(-1) === copy[1]).toBe(true)
    }
  })

  test('rejects a value as soon as it passes maxBytes, without reading the rest', () => {
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

  test('counts the length of an array, holes included, before reading its elements', () => {
    const sparse: string[] = []
    sparse[33_554_430] = 'x'
    expect(() => copyValue(sparse, { maxBytes: 2_000_000 })).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
    expect((copyValue(sparse).value as string[]).length).toBe(33_554_431)
  })

  test.each([
    ['a named property', Object.assign([1, 2], { extra: 1 }), '"extra"'],
    ['a fractional number', Object.assign([1, 2], { '1.5': 1 }), '"1.5"'],
    ['a negative number', Object.assign([1, 2], { '-1': 1 }), '"-1"'],
    ['a number with a leading zero', Object.assign([1, 2], { '01': 1 }), '"01"'],
    [
      'the smallest number that is not an index',
      Object.assign([1], { '4294967295': 1 }),
      '"4294967295"',
    ],
    [
      'a property that is not enumerable',
      Object.defineProperty(Object.assign([1], { 2: 3 }), 'raw', { value: 1 }),
      '"raw"',
    ],
    ['a symbol', Object.assign([], { [Symbol('s')]: 1 }), '"Symbol(s)"'],
  ])('rejects an array with %s besides its elements', (_, list, name) => {
    expect(() => copyValue({ list })).toThrow(
      `Cannot be stored: $.list has a property ${name} besides its elements.`,
    )
  })

  test.each<[string, object, string]>([
    [
      'a property of an element',
      { notes: [0, { when: Symbol('s') }] },
      '$.notes[1].when is a symbol',
    ],
    [
      'a property name that is not an identifier',
      { 'a b': { 7: Symbol('s') } },
      '$["a b"]["7"] is a symbol',
    ],
    ['an element after valid ones', [[1, [2]], { a: [3] }, () => 1], '$[2] is a function'],
    ['a key of a Map', new Map([[() => 1, 1]]), '$<key 0> is a function'],
    [
      'the value of an object key in a Map',
      new Map([[{}, () => 1]]),
      '$.get(<key 0>) is a function',
    ],
    [
      'a getter that throws an error',
      [Object.defineProperty({}, 'a', throwingGetter(new Error('not now')))],
      '$[0].a cannot be read: not now',
    ],
    [
      'a getter that throws null',
      Object.defineProperty([], 0, throwingGetter(null)),
      '$[0] cannot be read.',
    ],
    [
      'an object that only has the prototype of Map',
      { m: Object.create(Map.prototype) as object },
      '$.m cannot be read: ',
    ],
  ])('rejects with the path of the problem: %s', (_, value, message) => {
    expect(() => copyValue(value)).toThrow(
      expect.objectContaining({ code: 'INVALID_VALUE', message: expect.stringContaining(message) }),
    )
  })

  test('recopy() returns an equal copy that shares nothing with the first', () => {
    fc.assert(
      fc.property(storableValue, (value) => {
        const { value: copy } = copyValue(value)
        const again = recopy(copy)
        assertEqual(again, value)
        if (typeof value === 'object' && value !== null) expect(again).not.toBe(copy)
      }),
      { numRuns: 2000 },
    )
    for (const { name, make, reads = make } of VALID_VALUES) {
      assertEqual(recopy(copyValue(make()).value), reads(), name)
    }
    expect(recopy(undefined)).toBeUndefined()
  })

  test('accepts built-in classes of another realm', async () => {
    const { runInNewContext } = await import('node:vm')
    const foreign = runInNewContext(
      '({ a: [1, new Date(5)], m: new Map([[1, new Set([2])]]), b: new Uint8Array([1]), e: new TypeError("t") })',
    ) as unknown
    assertEqual(copyValue(foreign).value, {
      a: [1, new Date(5)],
      m: new Map([[1, new Set([2])]]),
      b: new Uint8Array([1]),
      e: new TypeError('t'),
    })
    expect(() => copyValue(runInNewContext('new (class Foo {})'))).toThrow(/instance of Foo/)
  })
})

describe('copyValue() of a misleading object', () => {
  test('rejects a view of a user-defined class, even if its name is global', () => {
    class Foo extends Uint8Array {}
    vi.stubGlobal('Foo', Foo)
    for (const view of [Buffer.from('abc'), new Foo(2)]) {
      expect(() => copyValue(view)).toThrow('store a Uint8Array')
    }
    vi.unstubAllGlobals()
  })

  test('copies the longest array, all holes, without elements', () => {
    const holes: unknown[] = []
    holes.length = 2 ** 32 - 1
    expect(Object.keys(copyValue(holes).value as unknown[])).toEqual([])
    expect((copyValue(holes).value as unknown[]).length).toBe(2 ** 32 - 1)
  })

  test('accepts a Proxy of an array that lists its keys in any order, but no other key', () => {
    expect(copyValue(proxyWithKeys('length', '1', '0')).value).toEqual([1, 2])
    expect(() => copyValue(proxyWithKeys('0', '1', 'foo', 'length'))).toThrow(
      'a property "foo" besides',
    )
  })
})

/** Returns a Proxy of an array of two elements that lists its keys as given. */
function proxyWithKeys(...keys: string[]): unknown {
  const array = Object.assign([1, 2], keys.includes('foo') ? { foo: 3 } : {})
  return new Proxy(array, { ownKeys: () => keys })
}

function throwingGetter(thrown: unknown): PropertyDescriptor {
  return {
    enumerable: true,
    get: () => {
      throw thrown
    },
  }
}
