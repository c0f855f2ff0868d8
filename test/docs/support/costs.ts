import type { Store } from '../../../src/index.ts'

/** What the listings of the table list, and how many calls start at once. */
const MANY = 500

/** The rows of the table of costs, in its order. They run one after another on a store of `ENTRIES`. */
export const OPERATIONS: Readonly<
  Record<string, (store: Store<Record<string, number>>) => Promise<unknown>>
> = {
  '`get`': (store) => store.get('k0'),
  '`set`': (store) => store.set('k0', 1),
  '`delete`': (store) => store.delete(EXTRA_KEY),
  '`increment`': (store) => store.increment('k0'),
  '`update`': (store) => store.update('k0', (value = 0) => value + 1),
  '500 `get` at once': (store) => Promise.all(KEYS.map((key) => store.get(key))),
  '500 `set` at once': (store) => Promise.all(KEYS.map((key, i) => store.set(key, i + 2))),
  '500 `increment` of a key at once': (store) => Promise.all(KEYS.map(() => store.increment('k0'))),
  '500 `update` of a key at once': (store) =>
    Promise.all(KEYS.map(() => store.update('k0', (value = 0) => value + 1))),
  '`keys` of 500': (store) => collect(store.keys()),
  '`entries` of 500': (store) => collect(store.entries()),
  '`size` of 500': (store) => store.size(),
  '`clear` of 500': (store) => store.clear(),
}

/** A key for the operation that deletes one. */
const EXTRA_KEY = 'extra'
const KEYS: readonly string[] = Array.from({ length: MANY }, (_, i) => `k${i}`)

/** What is stored before the first operation. */
export const ENTRIES: readonly (readonly [key: string, value: number])[] = [...KEYS, EXTRA_KEY].map(
  (key, i) => [key, i] as const,
)

/** Formats a count with its unit in the singular or the plural; an empty text for none. */
export function countOf(count: number, unit: string, plural = `${unit}s`): string {
  return count === 0 ? '' : `${count.toLocaleString('en')} ${count === 1 ? unit : plural}`
}

/** Joins the counts of a cell of the table. */
export function cellOf(counts: readonly string[]): string {
  return counts.filter((count) => count !== '').join(', ') || 'none'
}

/** Returns a column of the table of costs in docs/performance.md, by operation. */
export function readColumn(page: string, column: string): Readonly<Record<string, string>> {
  const lines = page.split('\n')
  const from = lines.findIndex((line) => line.startsWith('| operation |'))
  const [head = [], , ...rows] = lines
    .slice(from, lines.indexOf('', from))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const index = head.indexOf(column)
  return Object.fromEntries(rows.map((cells) => [cells[1], cells[index]]))
}

async function collect<T>(listing: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = []
  for await (const item of listing) items.push(item)
  return items
}
