import { describe, expect, test } from 'vitest'
import { isEqual } from '../../bridges/is-equal.ts'

function cyclic(length: number): object {
  const nodes = Array.from({ length }, (): { next?: object } => ({}))
  for (const [index, node] of nodes.entries()) node.next = nodes[(index + 1) % length]!
  return nodes[0]!
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = [value]
  return value
}

/** Each function creates a value that equals its own copies and no other value of the list. */
const VALUES: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => NaN,
  () => 0,
  () => -0,
  () => 1n,
  () => '',
  () => ({}),
  () => ({ a: undefined }),
  () => ({ a: 1, b: { c: [1, 2] } }),
  () => [],
  () => [undefined],
  // oxlint-disable-next-line no-sparse-arrays -- a hole differs from undefined
  () => [,],
  () => [1, [2]],
  () => new Date(0),
  () => new Date(1),
  () => new Date(NaN),
  () => /a/g,
  () => /a/i,
  () => new Map(),
  () => new Map([['a', { n: 1 }]]),
  () => new Map([['a', { n: 2 }]]),
  () => new Map([[{ n: 1 }, 'a']]),
  () => new Set(),
  () => new Set([{ n: 1 }]),
  () => new Set([{ n: 2 }]),
  () => new Uint8Array([1, 2]),
  () => new Uint8Array([1, 3]),
  () => new Int8Array([1, 2]),
  () => new Float32Array([NaN]),
  () => new DataView(new ArrayBuffer(2)),
  () => new ArrayBuffer(2),
  () => new Error('a'),
  () => new Error('b'),
  () => new Error('a', { cause: { n: 1 } }),
  () => new TypeError('a'),
  () => cyclic(1),
  () => cyclic(3),
  () => nested(1000),
  () => nested(999),
]

describe('isEqual()', () => {
  test('a value equals its copy and no other value', () => {
    for (const [index, create] of VALUES.entries()) {
      for (const [other, createOther] of VALUES.entries()) {
        expect([index, other, isEqual(create(), createOther())]).toEqual([
          index,
          other,
          index === other,
        ])
      }
    }
  })

  test('the order of fields does not count', () => {
    expect(isEqual({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true)
  })

  test('a view equals a view of the same bytes in a larger buffer', () => {
    expect(isEqual(new Uint8Array([1, 2, 3, 4]).subarray(1, 3), new Uint8Array([2, 3]))).toBe(true)
  })

  test('buffers of more bytes than a Map can have entries are compared', () => {
    const [a, b] = [new Uint8Array(2 ** 24 + 1), new Uint8Array(2 ** 24 + 1)]
    expect(isEqual({ a }, { a: b })).toBe(true)
    b[2 ** 24] = 1
    expect(isEqual({ a }, { a: b })).toBe(false)
    expect(isEqual(a.buffer, b.buffer)).toBe(false)
  })

  test('a change to one of two references to an object is seen', () => {
    const part = { n: 1 }
    expect(isEqual({ a: part, b: part }, { a: { n: 1 }, b: { n: 2 } })).toBe(false)
    expect(isEqual({ a: { n: 1 }, b: { n: 2 } }, { a: part, b: part })).toBe(false)
  })

  test('one object under two fields differs from two equal objects', () => {
    const part = { n: 1 }
    expect(isEqual({ a: part, b: part }, { a: { n: 1 }, b: { n: 1 } })).toBe(false)
    expect(isEqual({ a: { n: 1 }, b: { n: 1 } }, { a: part, b: part })).toBe(false)
  })

  test('values that cannot be stored are equal only if they are identical', () => {
    class Point {
      x = 1
    }
    const point = new Point()
    expect(isEqual(point, point)).toBe(true)
    expect(isEqual(point, new Point())).toBe(false)
    expect(isEqual({ x: 1 }, point)).toBe(false)
    expect(isEqual(new WeakSet(), new WeakSet())).toBe(false)
    expect(isEqual({}, { [Symbol.iterator]: 1 })).toBe(false)
  })
})
