import { noop } from '../../src/async.ts'
import type { Entry } from '../../src/entry.ts'
import { isCausedByOne, toStoreError } from '../../src/errors.ts'
import type { Connection } from './connection.ts'
import type { Page } from './listing.ts'
import { createEntryPageBody, createKeyPageBody, type PageQuery } from './page-body.ts'
import { decodeEntry } from './record.ts'

/**
 * Reads a page of entries. If one record may be why it cannot be read, reads half of the page, and
 * so on: the page then ends before that record, or its error names the key. `slice` of the items
 * throws `CORRUPT` for a record that botshelf did not write.
 *
 * @throws StoreError
 */
export async function readEntryPage(
  connection: Connection,
  query: PageQuery,
): Promise<Page<[key: string, entry: Entry]>> {
  const { count } = query
  try {
    const records = await connection.run(createEntryPageBody(query))
    const slice = (start?: number, end?: number): [string, Entry][] =>
      records.slice(start, end).map(({ key, value }) => [key, decodeEntry(key, value)])
    // A page that is not full is the last.
    return { items: { slice }, lastKey: records[count - 1]?.key }
  } catch (error) {
    if (!isCausedByOne(error)) throw error
    if (count > 1) return readEntryPage(connection, { ...query, count: Math.ceil(count / 2) })
    const page = await connection.run(createKeyPageBody(query, undefined)).catch(noop)
    throw toStoreError(error, { key: page?.keys[0] })
  }
}
