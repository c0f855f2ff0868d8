import { EXPIRY_INDEX } from './format.ts'
import type { TransactionBody } from './transaction.ts'

/** Which keys a page reads: the first `count` of a range, or the last ones in descending order. */
export interface PageQuery {
  readonly range: IDBKeyRange
  /** A positive integer. */
  readonly count: number
  readonly reverse: boolean
}

/** A key and the record that is stored under it. `getAllRecords` dictates the names. */
export interface KeyAndRecord {
  readonly key: string
  readonly value: unknown
}

/** The keys of a page, and those of all expired entries if they were asked for. */
export interface KeyPage {
  readonly keys: readonly string[]
  readonly expiredKeys: readonly string[] | undefined
}

interface GetAllOptions {
  readonly query: IDBKeyRange
  readonly count: number
  readonly direction: IDBCursorDirection
}

/**
 * Chromium has `getAllRecords` since 141. It reads keys and values with one request, in both
 * directions. Since then, `getAllKeys` takes a direction too.
 */
interface StoreWithRecords extends IDBObjectStore {
  getAllRecords?(options: GetAllOptions): IDBRequest<KeyAndRecord[]>
}

/** Returns the transaction body that reads the records of a page, with their keys. */
export function createEntryPageBody(query: PageQuery): TransactionBody<readonly KeyAndRecord[]> {
  return (entries: StoreWithRecords, finish, onSuccess) => {
    const request = entries.getAllRecords?.(toGetAllOptions(query))
    if (request !== undefined) {
      onSuccess([request], () => finish(request.result))
      return
    }
    findPage(entries, query, onSuccess, (range) => {
      const keys = requestKeys(entries, range, query.count)
      const values = entries.getAll(range, query.count)
      onSuccess([keys, values], () => {
        const records = keys.result.map((key, index): KeyAndRecord => {
          return { key, value: values.result[index] as unknown }
        })
        finish(query.reverse ? records.toReversed() : records)
      })
    })
  }
}

/**
 * Returns the transaction body that reads the keys of a page.
 *
 * @param expiredAt if defined, the page also has the keys of all entries that have expired at this
 * time, in milliseconds since 1970. The index supplies them, so no record is read.
 */
export function createKeyPageBody(
  query: PageQuery,
  expiredAt: number | undefined,
): TransactionBody<KeyPage> {
  return (entries: StoreWithRecords, finish, onSuccess) => {
    const expired =
      expiredAt === undefined
        ? undefined
        : requestKeys(entries.index(EXPIRY_INDEX), IDBKeyRange.upperBound(expiredAt))
    const finishWith = (keys: readonly string[]): void =>
      finish({ keys, expiredKeys: expired?.result })
    if (query.reverse && entries.getAllRecords !== undefined) {
      // TypeScript 7.0 does not know the options of getAllKeys.
      const options = toGetAllOptions(query) as unknown as IDBKeyRange
      const request = requestKeys(entries, options)
      onSuccess([request], () => finishWith(request.result))
      return
    }
    findPage(entries, query, onSuccess, (range) => {
      const request = requestKeys(entries, range, query.count)
      onSuccess([request], () =>
        finishWith(query.reverse ? request.result.toReversed() : request.result),
      )
    })
  }
}

/**
 * Requests the keys of the entries in a range, at most `count`. For an index, the range is one of
 * index keys, but the result has the keys of the entries too. botshelf stores only string keys.
 */
export function requestKeys(
  source: IDBObjectStore | IDBIndex,
  range: IDBKeyRange,
  count?: number,
): IDBRequest<string[]> {
  return source.getAllKeys(range, count) as IDBRequest<string[]>
}

function toGetAllOptions({ range, count, reverse }: PageQuery): GetAllOptions {
  return { query: range, count, direction: reverse ? 'prev' : 'next' }
}

/**
 * Calls `callback` with a range whose first `count` keys, in ascending order, are those of the page.
 * For the last ones of a range, a cursor finds the least of them in two steps.
 */
function findPage(
  entries: IDBObjectStore,
  { range, count, reverse }: PageQuery,
  onSuccess: Parameters<TransactionBody<never>>[2],
  callback: (range: IDBKeyRange) => void,
): void {
  if (!reverse) return callback(range)
  const request = entries.openKeyCursor(range, 'prev')
  let toSkip = count - 1
  // A cursor fires one success event per step.
  onSuccess([request], () => {
    const cursor = request.result
    if (cursor !== null && toSkip > 0) {
      cursor.advance(toSkip)
      toSkip = 0
    } else {
      callback(cursor === null ? range : startAt(range, cursor.key))
    }
  })
}

function startAt({ upper, upperOpen }: IDBKeyRange, key: IDBValidKey): IDBKeyRange {
  return upper === undefined
    ? IDBKeyRange.lowerBound(key)
    : IDBKeyRange.bound(key, upper, false, upperOpen)
}
