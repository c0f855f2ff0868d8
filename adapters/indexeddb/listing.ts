import { noop } from '../../src/async.ts'
import { type Listing, listPages } from '../../src/listing.ts'
import type { KeysOptions } from '../../src/storage.ts'
import { toKeyRange } from './key-range.ts'
import type { PageQuery } from './page-body.ts'

/** One page of a listing. */
export interface Page<T> {
  /** The items; `slice` may throw for one that is corrupt. It may convert them, which takes time. */
  readonly items: Pick<readonly T[], 'slice'>
  /** The last key that was read; `undefined` if the page is the last. */
  readonly lastKey: string | undefined
}

/** Reads one page. */
export type ReadPage<T> = (query: PageQuery) => Promise<Page<T>>

/**
 * Lists a namespace page by page. Prefetches the next page when a page's second item is requested,
 * not earlier: many callers want only the first item. It does not prefetch what `limit` excludes. A
 * listing that is left early holds nothing open.
 */
export function listRecords<T>(
  options: KeysOptions,
  recordsPerPage: number,
  readPage: ReadPage<T>,
): Listing<T> {
  return listPages(() => readPages(options, recordsPerPage, readPage))
}

async function* readPages<T>(
  { prefix = '', after, limit = Infinity, reverse = false }: KeysOptions,
  recordsPerPage: number,
  readPage: ReadPage<T>,
): AsyncGenerator<readonly T[]> {
  /** How many records the caller is expected to need still. */
  let expected = limit
  let count = 0
  const read = (lastKey: string | undefined): Promise<Page<T>> | undefined => {
    const range = toKeyRange({ prefix, after: lastKey, reverse })
    if (range === undefined) return undefined
    // A caller that needs more than its limit skips expired entries. It may need few or many more.
    count = Math.min(expected > 0 ? expected : count * 2, recordsPerPage)
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
    // Before the other items are converted: the browser reads meanwhile.
    reading = lastKey !== undefined && expected > 0 ? read(lastKey) : undefined
    yield* itemsAfterFirst(items)
    if (lastKey !== undefined) reading ??= read(lastKey)
  }
}

/** Yields the items of a page in one array, or one by one until the first that is corrupt. */
function* itemsAfterFirst<T>(items: Page<T>['items']): Generator<readonly T[]> {
  let others: readonly T[] | undefined
  try {
    others = items.slice(1)
  } catch {
    for (let index = 1; ; index++) yield items.slice(index, index + 1)
  }
  yield others
}
