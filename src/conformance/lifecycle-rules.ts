import { deferred, noop, sleep } from '../async.ts'
import { StoreError } from '../errors.ts'
import { assert, assertEqual, assertRejects, describeError } from './assertions.ts'
import { type Rule, RUNTIME_GUARDS } from './rule.ts'
import { spyOn } from './spy-plugin.ts'
import { assertAllNotOpen } from './store-methods.ts'

/** The lifecycle, which the runtime enforces: no storage is opened or closed twice, or used when closed. */
export const LIFECYCLE_RULES: readonly Rule[] = [
  {
    id: 'lifecycle/shared-namespace',
    name: 'all stores of a namespace share one storage, which is closed with the last of them',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const stores = await Promise.all([1, 2, 3].map(() => runtime.open(namespace)))
      stores.push(await runtime.open(namespace))
      assertEqual(plugin.openCount, 1, 'the number of opened storages')
      for (const [i, store] of stores.entries()) {
        assertEqual(plugin.closeCount, 0, `the number of closed storages before store ${i} closes`)
        await store.set('k', i)
        await store.close()
      }
      assertEqual(plugin.closeCount, 1, 'the number of closed storages after the last store')
      assertEqual(await (await runtime.open(namespace)).get('k'), 3, 'the value after reopening')
      assertEqual(plugin.openCount, 2, 'the number of opened storages after reopening')
    },
  },
  {
    id: 'lifecycle/open-while-closing',
    name: 'a namespace that is opened while it closes is opened again after the close',
    fix: 'let a plugin open a namespace again after close() of its storage resolved',
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const first = await runtime.open(namespace)
      await first.set('k', 1)
      const [, second] = await Promise.all([first.close(), runtime.open(namespace)])
      assertEqual(await second.get('k'), 1, 'the value after reopening')
      await second.close()
      assertEqual(plugin.closeCount, plugin.openCount, 'the number of closed storages')
    },
  },
  {
    id: 'lifecycle/aborted-open',
    name: 'a signal of open() that aborts closes the store, also while it opens, and leaves nothing open',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const aborted = AbortSignal.abort()
      await assertRejects(
        runtime.open(namespace, { signal: aborted }),
        'STORE_NOT_OPEN',
        'open() with a signal that has aborted',
      )
      assertEqual(plugin.openCount, 0, 'the number of opened storages')
      const during = new AbortController()
      const opening = runtime.open(namespace, { signal: during.signal })
      during.abort()
      await assertRejects(opening, 'STORE_NOT_OPEN', 'open() whose signal aborts meanwhile')
      assertEqual(plugin.closeCount, plugin.openCount, 'the number of closed storages')
      const after = new AbortController()
      const store = await runtime.open(namespace, { signal: after.signal })
      await store.set('k', 1)
      const write = store.set('k', 2)
      after.abort()
      assertEqual(store.isOpen, false, 'isOpen after the signal aborted')
      await write
      await store[Symbol.asyncDispose]()
      assertEqual(plugin.closeCount, plugin.openCount, 'the number of closed storages after that')
      assertEqual(await (await runtime.open(namespace)).get('k'), 2, 'the value after reopening')
    },
  },
  {
    id: 'lifecycle/open-fails',
    name: 'an open that fails rejects every caller with its cause, and can be retried',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const cause = new Error('no disk')
      plugin.onOpen = () => {
        throw cause
      }
      const results = await Promise.allSettled([runtime.open(namespace), runtime.open(namespace)])
      for (const result of results) {
        const error: unknown = result.status === 'rejected' ? result.reason : undefined
        assert(
          error instanceof StoreError && error.code === 'BACKEND_ERROR' && error.cause === cause,
          `open() of a plugin that throws: expected BACKEND_ERROR with its cause; received ${describeError(error)}`,
        )
      }
      plugin.onOpen = noop
      const store = await runtime.open(namespace)
      await store.set('k', 1)
      assertEqual(await store.get('k'), 1, 'the value after a second open()')
    },
  },
  {
    id: 'lifecycle/after-close',
    name: 'every method of a closed store rejects with STORE_NOT_OPEN, and so does a second close()',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const store = await runtime.open(namespace)
      await store.set('k', 1)
      await store.close()
      await assertAllNotOpen(store, 'after close()')
      await assertRejects(store.close(), 'STORE_NOT_OPEN', 'a second close()')
      await store[Symbol.asyncDispose]()
      assertEqual(plugin.closeCount, 1, 'the number of closed storages')
      assertEqual(await (await runtime.open(namespace)).get('k'), 1, 'the value after reopening')
    },
  },
  {
    id: 'lifecycle/during-close',
    name: 'every method of a closing store rejects with STORE_NOT_OPEN',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { runtime, namespace } = spyOn(backend)
      const store = await runtime.open(namespace)
      await store.set('k', 1)
      const closing = store.close()
      const refused = assertAllNotOpen(store, 'during close()')
      await assertRejects(store.close(), 'STORE_NOT_OPEN', 'a second close()')
      await Promise.all([closing, refused])
      assertEqual(await (await runtime.open(namespace)).get('k'), 1, 'the value after reopening')
    },
  },
  {
    id: 'lifecycle/close-waits-for-writes',
    name: 'close() waits for the writes before it, and loses none of them',
    fix: 'resolve commit() only when the changes are stored, and close() when all writes are durable',
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const store = await runtime.open(namespace)
      plugin.onCommit = () => sleep(20)
      const written = [store.set('a', 1), store.update('b', () => 2), store.set('c', 3)]
      await store.close()
      await Promise.all(written)
      const reopened = await runtime.open(namespace)
      assertEqual(
        [await reopened.get('a'), await reopened.get('b'), await reopened.get('c')],
        [1, 2, 3],
        'the values after reopening',
      )
    },
  },
  {
    id: 'lifecycle/close-during-listing',
    name: 'a listing ends with STORE_NOT_OPEN when its store closes',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const store = await backend.openStore()
      for (const key of ['a', 'b', 'c']) await store.set(key, 1)
      const listing = (async () => {
        for await (const _ of store.keys()) if (store.isOpen) await store.close()
      })()
      await assertRejects(listing, 'STORE_NOT_OPEN', 'the listing of a closed store')
    },
  },
  {
    id: 'lifecycle/close-waits-for-running-calls',
    name: 'close() waits for listings and updaters that are running, and no call reaches a closed storage',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      for (const list of ['keys', 'entries'] as const) {
        const store = await runtime.open(namespace)
        for (const key of ['a', 'b', 'c', 'd']) await store.set(key, 1, { ttl: 90_000 })
        backend.advanceClock(90_000)
        const listing = store[list]()
        const next = listing.next().catch(noop)
        await store.close()
        await next
        await listing.next().catch(noop)
      }
      const store = await runtime.open(namespace)
      const closed = deferred()
      const updated = store.update('k', async () => {
        void store.close().then(closed.resolve)
        return 1
      })
      assertEqual(await updated, 1, 'update() whose updater closes the store')
      await closed.promise
      assertEqual(plugin.callsAfterClose, [], 'the methods called on a closed storage')
    },
  },
  {
    id: 'lifecycle/runtime-close-during-reopen',
    name: 'a runtime that closes while a namespace is opened again leaves nothing open',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const store = await runtime.open(namespace)
      plugin.onClose = () => sleep(5)
      const closing = store.close()
      // One microtask later the storage is closing, and the next open waits for it.
      await Promise.resolve()
      const opening = runtime.open(namespace).catch(noop)
      await runtime.close()
      assertEqual(
        plugin.closeCount,
        plugin.openCount,
        'the number of closed storages when the runtime has closed',
      )
      await Promise.all([closing, opening])
      assertEqual(plugin.closeCount, plugin.openCount, 'the number of closed storages at the end')
    },
  },
  {
    id: 'lifecycle/runtime-close',
    name: 'closing a runtime closes every namespace once, including those being opened, and opens no more',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const stores = [
        await runtime.open(namespace),
        await runtime.open(namespace),
        await runtime.open(backend.createNamespace()),
      ]
      const opening = runtime.open(backend.createNamespace())
      const pending = stores[0]?.set('k', 1)
      plugin.onCommit = () => sleep(5)
      const closing = runtime.close()
      for (const store of stores) {
        await assertRejects(store.set('k', 2), 'STORE_NOT_OPEN', 'set() while the runtime closes')
      }
      await assertRejects(opening, 'STORE_NOT_OPEN', 'open() that was running')
      await Promise.all([closing, runtime.close(), pending])
      for (const store of stores) assertEqual(store.isOpen, false, 'isOpen of a store')
      assertEqual(plugin.closeCount, plugin.openCount, 'the number of closed storages')
      assertEqual(plugin.callsAfterClose, [], 'the methods called on a closed storage')
      await assertRejects(runtime.open(namespace), 'STORE_NOT_OPEN', 'open() of a closed runtime')
    },
  },
  {
    id: 'lifecycle/drop',
    name: 'drop() removes a namespace with all of its data, and no other; it can be opened again, and dropped again',
    fix: 'remove in drop() of the plugin what open() of this namespace shows, or leave drop() to the default',
    run: async (backend) => {
      const runtime = backend.createRuntime()
      const namespace = backend.createNamespace()
      const other = backend.createNamespace(namespace)
      for (const each of [namespace, other]) {
        const store = await runtime.open(each)
        await store.set('k', each)
        await store.set('expiring', 1, { ttl: 90_000 })
        await store.close()
      }
      const [, reopened] = await Promise.all([runtime.drop(namespace), runtime.open(namespace)])
      assertEqual(await reopened.size(), 0, 'size() after drop()')
      await reopened.set('k', 'new')
      assertEqual(await reopened.get('k'), 'new', 'the value that is set after drop()')
      await reopened.close()
      await runtime.drop(namespace)
      assertEqual(await (await runtime.open(namespace)).has('k'), false, 'has() after drop()')
      assertEqual(await (await runtime.open(other)).get('k'), other, 'the value of another one')
      await runtime.drop(backend.createNamespace('never-opened'))
    },
  },
  {
    id: 'lifecycle/drop-rejects',
    name: 'drop() rejects with STORE_ALREADY_OPEN while a store is open, STORE_NOT_OPEN after the close of the runtime, and INVALID_NAMESPACE, and removes nothing',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const runtime = backend.createRuntime()
      const namespace = backend.createNamespace()
      const opening = runtime.open(namespace)
      await assertRejects(runtime.drop(namespace), 'STORE_ALREADY_OPEN', 'drop() during open()')
      const store = await opening
      await store.set('k', 1)
      await assertRejects(runtime.drop(namespace), 'STORE_ALREADY_OPEN', 'drop() while open')
      for (const invalid of ['', '\ud800', 5, undefined] as string[])
        await assertRejects(runtime.drop(invalid), 'INVALID_NAMESPACE', 'drop() of no namespace')
      await runtime.close()
      await assertRejects(runtime.drop(namespace), 'STORE_NOT_OPEN', 'drop() of a closed runtime')
      const reopened = await backend.createRuntime().open(namespace)
      assertEqual(await reopened.get('k'), 1, 'the value after the rejected calls')
    },
  },
]
