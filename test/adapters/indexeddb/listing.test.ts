import { IDBKeyRange } from 'fake-indexeddb'
import { expect, test, vi } from 'vitest'
import { listRecords } from '../../../adapters/indexeddb/listing.ts'
import type { KeysOptions } from '../../../src/index.ts'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

/** Lists `a` to `f` in pages of two, and logs how many records each read requests. */
function list(options: KeysOptions): { next: () => Promise<unknown>; counts: number[] } {
  const counts: number[] = []
  const listing = listRecords(options, 2, async ({ range, count }) => {
    counts.push(count)
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'].filter((key) => range.includes(key))
    return { items: keys.slice(0, count), lastKey: keys[count - 1] }
  })
  const items = listing[Symbol.asyncIterator]()
  return { next: async () => (await items.next()).value, counts }
}

test('concurrent calls of next() get each entry once', async () => {
  const { next } = list({ prefix: 'b' })
  expect(await Promise.all([next(), next(), next()])).toEqual(['b', undefined, undefined])
})

test('the next page is read when the second item of a page is requested, not earlier', async () => {
  const { next, counts } = list({})
  expect([await next(), counts.length]).toEqual(['a', 1])
  expect([await next(), counts.length]).toEqual(['b', 2])
  expect([await next(), counts.length]).toEqual(['c', 2])
  expect([await next(), counts.length]).toEqual(['d', 3])
})

test('what the limit excludes is read only when it is requested', async () => {
  const { next, counts } = list({ limit: 3 })
  for (const key of ['a', 'b', 'c']) expect(await next()).toBe(key)
  expect(counts).toEqual([2, 1])
  expect(await next()).toBe('d')
  expect(counts).toEqual([2, 1, 2])
})

test('a page converts its other items after the next page was requested', async () => {
  const log: string[] = []
  const listing = listRecords({}, 2, async ({ range }) => {
    log.push('read')
    const keys = ['a', 'b', 'c'].filter((key) => range.includes(key)).slice(0, 2)
    const slice = (start?: number, end?: number): string[] => {
      log.push(`convert from ${start}`)
      return keys.slice(start, end)
    }
    return { items: { slice }, lastKey: keys[1] }
  })
  const items = listing[Symbol.asyncIterator]()
  await items.next()
  expect(log).toEqual(['read', 'convert from 0'])
  await items.next()
  expect(log).toEqual(['read', 'convert from 0', 'read', 'convert from 1'])
})
