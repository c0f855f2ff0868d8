import { deferred, noop } from '../async.ts'
import { StoreError } from '../errors.ts'
import { StorageRuntime } from '../runtime.ts'
import { StoreMixin } from '../store-mixin.ts'
import { assert, collect, assertRejects, assertEqual } from './assertions.ts'
import { type AnyStore, type Rule, type TestBackend, SpyPlugin } from './test-backend.ts'

class Holder extends StoreMixin()(Object) {}

/** Every method that uses the storage, by name. */
const USES: readonly (readonly [string, (store: AnyStore | Holder) => Promise<unknown>])[] = [
  ['get', (store) => store.get('k')],
  ['record', (store) => store.record('k')],
  ['has', (store) => store.has('k')],
  ['set', (store) => store.set('k', 2)],
  ['delete', (store) => store.delete('k')],
  ['setMany', (store) => store.setMany({ k: 2 })],
  ['update', (store) => store.update('k', () => 2)],
  ['mutable', (store) => store.mutable('k', () => {}, 2)],
  ['getOrInsert', (store) => store.getOrInsert('k', 2)],
  ['pop', (store) => store.pop('k')],
  ['size', (store) => store.size()],
  ['clear', (store) => store.clear()],
  ['keys', (store) => collect(store.keys())],
  ['values', (store) => collect(store.values())],
  ['entries', (store) => collect(store.entries())],
  ['records', (store) => collect(store.records())],
  ['iteration', (store) => collect(store)],
]

async function watched(
  subject: TestBackend,
): Promise<{ plugin: SpyPlugin; runtime: StorageRuntime; namespace: string }> {
  const plugin = new SpyPlugin(subject.plugin)
  return {
    plugin,
    runtime: subject.runtime({ allowLostUpdates: true }, plugin),
    namespace: subject.namespace(),
  }
}

/** The lifecycle, which the runtime enforces: no storage ever sees a double open or a use out of time. */
export const LIFECYCLE_RULES: readonly Rule[] = [
  {
    id: 'lifecycle/handles-counted',
    name: 'a namespace is opened once for all its stores, and closed with the last of them',
    run: async (subject) => {
      const { plugin, runtime, namespace } = await watched(subject)
      const stores = await Promise.all([1, 2, 3].map(() => runtime.open(namespace)))
      stores.push(await runtime.open(namespace))
      assertEqual(plugin.opens, 1, 'the number of opens')
      for (const [i, store] of stores.entries()) {
        assertEqual(plugin.closes, 0, `the number of closes before the last store, at store ${i},`)
        await store.set('k', i)
        await store.close()
      }
      assertEqual(plugin.closes, 1, 'the number of closes')
      assertEqual(await (await runtime.open(namespace)).get('k'), 3)
      assertEqual(plugin.opens, 2, 'the number of opens')
    },
  },
  {
    id: 'lifecycle/open-while-closing',
    name: 'a namespace that is asked for while it closes is opened again, after that',
    run: async (subject) => {
      const { plugin, runtime, namespace } = await watched(subject)
      const first = await runtime.open(namespace)
      await first.set('k', 1)
      const [, second] = await Promise.all([first.close(), runtime.open(namespace)])
      assertEqual(await second.get('k'), 1)
      await second.close()
      assert(
        plugin.opens === plugin.closes,
        `opened ${plugin.opens} times, closed ${plugin.closes} times`,
      )
    },
  },
  {
    id: 'lifecycle/open-fails',
    name: 'an open that fails says why to all who wait, and can be tried again',
    run: async (subject) => {
      const { plugin, runtime, namespace } = await watched(subject)
      const cause = new Error('no disk')
      plugin.beforeOpen = () => {
        throw cause
      }
      const [one, two] = await Promise.allSettled([
        runtime.open(namespace),
        runtime.open(namespace),
      ])
      for (const result of [one, two]) {
        const error: unknown = result.status === 'rejected' ? result.reason : undefined
        assert(
          error instanceof StoreError && error.code === 'BACKEND_ERROR' && error.cause === cause,
          `the open must fail with BACKEND_ERROR and its cause: ${String(error)}`,
        )
      }
      plugin.beforeOpen = () => {}
      const store = await runtime.open(namespace)
      await store.set('k', 1)
      assertEqual(await store.get('k'), 1)
    },
  },
  {
    id: 'lifecycle/after-close',
    name: 'every method of a closed store is STORE_NOT_OPEN, and a second close too',
    run: async (subject) => {
      const { plugin, runtime, namespace } = await watched(subject)
      const store = await runtime.open(namespace)
      await store.set('k', 1)
      await store.close()
      for (const [name, use] of USES) await assertRejects(use(store), 'STORE_NOT_OPEN', name)
      await assertRejects(store.close(), 'STORE_NOT_OPEN', 'a second close')
      await store[Symbol.asyncDispose]()
      assertEqual(plugin.closes, 1, 'the number of closes')
      assertEqual(await (await runtime.open(namespace)).get('k'), 1)
    },
  },
  {
    id: 'lifecycle/during-close',
    name: 'every method during close is STORE_NOT_OPEN',
    run: async (subject) => {
      const { runtime, namespace } = await watched(subject)
      const store = await runtime.open(namespace)
      await store.set('k', 1)
      const closing = store.close()
      const refused = USES.map(([name, use]) => assertRejects(use(store), 'STORE_NOT_OPEN', name))
      await assertRejects(store.close(), 'STORE_NOT_OPEN', 'a second close')
      await Promise.all([closing, ...refused])
      assertEqual(await (await runtime.open(namespace)).get('k'), 1)
    },
  },
  {
    id: 'lifecycle/close-waits',
    name: 'close waits for what was accepted, and none of it is lost',
    run: async (subject) => {
      const { plugin, runtime, namespace } = await watched(subject)
      const store = await runtime.open(namespace)
      plugin.beforeCommit = () => new Promise((resolve) => setTimeout(resolve, 20))
      const written = [store.set('a', 1), store.update('b', () => 2), store.set('c', 3)]
      await store.close()
      await Promise.all(written)
      const again = await runtime.open(namespace)
      assertEqual(
        [await again.get('a'), await again.get('b'), await again.get('c')],
        [1, 2, 3],
        'the values',
      )
    },
  },
  {
    id: 'lifecycle/closed-while-listing',
    name: 'a listing whose store is closed ends with STORE_NOT_OPEN',
    run: async (subject) => {
      const store = await subject.store()
      for (const key of ['a', 'b', 'c']) await store.set(key, 1)
      const listing = (async () => {
        for await (const _ of store.keys()) if (store.isOpen) await store.close()
      })()
      await assertRejects(listing, 'STORE_NOT_OPEN', 'the listing')
    },
  },
  {
    id: 'lifecycle/close-waits-for-listings',
    name: 'close waits for what a listing or a function is doing; nothing reaches a closed storage',
    run: async (subject) => {
      const { plugin, runtime, namespace } = await watched(subject)
      for (const list of ['keys', 'entries'] as const) {
        const store = await runtime.open(namespace)
        for (const key of ['a', 'b', 'c', 'd']) await store.set(key, 1, { ttl: 90_000 })
        subject.time += 90_000
        const listing = store[list]()
        const next = listing.next().catch(noop)
        await store.close()
        await next
        await listing.next().catch(noop)
      }
      const store = await runtime.open(namespace)
      const { promise: closed, resolve: close } = deferred()
      const updated = store.update('k', async () => {
        void store.close().then(close)
        return 1
      })
      assertEqual(await updated, 1)
      await closed
      assertEqual(plugin.late, [], 'what was called on a closed storage')
    },
  },
  {
    id: 'lifecycle/open-while-both-close',
    name: 'a runtime that closes while a namespace is opened again leaves nothing open',
    run: async (subject) => {
      const { plugin, runtime, namespace } = await watched(subject)
      const store = await runtime.open(namespace)
      plugin.beforeClose = () => new Promise((resolve) => setTimeout(resolve, 5))
      const closing = store.close()
      // The close has reached the storage, and an open waits for it.
      await Promise.resolve()
      const opening = runtime.open(namespace).catch(() => {})
      await runtime.close()
      assertEqual(plugin.closes, plugin.opens, 'the number of closes when the runtime is closed')
      await Promise.all([closing, opening])
      assertEqual(plugin.closes, plugin.opens, 'the number of closes')
    },
  },
  {
    id: 'lifecycle/runtime-closes-all',
    name: 'closing a runtime closes every namespace once, also those being opened, and opens no more',
    run: async (subject) => {
      const { plugin, runtime, namespace } = await watched(subject)
      const stores = [
        await runtime.open(namespace),
        await runtime.open(namespace),
        await runtime.open(subject.namespace()),
      ]
      const late = runtime.open(subject.namespace())
      const pending = stores[0]?.set('k', 1)
      plugin.beforeCommit = () => new Promise((resolve) => setTimeout(resolve, 5))
      const closing = runtime.close()
      for (const store of stores) {
        await assertRejects(store.set('k', 2), 'STORE_NOT_OPEN', 'a set during close')
      }
      await assertRejects(late, 'STORE_NOT_OPEN', 'an open under way')
      await Promise.all([closing, runtime.close(), pending])
      for (const store of stores) assert(!store.isOpen, 'every store must be closed')
      assertEqual(plugin.closes, plugin.opens, 'the number of closes')
      assertEqual(plugin.late, [], 'what was called on a closed storage')
      await assertRejects(runtime.open(namespace), 'STORE_NOT_OPEN', 'an open on a closed runtime')
    },
  },
  {
    id: 'lifecycle/mixin',
    name: 'a mixin is STORE_NOT_OPEN before open and after close, and STORE_ALREADY_OPEN when opened twice',
    run: async (subject) => {
      const { plugin, runtime, namespace } = await watched(subject)
      const holder = new Holder()
      assert(
        holder.namespace === undefined && !holder.isOpenStorage(),
        'a new mixin has no namespace',
      )
      for (const [name, use] of USES) await assertRejects(use(holder), 'STORE_NOT_OPEN', name)
      await assertRejects(holder.closeStorage(), 'STORE_NOT_OPEN', 'closeStorage')
      plugin.beforeOpen = () => {
        throw new Error('not yet')
      }
      await assertRejects(
        holder.openStorage(runtime, namespace),
        'BACKEND_ERROR',
        'an open that fails',
      )
      assert(holder.namespace === undefined, 'a failed open leaves the namespace')
      plugin.beforeOpen = () => {}
      const opening = holder.openStorage(runtime, namespace)
      await assertRejects(
        holder.openStorage(runtime, namespace),
        'STORE_ALREADY_OPEN',
        'an open during another',
      )
      await opening
      await assertRejects(
        holder.openStorage(runtime, namespace),
        'STORE_ALREADY_OPEN',
        'a second open',
      )
      for (const [, use] of USES) await use(holder)
      const expires = subject.time + 90_000
      await holder.set('k', 1, { expires })
      assertEqual(await holder.record('k'), { value: 1, expires }, 'the record')
      assertEqual(await collect(holder.records({ prefix: 'k' })), [['k', { value: 1, expires }]])
      assertEqual(
        await collect(holder.records({ prefix: 'x' })),
        [],
        'the records with another prefix',
      )
      await holder.closeStorage()
      assertEqual(holder.namespace, namespace, 'the namespace, which stays')
      for (const [name, use] of USES) await assertRejects(use(holder), 'STORE_NOT_OPEN', name)
      await holder.openStorage(runtime, namespace)
      assertEqual(await holder.get('k'), 1)
      await holder[Symbol.asyncDispose]()
      assert(!holder.isOpenStorage(), 'disposing closes')
      await holder.openStorage(runtime, namespace)
      let released = false
      plugin.beforeClose = async () => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        released = true
      }
      const closing = holder.closeStorage()
      await holder[Symbol.asyncDispose]()
      assert(released, 'disposing waits for a close under way')
      await closing
    },
  },
]
