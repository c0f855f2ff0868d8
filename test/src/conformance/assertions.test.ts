import { expect, test } from 'vitest'
import { assertEqual, assertRejects } from '../../../src/conformance/assertions.ts'
import { StoreError } from '../../../src/index.ts'

const PRIMITIVES = ['', 'text', 0, -0, Number.NaN, true, false, 7n, Symbol.iterator]

test('assertEqual() distinguishes a primitive from its boxed object, at any depth', () => {
  for (const primitive of PRIMITIVES) {
    const boxed: unknown = Object(primitive)
    expect(() => assertEqual(boxed, primitive)).toThrow(/expected/)
    expect(() => assertEqual(primitive, boxed)).toThrow(/expected/)
    expect(() => assertEqual({ a: [boxed] }, { a: [primitive] })).toThrow(/at \["a"\]\["0"\]/)
    expect(() => assertEqual({ a: [primitive] }, { a: [boxed] })).toThrow(/at \["a"\]\["0"\]/)
    assertEqual(primitive, primitive)
    assertEqual(boxed, Object(primitive))
  }
})

test('assertEqual() distinguishes boxed objects of different primitives', () => {
  expect(() => assertEqual(Object(1), Object(2))).toThrow(/expected/)
  expect(() => assertEqual(Object(true), Object(false))).toThrow(/expected/)
  expect(() => assertEqual(Object('a'), Object('b'))).toThrow(/expected/)
})

test('assertEqual() distinguishes an object from null, undefined and a function', () => {
  for (const other of [null, undefined, () => 1]) {
    expect(() => assertEqual(other, {})).toThrow(/expected/)
    expect(() => assertEqual({}, other)).toThrow(/expected/)
  }
})

test('assertEqual() names what it compared, the path, and both values', () => {
  expect(() => assertEqual(1, 2, 'len()')).toThrow('len(): expected 2; received 1')
  expect(() => assertEqual({ a: ['x'] }, { a: ['x', 'y'] }, 'the value')).toThrow(
    'the value at ["a"]: expected ["x", "y"]; received ["x"]',
  )
})

test('assertRejects() names the code it expected and what it received', async () => {
  await assertRejects(Promise.reject(new StoreError('TOO_LARGE', 'no')), 'TOO_LARGE', 'set()')
  await expect(assertRejects(Promise.resolve(), 'TOO_LARGE', 'set()')).rejects.toThrow(
    'set(): expected a StoreError TOO_LARGE; it resolved',
  )
  const other = Promise.reject(new StoreError('INVALID_KEY', 'bad key'))
  await expect(assertRejects(other, 'TOO_LARGE', 'set()')).rejects.toThrow(
    /^set\(\): expected a StoreError TOO_LARGE; received INVALID_KEY: bad key/,
  )
})
