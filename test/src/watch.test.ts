import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type StorageBase,
  type StorageListener,
  StorageRuntime,
  type Store,
  type StoreChange,
  StoreMixin,
} from '../../src/index.ts'
import { Watch } from '../../src/watch.ts'

// The limit that `Store.watch` documents.
const MAX_PENDING_KEYS = 1000

async function openStore(): Promise<Store> {
  return new StorageRuntime(new MemoryStoragePlugin()).open('ns')
}

/** Starts a watch of a store that lists keys so. Returns it with the listener of its storage. */
function startWatch(keys: () => AsyncIterator<string, void>): {
  readonly watch: Watch
  readonly report: StorageListener
} {
  const watch = new Watch({ keys } as Store, {}, Date.now)
  const listeners: StorageListener[] = []
  watch.start((listener) => {
    listeners.push(listener)
    return () => {}
  })
  return { watch, report: (change) => listeners[0]?.(change) }
}

/** Changes more keys than can be pending, so that a watch lists all keys again. */
async function setTooManyKeys(store: Store): Promise<void> {
  for (let i = 0; i <= MAX_PENDING_KEYS; i++) await store.set(`k${i}`, 1)
}

async function take(
  changes: AsyncIterator<StoreChange, undefined>,
  count: number,
): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count) {
    const { value } = await changes.next()
    taken.push(`${value?.kind} ${value?.key ?? ''}`.trim())
  }
  return taken
}

describe('watch() for a slow reader', () => {
  test('keeps up to 1,000 keys, each once, in the order of their last change', async () => {
    const store = await openStore()
    const changes = store.watch()
    for (let i = 0; i < MAX_PENDING_KEYS; i++) await store.set(`k${i}`, 1)
    await store.delete('k0')
    const taken = await take(changes, MAX_PENDING_KEYS)
    expect(taken.slice(0, 2)).toEqual(['set k1', 'set k2'])
    expect(taken.at(-1)).toBe('remove k0')
  })

  test('lists all keys again once more than 1,000 are pending', async () => {
    const store = await openStore()
    const changes = store.watch()
    await setTooManyKeys(store)
    await store.clear()
    await store.set('a', 1)
    await store.set('b', 1)
    expect(await take(changes, 3)).toEqual(['clear', 'set a', 'set b'])
    await store.set('c', 1)
    expect(await take(changes, 1)).toEqual(['set c'])
  })

  test('reports changes during a listing after it', async () => {
    const store = await openStore()
    const changes = store.watch()
    await setTooManyKeys(store)
    expect(await take(changes, 2)).toEqual(['clear', 'set k0'])
    await store.delete('k0')
    const rest = await take(changes, 1001)
    expect(rest.at(-2)).toBe('set k999')
    expect(rest.at(-1)).toBe('remove k0')
  })

  test('does not report a change that a listing is about to show', async () => {
    const { watch, report } = startWatch(async function* () {
      yield 'a'
    })
    report({ kind: 'unknown' })
    report({ kind: 'set', key: 'a' })
    expect(await take(watch, 2)).toEqual(['clear', 'set a'])
    report({ kind: 'set', key: 'b' })
    expect(await take(watch, 1)).toEqual(['set b'])
  })

  test('rejects with the error of a listing and ends', async () => {
    class FailingPlugin extends MemoryStoragePlugin {
      override async open(namespace: string): Promise<StorageBase> {
        const storage = await super.open(namespace)
        storage.liveKeys = () => {
          throw new Error('no listing')
        }
        return storage
      }
    }
    const store = await new StorageRuntime(new FailingPlugin()).open('ns')
    const changes = store.watch()
    await setTooManyKeys(store)
    expect(await take(changes, 1)).toEqual(['clear'])
    await expect(changes.next()).rejects.toMatchObject({ code: 'BACKEND_ERROR', namespace: 'ns' })
    expect(await changes.next()).toEqual({ done: true, value: undefined })
  })
})

async function* endless(onEnd: () => void): AsyncGenerator<string> {
  try {
    for (;;) yield 'k'
  } finally {
    onEnd()
  }
}

describe('watch() that ends during a listing', () => {
  test('ends the listing too, before the storage closes', async () => {
    const ended: string[] = []
    class EndlessPlugin extends MemoryStoragePlugin {
      override async open(namespace: string): Promise<StorageBase> {
        const storage = await super.open(namespace)
        storage.liveKeys = () => endless(() => ended.push('listing'))
        const close = storage.close.bind(storage)
        storage.close = async () => {
          ended.push('storage')
          await close()
        }
        return storage
      }
    }
    const store = await new StorageRuntime(new EndlessPlugin()).open('ns')
    const [returned, closed] = [store.watch(), store.watch()]
    await setTooManyKeys(store)
    await take(returned, 2)
    await take(closed, 2)
    await returned.return()
    expect(ended).toEqual(['listing'])
    await store.close()
    expect(ended).toEqual(['listing', 'listing', 'storage'])
  })

  test('ends without an error if the store closes', async () => {
    const store = await openStore()
    const changes = store.watch()
    await setTooManyKeys(store)
    await take(changes, 2)
    await store.close()
    expect(await changes.next()).toEqual({ done: true, value: undefined })
  })

  test('does not report a key that the listing returns afterwards', async () => {
    const { promise, resolve } = Promise.withResolvers<IteratorResult<string, void>>()
    const { watch, report } = startWatch(() => ({ next: () => promise }))
    report({ kind: 'unknown' })
    expect(await take(watch, 1)).toEqual(['clear'])
    const next = watch.next()
    // Let next() begin to wait for the listing.
    await new Promise(setImmediate)
    await watch.return()
    resolve({ done: false, value: 'a' })
    expect(await next).toEqual({ done: true, value: undefined })
  })
})

test('a report of an adapter that is no change makes the watch list all keys again', async () => {
  const reports: unknown[] = [
    null,
    undefined,
    5,
    {},
    { kind: 'set' },
    { kind: 'remove', key: 5 },
    { kind: 'renamed', key: 'a' },
  ]
  for (const change of reports) {
    const keys = ['a', 'b'].values()
    const { watch, report } = startWatch(() => ({ next: async () => keys.next() }))
    report(change as StoreChange)
    expect(await take(watch, 3)).toEqual(['clear', 'set a', 'set b'])
    await watch.return()
    report(change as StoreChange)
  }
})

test('concurrent calls of next() resolve in order, each to another change', async () => {
  const store = await openStore()
  const changes = store.watch()
  const reads = [changes.next(), changes.next(), changes.next()]
  await store.set('a', 1)
  await store.set('b', 1)
  await Promise.all(reads.slice(0, 2))
  await changes.return()
  const results = await Promise.all(reads)
  expect(results.map(({ value }) => value?.key)).toEqual(['a', 'b', undefined])
  expect(results[2]?.done).toBe(true)
})

test('watch() of a mixin throws STORE_NOT_OPEN until its storage is open', async () => {
  class Plugin extends StoreMixin()(Object) {}
  const plugin = new Plugin()
  expect(() => plugin.watch()).toThrow(expect.objectContaining({ code: 'STORE_NOT_OPEN' }))
  await plugin.openStorage(new StorageRuntime(new MemoryStoragePlugin()), 'ns')
  const changes = plugin.watch()
  await plugin.set('a', 1)
  expect(await take(changes, 1)).toEqual(['set a'])
  const initial = plugin.watch({ initial: true, values: true })
  expect((await initial.next()).value).toEqual({ kind: 'set', key: 'a', value: 1 })
})
