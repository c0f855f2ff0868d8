import { byCodeUnit } from '../key.ts'
import { isLive } from '../entry.ts'
import type { Listing } from '../listing.ts'
import type { KeysOptions, StorageBase } from '../storage.ts'
import { assertEqual, collect, fail, sortKeys } from './assertions.ts'
import type { Rule } from './rule.ts'
import { createEntry, removeChange, repeat, setChange } from './test-data.ts'

const ASCII_KEYS = 'b,a,ab,a/b,B,A,z,10,2,1,~,_,%,a b, ,!'
  .split(',')
  .concat('', '\0', 'a\0', '\u0001', '\u007f', ',')

/** Keys for which the two allowed orders differ: by code unit, an emoji comes before U+FFFF. */
const UNICODE_KEYS = [
  '\uffff',
  '😀',
  'é',
  'z',
  '日本',
  '\ud7ff',
  '😀a',
  'e\u0301',
  '\u{10ffff}',
  'ÿ',
]

const PAGE_KEYS = 100

const SORT =
  'sort the keys by UTF-16 code unit or by byte of UTF-8, the values that need a read of their own included'

/** The order of listings, and the options that select a part of them. */
export const LISTING_RULES: readonly Rule[] = [
  {
    id: 'listing/ascending',
    name: 'entries() and liveKeys() list ASCII keys in ascending order, with small and large values',
    fix: SORT,
    run: async (backend) => {
      const storage = await backend.openStorage()
      await fill(storage, ASCII_KEYS)
      await assertListings(storage, {}, sortKeys(ASCII_KEYS))
      const undefinedOptions = {
        prefix: undefined,
        after: undefined,
        limit: undefined,
        reverse: undefined,
      }
      await assertListings(storage, undefinedOptions, sortKeys(ASCII_KEYS))
    },
  },
  {
    id: 'listing/one-order',
    name: 'all listings have the same order for keys outside ASCII: by UTF-16 code unit or by byte of UTF-8',
    fix: SORT,
    run: async (backend) => {
      const storage = await backend.openStorage()
      await fill(storage, UNICODE_KEYS)
      const listed = (await collect(storage.entries())).map(([key]) => key)
      const orders = [sortKeys(UNICODE_KEYS), UNICODE_KEYS.toSorted(byCodePoint)]
      if (!orders.some((order) => order.join() === listed.join())) {
        fail(
          `the keys of entries(): expected one of the orders ${JSON.stringify(orders)}; received ${JSON.stringify(listed)}`,
        )
      }
      await assertListings(storage, {}, listed)
      await assertListings(storage, { reverse: true }, listed.toReversed())
      for (const [i, after] of listed.entries()) {
        await assertListings(storage, { after }, listed.slice(i + 1))
        await assertListings(storage, { after, reverse: true }, listed.slice(0, i).toReversed())
      }
    },
  },
  {
    id: 'listing/reverse',
    name: 'entries() and liveKeys() with `reverse` list the same keys in exactly the opposite order',
    fix: 'reverse the whole listing, not each of its pages',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const keys = [...repeat(250, (i) => `k${i}`), ...ASCII_KEYS]
      await fill(storage, keys)
      const descending = sortKeys(keys).toReversed()
      await assertListings(storage, { reverse: true }, descending)
      const withPrefix = descending.filter((key) => key.startsWith('k1'))
      await assertListings(storage, { reverse: true, prefix: 'k1' }, withPrefix)
    },
  },
  {
    id: 'listing/after',
    name: '`after` skips the keys up to and including that one in the order of the listing, whether it exists or not',
    fix: 'compare keys with `after` in the order of the listing: list greater keys, or with `reverse` smaller ones',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const keys = ['', 'a', 'a/1', 'a/2', 'a/3', 'b', 'c']
      await fill(storage, keys)
      const all = keys.toReversed()
      const cases: readonly (readonly [KeysOptions, readonly string[]])[] = [
        [{ after: '' }, ['a', 'a/1', 'a/2', 'a/3', 'b', 'c']],
        [{ after: 'a/1' }, ['a/2', 'a/3', 'b', 'c']],
        [{ after: 'a/1x' }, ['a/2', 'a/3', 'b', 'c']],
        [{ after: 'a/1\0' }, ['a/2', 'a/3', 'b', 'c']],
        [{ after: 'c' }, []],
        [{ after: 'zzz' }, []],
        [{ prefix: 'a/', after: 'a/1' }, ['a/2', 'a/3']],
        [{ prefix: 'a/', after: 'a/2x' }, ['a/3']],
        [{ prefix: 'a/', after: 'a' }, ['a/1', 'a/2', 'a/3']],
        [{ prefix: 'a/', after: '' }, ['a/1', 'a/2', 'a/3']],
        [{ prefix: 'a/', after: 'a/3' }, []],
        [{ prefix: 'a/', after: 'b' }, []],
        [{ reverse: true, after: '' }, []],
        [{ reverse: true, after: '\0' }, ['']],
        [{ reverse: true, after: 'a/2' }, ['a/1', 'a', '']],
        [{ reverse: true, after: 'a/2x' }, ['a/2', 'a/1', 'a', '']],
        [{ reverse: true, after: 'zzz' }, all],
        [{ reverse: true, prefix: 'a/', after: 'a/3' }, ['a/2', 'a/1']],
        [{ reverse: true, prefix: 'a/', after: 'a/2x' }, ['a/2', 'a/1']],
        [{ reverse: true, prefix: 'a/', after: 'b' }, ['a/3', 'a/2', 'a/1']],
        [{ reverse: true, prefix: 'a/', after: 'a/1' }, []],
        [{ reverse: true, prefix: 'a/', after: 'a' }, []],
      ]
      for (const [options, expected] of cases) await assertListings(storage, options, expected)
    },
  },
  {
    id: 'listing/limit-past-expired',
    name: 'entries() and liveKeys() with a limit list that many live entries after any number of expired ones',
    fix: 'use `limit` as the size of a page, and go on with the next page: the core ends the listing',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const at = Date.now() + 100_000
      const expired = repeat(150, (i) => setChange(`a${i}`, createEntry(i, undefined, at)))
      const live = repeat(5, (i) => setChange(`b${i}`, createEntry(i)))
      await storage.commit([...expired, ...live].map((change) => [change]))
      const keys = ['b0', 'b1', 'b2', 'b3', 'b4']
      const options = { limit: 3 }
      assertEqual(await livePage(storage, at, options), keys.slice(0, 3), 'entries() with a limit')
      assertEqual(
        await take(storage.liveKeys(at, options), 3),
        keys.slice(0, 3),
        'liveKeys() with a limit',
      )
    },
  },
  {
    id: 'listing/pages',
    name: 'pages of 100 keys, each after the last key of the one before, contain each live one of 1,100 keys once, in both directions',
    fix: 'start a listing with `after` directly behind that key, and do not end it before `limit` live entries',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const at = Date.now() + 100_000
      const live = repeat(900, (i) => setChange(`k${i}`, createEntry(i, undefined, at + 1)))
      const expired = repeat(200, (i) => setChange(`k${i}+`, createEntry(i, undefined, at)))
      // Workers KV writes or deletes at most a thousand keys in one invocation.
      await storage.commit(live.map((change) => [change]))
      await storage.commit(expired.map((change) => [change]))
      const ascending = sortKeys(live.map(({ key }) => key))
      for (const reverse of [false, true]) {
        const expected = reverse ? ascending.toReversed() : ascending
        const what = `in pages${reverse ? ' and in reverse' : ''}`
        assertEqual(
          await readPages((after) => livePage(storage, at, { after, reverse, limit: PAGE_KEYS })),
          expected,
          `entries() ${what}`,
        )
        assertEqual(
          await readPages((after) => {
            const options = { after, reverse, limit: PAGE_KEYS }
            return take(storage.liveKeys(at, options), PAGE_KEYS)
          }),
          expected,
          `liveKeys() ${what}`,
        )
      }
      await storage.commit(expired.map(({ key }) => [removeChange(key)]))
    },
  },
  {
    id: 'listing/arrays',
    name: 'the pages of entries() and liveKeys(), if they have any, contain the items of the listing in its order',
    fix: 'list in pages() exactly what the listing lists, in arrays, or leave pages() out',
    run: async (backend) => {
      const storage = await backend.openStorage()
      await fill(storage, [...repeat(250, (i) => `k${i}`), ...ASCII_KEYS])
      const listings: readonly (() => Listing<unknown>)[] = [
        () => storage.entries(),
        () => storage.entries({ prefix: 'k', reverse: true }),
        () => storage.liveKeys(0),
        () => storage.liveKeys(0, { prefix: 'k', reverse: true }),
      ]
      if (!listings.some((list) => 'pages' in list())) return 'no listing has pages()'
      for (const list of listings) {
        const listing = list()
        if (!listing.pages) continue
        const pages = await collect(listing.pages())
        assertEqual(pages.flat(), await collect(list()), 'the items of all pages')
      }
      return undefined
    },
  },
]

/** Writes the keys, every third of them with a value that a listing may have to read separately. */
async function fill(storage: StorageBase, keys: readonly string[]): Promise<void> {
  const large = 'x'.repeat(2000)
  await storage.commit(
    keys.map((key, i) => [setChange(key, createEntry(i % 3 === 0 ? large : key))]),
  )
}

async function assertListings(
  storage: StorageBase,
  options: KeysOptions,
  expected: readonly string[],
): Promise<void> {
  const text = JSON.stringify(options)
  const entries = await collect(storage.entries(options))
  assertEqual(
    entries.map(([key]) => key),
    expected,
    `the keys of entries(${text})`,
  )
  assertEqual(await collect(storage.liveKeys(0, options)), expected, `liveKeys(0, ${text})`)
}

/** Reads the live keys of one page, as the core does: it ends the listing at the limit. */
function livePage(
  storage: StorageBase,
  now: number,
  options: KeysOptions & { readonly limit: number },
): Promise<string[]> {
  const liveKeys = async function* liveKeys(): AsyncGenerator<string> {
    for await (const [key, entry] of storage.entries(options)) if (isLive(entry, now)) yield key
  }
  return take(liveKeys(), options.limit)
}

/** Reads the first keys of a listing, and ends it there. */
async function take(listing: AsyncIterable<string>, count: number): Promise<string[]> {
  const keys: string[] = []
  for await (const key of listing) if (keys.push(key) === count) break
  return keys
}

/** Reads pages until one is not full. */
async function readPages(
  readPage: (after: string | undefined) => Promise<readonly string[]>,
): Promise<string[]> {
  const keys: string[] = []
  for (;;) {
    const page = await readPage(keys.at(-1))
    keys.push(...page)
    if (page.length < PAGE_KEYS || keys.length > 2000) return keys
  }
}

/** Compares two strings by code point, which is the order of their bytes in UTF-8. */
function byCodePoint(a: string, b: string): number {
  return byCodeUnit(toUtf32(a), toUtf32(b))
}

/** Returns the code points, each in six digits, so that they compare like numbers. */
function toUtf32(text: string): string {
  return Array.from(text, (char) => char.codePointAt(0)?.toString(16).padStart(6, '0')).join('')
}
