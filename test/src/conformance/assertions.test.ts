import { expect, test } from 'vitest'
import { assertEqual } from '../../../src/conformance/assertions.ts'

const PRIMITIVES = ['', 'text', 0, -0, Number.NaN, true, false, 7n, Symbol.iterator]

test('same: what boxes a primitive is not the primitive, at any depth', () => {
  for (const primitive of PRIMITIVES) {
    const boxed: unknown = Object(primitive)
    expect(() => assertEqual(boxed, primitive)).toThrow(/differs/)
    expect(() => assertEqual(primitive, boxed)).toThrow(/differs/)
    expect(() => assertEqual({ a: [boxed] }, { a: [primitive] })).toThrow(/\["a"\]\["0"\]/)
    expect(() => assertEqual({ a: [primitive] }, { a: [boxed] })).toThrow(/\["a"\]\["0"\]/)
    assertEqual(primitive, primitive)
    assertEqual(boxed, Object(primitive))
  }
})

test('same: two boxes of different primitives differ', () => {
  expect(() => assertEqual(Object(1), Object(2))).toThrow(/differs/)
  expect(() => assertEqual(Object(true), Object(false))).toThrow(/differs/)
  expect(() => assertEqual(Object('a'), Object('b'))).toThrow(/differs/)
})

test('same: an object is neither null, undefined nor a function', () => {
  for (const other of [null, undefined, () => 1]) {
    expect(() => assertEqual(other, {})).toThrow(/differs/)
    expect(() => assertEqual({}, other)).toThrow(/differs/)
  }
})
