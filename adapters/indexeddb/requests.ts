import type { Work } from './connection.ts'

/** Chromium has it since 141: keys and values in one answer. */
interface Records extends IDBObjectStore {
  getAllRecords?(options: {
    readonly query: IDBKeyRange
    readonly count: number
  }): IDBRequest<{ readonly key: string; readonly value: unknown }[]>
}

/** Reads the first records of a range, with their keys. */
export function firstRecords(
  range: IDBKeyRange,
  count: number,
): Work<(readonly [key: string, record: unknown])[]> {
  return (entries: Records, answer, after) => {
    const both = entries.getAllRecords?.({ query: range, count })
    if (both !== undefined) {
      after([both], () => answer(both.result.map(({ key, value }) => [key, value])))
      return
    }
    const keys = keysIn(entries, range, count)
    const records = entries.getAll(range, count)
    after([records], () => answer(keys.result.map((key, at) => [key, records.result[at]])))
  }
}

/** Asks for keys. Every one is a string: nothing else is ever written. */
export function keysIn(
  source: IDBObjectStore | IDBIndex,
  range: IDBKeyRange,
  count?: number,
): IDBRequest<string[]> {
  return source.getAllKeys(range, count) as IDBRequest<string[]>
}
