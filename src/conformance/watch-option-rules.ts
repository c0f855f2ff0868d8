import { noop } from '../async.ts'
import type { StoreChange } from '../storage.ts'
import type { StoreValueChange, StoreWatch } from '../watch.ts'
import { assert, assertEqual, fail, sortedMap } from './assertions.ts'
import { exemptUnlessWatchable, nextChanges, watchFromAllStores } from './change-reader.ts'
import type { Rule } from './rule.ts'
import { repeat } from './test-data.ts'

/** The options of `Store.watch`, where `traits.watch` is true. */
export const WATCH_OPTION_RULES: readonly Rule[] = [
  {
    id: 'watch/prefix',
    name: 'a watch with a prefix reports the changes of keys that begin with it, and no others',
    fix: 'report each key as it was written, and the keys that clear({ prefix }) removes',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const { namespace, watches } = await watchFromAllStores(backend, { prefix: 'a/' })
      const store = await backend.createRuntime().open(namespace)
      await store.setMany({ 'a/1': 1, 'a/2': 1, a: 1, 'b/a/': 1, 'b/1': 1 })
      await store.clear({ prefix: 'b/' })
      await store.clear({ prefix: 'a/1' })
      await store.setMany({ b: 1, 'a/3': 1 })
      for (const [index, watch] of watches.entries()) {
        const what = `the keys with the prefix "a/" after the changes of watch ${index}`
        await assertView(
          watch,
          [
            ['a/2', 'set'],
            ['a/3', 'set'],
          ],
          what,
          ({ key = 'a/' }) =>
            assert(key.startsWith('a/'), `a watch with the prefix "a/": received the key "${key}"`),
        )
      }
      await store.clear()
      await store.set('a/4', 1)
      for (const [index, watch] of watches.entries())
        await assertView(watch, [['a/4', 'set']], `the keys of watch ${index} after clear()`)
    },
  },
  {
    id: 'watch/initial',
    name: 'a watch that begins with the keys that exist misses no change while it lists them',
    fix: 'report changes during a listing as at other times, and list what was stored before the listing began',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const options = { initial: true, values: true, prefix: 'k' }
      const { namespace, watches } = await watchFromAllStores(backend, options)
      const store = await backend.createRuntime().open(namespace)
      const keys = repeat(300, (i) => `k${i + 100}`)
      await store.setMany(Object.fromEntries([...keys, 'other'].map((key) => [key, 'old'])))
      // The first read begins the listing.
      const first = await Promise.all(watches.map((watch) => nextChanges(watch, 1)))
      await store.setMany({ k100: 'new', k250: 'new', k399: 'new', k400: 'new' })
      await store.deleteMany(['k101', 'k251', 'k398'])
      const expected = new Map([...keys, 'k400'].map((key) => [key, 'old']))
      for (const key of ['k100', 'k250', 'k399', 'k400']) expected.set(key, 'new')
      for (const key of ['k101', 'k251', 'k398']) expected.delete(key)
      for (const [index, watch] of watches.entries()) {
        const what = `the entries after the changes of watch ${index}`
        await assertView(watch, [...expected], what, noop, first[index])
      }
    },
  },
  {
    id: 'watch/values',
    name: 'a watch with values gives each value as a copy with its expiry, and reports remove for a key that is gone by then',
    fix: 'report a change after it was applied, so that a read returns it',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const { namespace, watches } = await watchFromAllStores(backend, { values: true })
      const store = await backend.createRuntime().open(namespace)
      const expires = backend.now + 90_000
      for (const [key, value] of [
        ['a', [1]],
        ['b', [2]],
      ] as const) {
        // The readers wait, so they read the value as soon as the change is reported.
        const reads = watches.map((watch) => nextChanges(watch as StoreWatch<StoreValueChange>, 1))
        await store.set(key, value, { expires })
        for (const [index, [change]] of (await Promise.all(reads)).entries()) {
          const what = `the change of watch ${index}`
          assertEqual(change, { kind: 'set', key, value, expires }, what)
          if (Array.isArray(change?.value)) change.value.push('changed by a reader')
        }
        assertEqual(await store.get(key), value, 'the value after readers changed their copies')
      }
      await store.set('c', 1, { ttl: 1000 })
      backend.advanceClock(2000)
      for (const [index, watch] of watches.entries()) {
        const what = `the change of watch ${index} for a key that expired before it was read`
        assertEqual(await nextChanges(watch, 1), [{ kind: 'remove', key: 'c' }], what)
      }
    },
  },
]

/**
 * Applies changes to a view until it shows what is expected.
 *
 * @param expected the entries; the value of a change without one is `set`
 * @param received changes that were read already
 */
async function assertView(
  watch: StoreWatch,
  expected: readonly (readonly [key: string, value: string])[],
  what: string,
  check: (change: StoreChange) => void = noop,
  received: readonly StoreChange[] = [],
): Promise<void> {
  const view = new Map<string, unknown>()
  const unread = [...received]
  while (format(view) !== format(expected)) {
    const change = unread.shift() ?? (await nextChanges(watch, 1).catch(() => undefined))?.[0]
    if (change === undefined)
      fail(`${what}: expected ${format(expected)}; received ${format(view)}`)
    check(change)
    if (change.kind === 'clear') view.clear()
    else if (change.kind === 'remove') view.delete(change.key)
    else view.set(change.key, 'value' in change ? change.value : 'set')
  }
}

function format(entries: Iterable<readonly [key: string, value: unknown]>): string {
  return JSON.stringify([...sortedMap(entries)])
}
