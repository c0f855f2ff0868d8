import type { KeysOptions } from '../storage.ts'
import type { Store } from '../store.ts'
import { assert, assertEqual, assertRejects, collect } from './assertions.ts'
import type { Rule } from './rule.ts'
import { repeat } from './test-data.ts'

const IN_ORDER =
  'list entries() and liveKeys() in the order of the keys, or implement only keys() and leave the order to the default methods'

/** Keys in ascending order. All backends agree on the order of ASCII characters. */
const SORTED_KEYS = [
  '',
  ' ',
  '!',
  '/',
  '0',
  '1',
  '10',
  '2',
  ':',
  'A',
  'B',
  'Z',
  '_',
  'a',
  'a/',
  'aa',
]

/** The order and the options of listings, and `clear` with a prefix. */
export const STORE_LISTING_RULES: readonly Rule[] = [
  {
    id: 'store-listings/order',
    name: 'keys(), values(), entries(), records() and `for await` list in ascending order, and with reverse in descending order',
    fix: IN_ORDER,
    run: async (backend) => {
      const store = await openWith(backend.openStore(), SORTED_KEYS)
      for (const reverse of [undefined, false, true]) {
        const expected = reverse ? SORTED_KEYS.toReversed() : SORTED_KEYS
        const what = `with reverse: ${reverse}`
        assertEqual(await collect(store.keys({ reverse })), expected, `keys() ${what}`)
        assertEqual(await collect(store.values({ reverse })), expected, `values() ${what}`)
        const entries = await collect(store.entries({ reverse }))
        assertEqual(
          entries,
          expected.map((key) => [key, key]),
          `entries() ${what}`,
        )
        const records = await collect(store.records({ reverse }))
        assertEqual(
          records,
          expected.map((key) => [key, { value: key }]),
          `records() ${what}`,
        )
      }
      assertEqual(
        await collect(store),
        SORTED_KEYS.map((key) => [key, key]),
        '`for await`',
      )
    },
  },
  {
    id: 'store-listings/after',
    name: 'a listing with `after` begins behind that key in its order, whether the key exists or not',
    fix: IN_ORDER,
    run: async (backend) => {
      const store = await openWith(backend.openStore(), SORTED_KEYS)
      for (const after of [...SORTED_KEYS, '00', 'C', 'zzz', 'a/b']) {
        for (const reverse of [false, true]) {
          const expected = reverse
            ? SORTED_KEYS.filter((key) => key < after).toReversed()
            : SORTED_KEYS.filter((key) => key > after)
          await expectKeys(store, { after, reverse }, expected)
        }
      }
    },
  },
  {
    id: 'store-listings/prefix-and-after',
    name: 'a listing with a prefix and `after` lists the keys that match both, with `after` before, among and behind the keys with the prefix',
    fix: IN_ORDER,
    run: async (backend) => {
      const keys = ['a', 'b', 'b/', 'b/1', 'b/2', 'b/3', 'b0', 'c']
      const store = await openWith(backend.openStore(), keys)
      for (const after of ['', 'a', 'b', 'b/', 'b/2', 'b/25', 'b/3', 'b0', 'c', 'z']) {
        const matching = keys.filter((key) => key.startsWith('b/'))
        const later = matching.filter((key) => key > after)
        const earlier = matching.filter((key) => key < after).toReversed()
        await expectKeys(store, { prefix: 'b/', after }, later)
        await expectKeys(store, { prefix: 'b/', after, reverse: true }, earlier)
        await expectKeys(store, { prefix: 'b/', after, limit: 2 }, later.slice(0, 2))
        const lastOne = { prefix: 'b/', after, limit: 1, reverse: true }
        await expectKeys(store, lastOne, earlier.slice(0, 1))
      }
    },
  },
  {
    id: 'store-listings/limit',
    name: 'a listing with a limit lists as many live entries, and does not count expired ones',
    fix: 'treat `limit` as a hint: list further entries where some of those listed may have expired',
    run: async (backend) => {
      const store = await backend.openStore()
      const keys = repeat(30, (i) => `k${String(i).padStart(2, '0')}`)
      for (const [i, key] of keys.entries())
        await store.set(key, key, i % 3 === 0 ? {} : { ttl: 90_000 })
      backend.advanceClock(90_000)
      const live = keys.filter((_, i) => i % 3 === 0)
      for (const limit of [1, 4, 10, 11, 1000]) {
        await expectKeys(store, { limit }, live.slice(0, limit))
        const reversed = live.toReversed().slice(0, limit)
        await expectKeys(store, { limit, reverse: true }, reversed)
      }
    },
  },
  {
    id: 'store-listings/pages',
    name: 'pages that begin after the last key of the page before list every key once, in both directions, while other keys are removed',
    fix: IN_ORDER,
    run: async (backend) => {
      const keys = repeat(23, (i) => `page/${String.fromCodePoint(97 + i)}`)
      for (const reverse of [false, true]) {
        const store = await openWith(backend.openStore(), keys)
        const listed: string[] = []
        for (let after: string | undefined; listed.length <= keys.length;) {
          const page = await collect(store.keys({ prefix: 'page/', after, limit: 4, reverse }))
          assert(page.length <= 4, `a page with limit: 4 has ${page.length} keys`)
          listed.push(...page)
          after = page.at(-1)
          if (after === undefined) break
          await store.delete(after)
        }
        const expected = reverse ? keys.toReversed() : keys
        assertEqual(listed, expected, `the keys of all pages with reverse: ${reverse}`)
      }
    },
  },
  {
    id: 'store-listings/invalid-options',
    name: 'every listing rejects invalid options with INVALID_VALUE, and a prefix or `after` that cannot be a key with INVALID_KEY',
    fix: 'leave options to the store, which checks them before it calls the storage',
    run: async (backend) => {
      const store = await backend.openStore()
      const invalid: readonly [options: object, code: 'INVALID_VALUE' | 'INVALID_KEY'][] = [
        ...[0, -1, 1.5, Number.NaN, Infinity, '5', null].map(
          (limit) => [{ limit }, 'INVALID_VALUE'] as [object, 'INVALID_VALUE'],
        ),
        [{ reverse: 1 }, 'INVALID_VALUE'],
        [{ reverse: null }, 'INVALID_VALUE'],
        [{ after: 5 }, 'INVALID_KEY'],
        [{ after: null }, 'INVALID_KEY'],
        [{ after: '\ud800' }, 'INVALID_KEY'],
        [{ prefix: 5 }, 'INVALID_KEY'],
        [{ prefix: '\udc00' }, 'INVALID_KEY'],
        ['prefix' as never, 'INVALID_VALUE'],
        [null as never, 'INVALID_VALUE'],
        [['prefix'], 'INVALID_VALUE'],
      ]
      for (const [options, code] of invalid) {
        for (const list of ['keys', 'values', 'entries', 'records'] as const) {
          const what = `${list}(${JSON.stringify(options)})`
          await assertRejects(collect<unknown>(store[list](options)), code, what)
        }
      }
    },
  },
  {
    id: 'store-listings/clear-prefix',
    name: 'clear() with a prefix removes exactly the keys that begin with it, after the writes before it and before the writes after it',
    fix: 'compare the prefix literally and with case in clearPrefix(), and remove expired entries too',
    run: async (backend) => {
      const keys = ['a', 'a/', 'a/1', 'a/1/2', 'a%', 'a0', 'A/1', 'b']
      const store = await openWith(backend.openStore(), keys)
      await store.clear({ prefix: 'a/' })
      await expectKeys(store, {}, ['A/1', 'a', 'a%', 'a0', 'b'])
      await store.clear({ prefix: 'a%' })
      await store.clear({ prefix: 'none' })
      await expectKeys(store, {}, ['A/1', 'a', 'a0', 'b'])
      await Promise.all([
        store.set('a1', 1),
        store.set('c', 1),
        store.clear({ prefix: 'a' }),
        store.set('a2', 1),
      ])
      await expectKeys(store, {}, ['A/1', 'a2', 'b', 'c'])
      for (const prefix of [5, null, '\ud800'] as string[])
        await assertRejects(store.clear({ prefix }), 'INVALID_KEY', `clear() of ${typeof prefix}`)
      for (const options of ['a', null, ['a']] as object[])
        await assertRejects(store.clear(options), 'INVALID_VALUE', 'clear() with other options')
      await expectKeys(store, {}, ['A/1', 'a2', 'b', 'c'])
      await store.clear({ prefix: '' })
      await expectKeys(store, {}, [])
    },
  },
]

/** Stores keys, in an order that differs from that of a listing, each as its own value. */
async function openWith(opening: Promise<Store>, sorted: readonly string[]): Promise<Store> {
  const store = await opening
  const middle = Math.ceil(sorted.length / 2)
  for (const key of [...sorted.slice(middle), ...sorted.slice(0, middle).toReversed()])
    await store.set(key, key)
  return store
}

/** @throws AssertionError unless `keys` and `entries` list these keys */
async function expectKeys(
  store: Store,
  options: KeysOptions,
  expected: readonly string[],
): Promise<void> {
  const what = JSON.stringify(options)
  assertEqual(await collect(store.keys(options)), expected, `keys(${what})`)
  const listed = (await collect(store.entries(options))).map(([key]) => key)
  assertEqual(listed, expected, `the keys of entries(${what})`)
}
