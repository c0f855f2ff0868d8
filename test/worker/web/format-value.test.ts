import { expect, test } from 'vitest'
import { formatValue } from '../../../worker/web/format-value.ts'

test.each<[unknown, string]>([
  ['a "b"\n', String.raw`"a \"b\"\n"`],
  [{ a: 1, 'b c': [true, null, undefined] }, '{ a: 1, "b c": [true, null, undefined] }'],
  [[-0, 1n, Number.NaN], '[-0, 1n, NaN]'],
  [new Map([['k', new Set([1])]]), 'Map { "k" → Set { 1 } }'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [new Date(Number.NaN), 'Invalid Date'],
  [[/x/g, new TypeError('no'), new Uint8Array(3)], '[/x/g, TypeError: no, Uint8Array (3 bytes)]'],
  [{}, '{}'],
  [
    { at: 1_795_861_491_521, count: 1_795_861_491_521 },
    '{ at: 2026-11-28 10:24:51 UTC, count: 1795861491521 }',
  ],
  [{ at: 5, sentAt: '1795861491521' }, '{ at: 5, sentAt: "1795861491521" }'],
])('formatValue(%o) is %s', (value, text) => {
  expect(formatValue(value, { maxLength: 1000 })).toBe(text)
})

test('formatValue() marks a cycle, indents on request, and cuts off at maxLength', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  expect(formatValue(cycle, { maxLength: 100 })).toBe('[↻]')
  const indented = formatValue({ a: [1] }, { maxLength: 100, indent: true })
  expect(indented).toBe('{\n  a: [\n    1\n  ]\n}')
  const huge = new Map(Array.from({ length: 1e5 }, (_, index) => [index, 'x'.repeat(99)]))
  expect(formatValue(huge, { maxLength: 50 })).toHaveLength(51)
})
