import { isPlainObject } from '../arguments.ts'
import { quote, StoreError } from '../errors.ts'

/**
 * What {@link ledger} stores: for each writer the numbers that it wrote, as ranges in the order of
 * writing. `{ a: [[1, 9]] }`: 1 to 9, each once. `[[1, 4], [6, 9]]`: 5 is missing. `[[1, 5], [5, 9]]`:
 * 5 was written twice.
 */
export type Ledger = Readonly<Record<string, readonly LedgerRange[]>>

/** The first and the last of consecutive numbers. */
export type LedgerRange = readonly [first: number, last: number]

/**
 * Creates an updater that enters a number into a ledger. A writer that counts its updates from 1 gets
 * one range; a lost update leaves a gap, and one that is applied twice begins another range. The
 * value stays small, and {@link checkHistory} finds both.
 *
 * @param writer the name of the writer
 * @param number the number of the update, an integer
 * @throws StoreError `INVALID_VALUE` for a wrong argument; the updater throws it if the key holds no
 * ledger
 *
 * @example
 * for (let i = 1; i <= 3; i++) await store.update('ledger', ledger('a', i))
 * console.log(await store.get('ledger')) // { a: [[1, 3]] }
 */
export function ledger(writer: string, number: number): (current: Ledger | undefined) => Ledger {
  if (typeof writer !== 'string') throw invalid('a string as the name of the writer', writer)
  if (!Number.isSafeInteger(number)) throw invalid('an integer as the number of the update', number)
  return (current = {}) => {
    if (!isLedger(current)) throw invalid('a key of its own, without any other value', current)
    const ranges = Object.hasOwn(current, writer) ? (current[writer] ?? []) : []
    const [first, last] = ranges.at(-1) ?? []
    const next: readonly LedgerRange[] =
      first !== undefined && number - 1 === last
        ? [...ranges.slice(0, -1), [first, number]]
        : [...ranges, [number, number]]
    return { ...current, [writer]: next }
  }
}

function isLedger(value: unknown): boolean {
  return isPlainObject(value) && Object.values(value).every((ranges) => Array.isArray(ranges))
}

function invalid(expected: string, received: unknown): StoreError {
  return new StoreError('INVALID_VALUE', `ledger() needs ${expected}; received ${quote(received)}.`)
}
