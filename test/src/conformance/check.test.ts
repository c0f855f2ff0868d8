import { expect, test } from 'vitest'
import { same } from '../../../src/conformance/check.ts'

const PRIMITIVES = ['', 'text', 0, -0, Number.NaN, true, false, 7n, Symbol.iterator]

test('same: what boxes a primitive is not the primitive, at any depth', () => {
  for (const primitive of PRIMITIVES) {
    const boxed: unknown = Object(primitive)
    expect(() => same(boxed, primitive)).toThrow(/differs/)
    expect(() => same(primitive, boxed)).toThrow(/differs/)
    expect(() => same({ a: [boxed] }, { a: [primitive] })).toThrow(/\["a"\]\["0"\]/)
    expect(() => same({ a: [primitive] }, { a: [boxed] })).toThrow(/\["a"\]\["0"\]/)
    same(primitive, primitive)
    same(boxed, Object(primitive))
  }
})

test('same: two boxes of different primitives differ', () => {
  expect(() => same(Object(1), Object(2))).toThrow(/differs/)
  expect(() => same(Object(true), Object(false))).toThrow(/differs/)
  expect(() => same(Object('a'), Object('b'))).toThrow(/differs/)
})

test('same: an object is neither null, undefined nor a function', () => {
  for (const other of [null, undefined, () => 1]) {
    expect(() => same(other, {})).toThrow(/differs/)
    expect(() => same({}, other)).toThrow(/differs/)
  }
})
