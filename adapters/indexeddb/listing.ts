import { noop } from '../../src/async.ts'
import { type Listing, listPages } from '../../src/listing.ts'
import type { KeysOptions } from '../../src/storage.ts'
import { toKeyRange } from './key-range.ts'
import type { PageQuery } from './page-body.ts'

/** One page of a listing. */
export interface Page<T> {
  readonly items: readonly T[]
  /** The last key that was read; `undefined` if the page is the last. */
  readonly lastKey: string | undefined
}

/** How many records the first page has at most, and each other page. */
export type PageSizes = readonly [first: number, other: number]

/** Reads one page. */
export type ReadPage<T> = (query: PageQuery) => Promise<Page<T>>

/**
 * Lists a namespace page by page. Prefetches the next page when a page's second item is requested,
 * not earlier: many callers want only the first item. It does not prefetch what `limit` excludes. A
 * listing that is left early holds nothing open.
 */
export function listRecords<T>(
  options: KeysOptions,
  sizes: PageSizes,
  readPage: ReadPage<T>,
): Listing<T> {
  return listPages(() => readPages(options, sizes, readPage))
}

async function* readPages<T>(
  { prefix = '', after, limit = Infinity, reverse = false }: KeysOptions,
  [firstSize, otherSize]: PageSizes,
  readPage: ReadPage<T>,
): AsyncGenerator<readonly T[]> {
  /** How many records the caller is expected to need still. */
  let expected = limit
  let count = 0
  const read = (lastKey: string | undefined): Promise<Page<T>> | undefined => {
    const range = toKeyRange({ prefix, after: lastKey, reverse })
    if (range === undefined) return undefined
    // A caller that needs more than its limit skips expired entries. It may need few or many more.
    count = Math.min(expected > 0 ? expected : count * 2, count > 0 ? otherSize : firstSize)
    expected -= count
    const reading = readPage({ range, count, reverse })
    // If it fails, the call that needs the page rejects.
    reading.catch(noop)
    return reading
  }
  let reading = read(after)
  while (reading !== undefined) {
    const { items, lastKey } = await reading
    yield items.slice(0, 1)
    reading = lastKey !== undefined && expected > 0 ? read(lastKey) : undefined
    yield items.slice(1)
    if (lastKey !== undefined) reading ??= read(lastKey)
  }
}
