import { checkArgument, isPlainObject, type OptionType, STRING } from '../arguments.ts'

const WRITER: OptionType = ['the name of the writer, a string, as its first argument', STRING[1]]
const NUMBER: OptionType = ['an integer as its second argument', Number.isSafeInteger]
const LEDGER: OptionType = [
  'a key that holds a ledger or nothing',
  (value) => isPlainObject(value) && Object.values(value).every(Array.isArray),
]

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
 * @throws StoreError `INVALID_VALUE` for wrong arguments; the updater throws it if the key holds another value
 *
 * @example
 * for (let i = 1; i <= 3; i++) await store.update('ledger', ledger('a', i))
 * console.log(await store.get('ledger')) // { a: [[1, 3]] }
 */
export function ledger(writer: string, number: number): (current: Ledger | undefined) => Ledger {
  checkArgument('ledger', writer, WRITER)
  checkArgument('ledger', number, NUMBER)
  return (current = {}) => {
    checkArgument('ledger', current, LEDGER)
    const ranges = Object.hasOwn(current, writer) ? (current[writer] ?? []) : []
    const [first, last] = ranges.at(-1) ?? []
    const next: readonly LedgerRange[] =
      first !== undefined && number - 1 === last
        ? [...ranges.slice(0, -1), [first, number]]
        : [...ranges, [number, number]]
    return { ...current, [writer]: next }
  }
}
