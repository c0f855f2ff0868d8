import { deferred, noop, sleep } from '../async.ts'
import type { StorageBase, StoreChange } from '../storage.ts'
import { assert, assertEqual, assertRejects, describeError, fail, sortKeys } from './assertions.ts'
import {
  applyChange,
  assertEnds,
  CHANGE_TIMEOUT_MS,
  exemptUnlessWatchable,
  nextChanges,
  watchFromAllStores,
  withTimeout,
} from './change-reader.ts'
import type { Rule } from './rule.ts'
import { createEntry, removeChange, repeat, setChange } from './test-data.ts'
import { WATCH_OPTION_RULES } from './watch-option-rules.ts'

/** `watch()` of a store and of a storage, where `traits.watch` is true. */
export const WATCH_RULES: readonly Rule[] = [
  {
    id: 'watch/trait',
    name: 'watch() throws UNAVAILABLE if and only if traits.watch is false',
    fix: 'set traits.watch to whether the storage has a watch() method and createWatch, which botshelf exports',
    run: async (backend) => {
      const store = await backend.openStore()
      const watch = (async () => store.watch())()
      if (!backend.traits.watch) {
        await assertRejects(watch, 'UNAVAILABLE', 'watch() with traits.watch: false')
        return
      }
      const changes = await watch.catch((error: unknown) =>
        fail(`watch() with traits.watch: true: expected a watch; received ${describeError(error)}`),
      )
      await changes.return()
    },
  },
  {
    id: 'watch/every-change',
    name: 'watches of all stores report every kind of change, in order',
    fix: 'call every listener of the namespace for each applied change, including changes by other clients',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const { namespace, watches } = await watchFromAllStores(backend)
      const store = await backend.createRuntime().open(namespace)
      const steps: readonly Step[] = [
        { run: () => store.set('a', 1), changes: [setEvent('a')] },
        { run: () => store.update('a', () => 2), changes: [setEvent('a')] },
        { run: () => store.update('b', async () => 1), changes: [setEvent('b')] },
        { run: () => store.mutable('c', () => {}, []), changes: [setEvent('c')] },
        { run: () => store.getOrInsert('d', 1), changes: [setEvent('d')] },
        { run: () => store.delete('a'), changes: [removeEvent('a')] },
        { run: () => store.pop('b'), changes: [removeEvent('b')] },
        { run: () => store.update('c', () => undefined), changes: [removeEvent('c')] },
        { run: () => store.setMany({ e: 1, f: 2 }), changes: [setEvent('e'), setEvent('f')] },
        { run: () => store.clear(), changes: [{ kind: 'clear' }] },
        { run: () => store.set('g', 1), changes: [setEvent('g')] },
      ]
      for (const [at, { run, changes }] of steps.entries()) {
        await run()
        for (const [index, watch] of watches.entries()) {
          const received = await nextChanges(watch, changes.length)
          assertEqual(received, changes, `the changes of watch ${index} in step ${at}`)
        }
      }
    },
  },
  {
    id: 'watch/applied-groups',
    name: 'watch() of a storage reports the groups that were applied and no others, until it is stopped',
    fix: 'call listeners after the group is applied, and remove the listener when its stop function is called',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const namespace = backend.createNamespace()
      const storage = await backend.openStorage(namespace)
      const storages = [storage, await backend.openStorage(namespace)]
      const listeners = storages.map(recordChanges)
      await storage.commit([
        [setChange('a', createEntry(1)), setChange('b', createEntry(1))],
        [setChange('c', createEntry(1), 'another version')],
        [removeChange('a')],
      ])
      await storage.commit([[setChange('end', createEntry(1))]])
      for (const [index, { received }] of listeners.entries()) {
        const deadline = Date.now() + CHANGE_TIMEOUT_MS
        while (received.at(-1) !== 'set end' && Date.now() < deadline) await sleep(5)
        // A change that a later one replaced may be left out.
        const required = received.filter((change) => change !== 'set a')
        assertEqual(
          sortKeys(required),
          ['remove a', 'set b', 'set end'],
          `the changes that storage ${index} reported`,
        )
        assert(
          received.lastIndexOf('remove a') > received.indexOf('set a'),
          `the changes that storage ${index} reported: expected "remove a" after "set a"; received ${received.join(', ')}`,
        )
      }
      for (const { stop } of listeners) stop()
      // When new listeners have received a change, the stopped ones would have received it too.
      const reported = storages.map((each) => {
        const { promise, resolve } = deferred()
        each.watch?.(({ kind, ...change }) => {
          if (kind === 'set' && 'key' in change && change.key === 'late') resolve()
        })
        return promise
      })
      await storage.commit([[setChange('late', createEntry(1))]])
      await withTimeout(Promise.all(reported), 'a change for new listeners')
      assert(
        !listeners.some(({ received }) => received.includes('set late')),
        'a stopped listener: expected no more changes; received "set late"',
      )
    },
  },
  {
    id: 'watch/last-change-per-key',
    name: 'a reader that lags receives the last change of each key, and nothing from before a clear()',
    fix: 'report clear() as one change, and keep the order of changes of one key',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const { namespace, watches } = await watchFromAllStores(backend)
      const store = await backend.createRuntime().open(namespace)
      await store.set('cleared', 1)
      await store.clear()
      await store.set('a', 1)
      await store.set('b', 1)
      await store.delete('a')
      await store.set('end', 1)
      for (const [index, watch] of watches.entries()) {
        // Lags until all changes have arrived.
        await sleep(50)
        const received: StoreChange[] = []
        while (received.at(-1)?.key !== 'end') received.push(...(await nextChanges(watch, 1)))
        assertEqual(received.at(-1), setEvent('end'), `the last change of watch ${index}`)
        const view = new Set<string>()
        for (const change of received) applyChange(view, change)
        assertEqual(sortKeys(view), ['b', 'end'], `the keys after the changes of watch ${index}`)
      }
    },
  },
  {
    id: 'watch/only-applied-writes',
    name: 'reads, rejected writes and updates that store nothing are not reported',
    fix: 'call listeners only for groups whose outcome is applied',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const { namespace, watches } = await watchFromAllStores(backend)
      const store = await backend.createRuntime().open(namespace)
      await store.update('a', () => undefined).catch(noop)
      await store.update('b', () => Promise.reject(new Error('no'))).catch(noop)
      await store.set('c', () => {}).catch(noop)
      await store.mutable('d', () => {})
      await store.get('e')
      await store.pop('f')
      await store.set('g', 1)
      for (const watch of watches) {
        let [change] = await nextChanges(watch, 1)
        // A backend may report the removals of two missing keys, a and f.
        for (let skips = 0; change?.kind === 'remove' && skips < 2; skips++)
          [change] = await nextChanges(watch, 1)
        assertEqual(change, setEvent('g'), 'the first change apart from removals')
      }
    },
  },
  {
    id: 'watch/own-namespace-only',
    name: 'changes of another namespace are not reported',
    fix: 'keep the listeners of each namespace apart',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const { namespace, watches } = await watchFromAllStores(backend)
      const runtime = backend.createRuntime()
      const other = await runtime.open(backend.createNamespace(namespace))
      await other.set('theirs', 1)
      await other.clear()
      await (await runtime.open(namespace)).set('ours', 1)
      for (const watch of watches)
        assertEqual(await nextChanges(watch, 1), [setEvent('ours')], 'the first change')
    },
  },
  {
    id: 'watch/starts-with-the-call',
    name: 'a watch begins with the call of watch(), not with its first read',
    fix: 'register the listener synchronously in watch()',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('before', 1)
      // Changes from before the call may still be on their way to other listeners.
      await sleep(50)
      const changes = store.watch()
      await store.set('after', 1)
      assertEqual(await nextChanges(changes, 1), [setEvent('after')], 'the first change')
    },
  },
  {
    id: 'watch/slow-reader',
    name: 'a reader that falls far behind receives a clear and then every key, so that its view is right',
    fix: 'report every change, or `unknown` where the storage has lost track of changes',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const { namespace, watches } = await watchFromAllStores(backend)
      const store = await backend.createRuntime().open(namespace)
      const keys = repeat(2500, (i) => `k${i}`)
      await store.setMany(Object.fromEntries(keys.map((key) => [key, 1])))
      for (let i = 0; i < 2500; i += 2) await store.delete(`k${i}`)
      await store.set('last', 1)
      const expected = sortKeys([...keys.filter((_, i) => i % 2 === 1), 'last'])
      for (const [index, watch] of watches.entries()) {
        const view = new Set<string>()
        let clears = 0
        while (view.size !== expected.length || !view.has('last')) {
          const [change] = await nextChanges(watch, 1)
          if (change?.kind === 'clear') clears++
          if (change) applyChange(view, change)
        }
        assertEqual(sortKeys(view), expected, `the keys after the changes of watch ${index}`)
        assert(clears > 0, `watch ${index}, 2,500 keys behind: expected a clear; received none`)
      }
    },
  },
  {
    id: 'watch/end',
    name: 'a watch ends when its store closes, when its loop is left, when return() is called and when its signal aborts, also with unread changes',
    fix: 'stop calling a listener when its stop function is called, and settle close() afterwards',
    exempt: exemptUnlessWatchable,
    run: async (backend) => {
      const namespace = backend.createNamespace()
      const runtime = backend.createRuntime()
      const store = await runtime.open(namespace)
      const writer = await runtime.open(namespace)
      const waiting = store.watch()
      const unread = store.watch()
      const returned = store.watch()
      const left = store.watch()
      const pending = returned.next()
      await assertEnds(returned.return(), 'return()')
      await assertEnds(pending, 'next() during return()')
      await writer.set('k', 1)
      for await (const _ of left) break
      await assertEnds(left.next(), 'next() of a watch whose loop was left')
      await nextChanges(waiting, 1)
      const controller = new AbortController()
      const aborted = store.watch({ signal: controller.signal })
      const beforeAbort = aborted.next()
      controller.abort()
      await assertEnds(beforeAbort, 'next() while the signal aborts')
      await assertEnds(
        store.watch({ signal: controller.signal, initial: true }).next(),
        'next() of a watch whose signal had aborted',
      )
      const last = waiting.next()
      await store.close()
      await assertEnds(last, 'next() during close() of the store')
      await assertEnds(unread.next(), 'next() of a watch with unread changes after close()')
      await assertRejects((async () => store.watch())(), 'STORE_NOT_OPEN', 'watch() after close()')
      await writer.set('k', 2)
    },
  },
  ...WATCH_OPTION_RULES,
]

interface Step {
  readonly run: () => Promise<unknown>
  readonly changes: readonly StoreChange[]
}

const setEvent = (key: string): StoreChange => ({ kind: 'set', key })
const removeEvent = (key: string): StoreChange => ({ kind: 'remove', key })

/** Records what a storage reports, as lines such as `set key`. */
function recordChanges(storage: StorageBase): {
  readonly received: readonly string[]
  readonly stop: () => void
} {
  const received: string[] = []
  const stop = storage.watch?.(({ kind, ...change }) => {
    received.push('key' in change ? `${kind} ${change.key}` : kind)
  })
  return { received, stop: stop ?? noop }
}
