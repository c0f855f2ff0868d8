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
