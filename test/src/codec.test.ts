import process from 'node:process'
import { describe, expect, test, vi } from 'vitest'
import { decode, encode } from '../../src/codec.ts'

const MEGABYTE = 2 ** 20

/** Text of the codec for a list that names part 1 so many times, and for the parts after the list. */
function text(times: number, ...parts: readonly unknown[]): string {
  return `1:${JSON.stringify([Array.from({ length: times }, () => 1), ...parts])}`
}

/** What consists of these parts must be told as damaged. */
function refuses(parts: readonly unknown[]): void {
  const corrupt = expect.objectContaining({ code: 'CORRUPT' })
  expect(() => decode(`1:${JSON.stringify(parts)}`)).toThrow(corrupt)
}

// Read by what it stands for, and not by what is written, each of these takes longer than that, in
// milliseconds, or many times the memory.
const LIMIT = 10_000

describe('codec: reading takes time and room in proportion to the text', { timeout: LIMIT }, () => {
  test('a text of a megabyte that is referred to 20,000 times', () => {
    // Only its last character tells that it is not Latin-1.
    const long = `${'x'.repeat(MEGABYTE)}日`
    const written = text(20_000, long)
    const value = decode(written) as string[]
    expect(value).toHaveLength(20_000)
    expect(value[19_999] === long).toBe(true)
    expect(encode(value) === written).toBe(true)
  })

  test('a bigint of 70,000 digits that is referred to 200,000 times', () => {
    const value = decode(text(200_000, ['BigInt', '7'.repeat(70_000)])) as bigint[]
    expect(value).toHaveLength(200_000)
    expect(value[0] === value[199_999]).toBe(true)
  })

  test.each(['7', '-7', '0', '0x7'])('a bigint of 100,000 digits after %s', (first) => {
    const digits = first + '7'.repeat(100_000)
    // What reads digits takes more time than they are long, so it must not be asked.
    const reads = vi.spyOn(globalThis, 'BigInt')
    try {
      refuses([['BigInt', digits]])
      // Where only a reference belongs.
      refuses([['Error', ['BigInt', digits]]])
      expect(reads).not.toHaveBeenCalled()
      expect(decode('1:[["BigInt","7"]]')).toBe(7n)
      expect(reads).toHaveBeenCalledTimes(1)
    } finally {
      reads.mockRestore()
    }
  })

  test('a bigint whose digits are no text', () => {
    refuses([['BigInt', ['7']]])
    refuses([['BigInt', 1], '7'])
  })

  test.each(['Uint8Array', 'Float64Array', 'DataView'])('300 views (%s) of one buffer', (type) => {
    const indexes = Array.from({ length: 300 }, (_, i) => i + 2)
    const buffer = ['ArrayBuffer', 'AAECAwQFBgc=']
    refuses([indexes, buffer, ...indexes.map(() => [type, 1])])
    // One view may have its buffer beside it.
    expect(decode(`1:${JSON.stringify([[1, 2], buffer, ['Uint8Array', 1]])}`)).toEqual([
      new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]).buffer,
      new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]),
    ])
  })

  test('errors that are made of one long list', () => {
    const long = [2, 3, ...Array.from({ length: 1_000_000 }, () => 3)]
    refuses([[4, 5], long, 'TypeError', 'message', ['Error', 1], ['Error', 1]])
  })

  test('1,000 errors of one message of a megabyte', () => {
    const indexes = Array.from({ length: 1000 }, (_, i) => i + 4)
    const message = 'x'.repeat(MEGABYTE)
    const errors = [indexes, [2, 3], 'TypeError', message, ...indexes.map(() => ['Error', 1])]
    const value = decode(`1:${JSON.stringify(errors)}`) as Error[]
    expect(value).toHaveLength(1000)
    expect(value[999]?.message === message).toBe(true)
  })

  test('20 arrays of 3,000,000 holes', () => {
    const indexes = Array.from({ length: 20 }, (_, i) => i + 1)
    const written = `1:${JSON.stringify([indexes, ...indexes.map(() => [-7, 3_000_000])])}`
    const before = process.memoryUsage().heapUsed
    const value = decode(written) as unknown[][]
    // With eight bytes for each hole it would be 480 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * MEGABYTE)
    expect(value).toHaveLength(20)
    for (const list of value) expect(list).toHaveLength(3_000_000)
    expect(encode(value)).toBe(written)
  })
})
