import type { Entry, KeysOptions } from '../../../../src/index.ts'
import { BrokenPlugin, testBrokenStorages } from './broken-plugin.ts'

type Item = [key: string, entry: Entry]
type Pages = () => AsyncIterable<readonly Item[]>

/** Replaces both listings by one that `list` derives from all entries in ascending order. */
function createPlugin(
  list: (all: readonly Item[], options: KeysOptions, now: number) => readonly Item[],
): BrokenPlugin {
  return new BrokenPlugin((storage, original) => {
    const listAll = async (
      options: KeysOptions = {},
      now = -Infinity,
    ): Promise<readonly Item[]> => {
      const all: Item[] = []
      for await (const item of original.entries()) all.push(item)
      return list(all, options, now)
    }
    storage.entries = async function* entries(options) {
      yield* await listAll(options)
    }
    storage.liveKeys = async function* liveKeys(now, options) {
      const live = (await listAll(options, now)).filter(
        ([, { expires = Infinity }]) => expires > now,
      )
      for (const [key] of live) yield key
    }
  })
}

/** Selects what the options say, but for the limit. */
function select(all: readonly Item[], options: KeysOptions): readonly Item[] {
  const { prefix = '', after, reverse = false } = options
  return (reverse ? all.toReversed() : all).filter(
    ([key]) =>
      key.startsWith(prefix) && (after === undefined || (reverse ? key < after : key > after)),
  )
}

function isLarge([, { value }]: Item): boolean {
  return String(value).length > 1000
}

/** Sorts as people expect it. */
function byLocale(a: Item, b: Item): number {
  return a[0].localeCompare(b[0], 'en')
}

testBrokenStorages([
  {
    fault: 'lists keys in the order in which they were written',
    rule: 'listing/ascending',
    create: () =>
      createPlugin((all) => all.toSorted(([, a], [, b]) => (a.version < b.version ? -1 : 1))),
  },
  {
    fault: 'lists large values after the others',
    rule: 'listing/ascending',
    create: () =>
      createPlugin((all, options) => [
        ...select(all, options).filter((item) => !isLarge(item)),
        ...select(all, options).filter(isLarge),
      ]),
  },
  {
    fault: 'sorts keys by locale',
    rule: 'listing/one-order',
    create: () => createPlugin((all, options) => select(all.toSorted(byLocale), options)),
  },
  {
    fault: 'sorts by UTF-8 and compares `after` by code unit',
    rule: 'listing/one-order',
    create: () =>
      createPlugin((all, options) =>
        select(
          all.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
          options,
        ),
      ),
  },
  {
    fault: 'has another order of keys than of entries',
    rule: 'listing/one-order',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.liveKeys = async function* liveKeys(now, options) {
          const keys: string[] = []
          for await (const key of original.liveKeys(now, options)) keys.push(key)
          yield* keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        }
      }),
  },
  {
    fault: 'ignores `reverse`',
    rule: 'listing/reverse',
    create: () => createPlugin((all, options) => select(all, { ...options, reverse: false })),
  },
  {
    fault: 'reverses each of its pages alone',
    rule: 'listing/reverse',
    create: () =>
      createPlugin((all, options) => {
        const found = select(all, { ...options, reverse: false })
        if (!options.reverse) return found
        return [...found.slice(0, 100).toReversed(), ...found.slice(100).toReversed()]
      }),
  },
  {
    fault: 'includes the key of `after`',
    rule: 'listing/after',
    create: () =>
      createPlugin((all, { after, ...options }) => {
        const found = select(all, options)
        return after === undefined ? found : found.filter(([key]) => key >= after)
      }),
  },
  {
    fault: 'looks the key of `after` up',
    rule: 'listing/after',
    create: () =>
      createPlugin((all, { after, ...options }) => {
        const found = select(all, options)
        return found.slice(found.findIndex(([key]) => key === after) + 1)
      }),
  },
  {
    fault: 'ignores an empty `after`',
    rule: 'listing/after',
    create: () =>
      createPlugin((all, { after, ...options }) =>
        select(all, after === '' ? options : { ...options, after }),
      ),
  },
  {
    fault: 'counts expired entries towards the limit',
    rule: 'listing/limit-past-expired',
    create: () => createPlugin((all, options) => select(all, options).slice(0, options.limit)),
  },
  {
    fault: 'skips a key between two pages',
    rule: 'listing/pages',
    create: () =>
      createPlugin((all, options) =>
        select(all, options).slice(options.after === undefined ? 0 : 1),
      ),
  },
  {
    fault: 'lists other items in its pages',
    rule: 'listing/arrays',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.entries = (options) => ({
          ...original.entries(options),
          pages: () => (original.entries({ after: 'k1', ...options }).pages as Pages)(),
        })
      }),
  },
  {
    fault: 'does not reach the last of many keys',
    rule: 'listing/pages',
    create: () => createPlugin((all, options) => select(all.slice(0, 1000), options)),
  },
])
