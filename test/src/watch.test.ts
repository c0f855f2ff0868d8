import { expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type RuntimeEvent,
  type StorageBase,
  type StorageHost,
  StorageRuntime,
  type Store,
  type StoreChange,
  StoreMixin,
} from '../../src/index.ts'
import { Watch } from '../../src/watch.ts'

// The 1,000 keys are what `Store.watch` promises.

async function open(): Promise<Store> {
  return new StorageRuntime(new MemoryStoragePlugin()).open('ns')
}

async function take(
  changes: AsyncIterator<StoreChange, undefined>,
  count: number,
): Promise<string[]> {
  const told: string[] = []
  while (told.length < count) {
    const { value } = await changes.next()
    told.push(`${value?.kind} ${value?.key ?? ''}`.trim())
  }
  return told
}

test('watch: 1,000 keys wait for a reader, each told once, in the order of their last change', async () => {
  const store = await open()
  const changes = store.watch()
  for (let i = 0; i < 1000; i++) await store.set(`k${i}`, 1)
  await store.delete('k0')
  const told = await take(changes, 1000)
  expect(told.slice(0, 2)).toEqual(['set k1', 'set k2'])
  expect(told.at(-1)).toBe('remove k0')
})

test('watch: at the 1,001st key that waits, the keys are listed anew', async () => {
  const store = await open()
  const changes = store.watch()
  for (let i = 0; i < 1001; i++) await store.set(`k${i}`, 1)
  await store.clear()
  await store.set('a', 1)
  await store.set('b', 1)
  expect(await take(changes, 3)).toEqual(['clear', 'set a', 'set b'])
  await store.set('c', 1)
  expect(await take(changes, 1)).toEqual(['set c'])
})

test('watch: what changes while keys are listed anew is told after them', async () => {
  const store = await open()
  const changes = store.watch()
  for (let i = 0; i < 1001; i++) await store.set(`k${i}`, 1)
  expect(await take(changes, 2)).toEqual(['clear', 'set k0'])
  await store.delete('k0')
  const rest = await take(changes, 1001)
  expect(rest.at(-2)).toBe('set k1000')
  expect(rest.at(-1)).toBe('remove k0')
})

test('watch: a listing that fails ends the watch with its error', async () => {
  class Failing extends MemoryStoragePlugin {
    override async open(namespace: string): Promise<StorageBase> {
      const storage = await super.open(namespace)
      storage.liveKeys = () => {
        throw new Error('no listing')
      }
      return storage
    }
  }
  const store = await new StorageRuntime(new Failing()).open('ns')
  const changes = store.watch()
  for (let i = 0; i < 1001; i++) await store.set(`k${i}`, 1)
  expect(await take(changes, 1)).toEqual(['clear'])
  await expect(changes.next()).rejects.toMatchObject({ code: 'BACKEND_ERROR', namespace: 'ns' })
  expect(await changes.next()).toEqual({ done: true, value: undefined })
})

async function* endless(onEnd: () => void): AsyncGenerator<string> {
  try {
    for (;;) yield 'k'
  } finally {
    onEnd()
  }
}

test('watch: one that ends while keys are listed anew ends the listing too', async () => {
  const ended: string[] = []
  class Listing extends MemoryStoragePlugin {
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
  const store = await new StorageRuntime(new Listing()).open('ns')
  const [left, closed] = [store.watch(), store.watch()]
  for (let i = 0; i < 1001; i++) await store.set(`k${i}`, 1)
  await take(left, 2)
  await take(closed, 2)
  await left.return()
  expect(ended).toEqual(['listing'])
  await store.close()
  expect(ended).toEqual(['listing', 'listing', 'storage'])
})

test('watch: a store that closes while keys are listed anew ends it without an error', async () => {
  const store = await open()
  const changes = store.watch()
  for (let i = 0; i < 1001; i++) await store.set(`k${i}`, 1)
  await take(changes, 2)
  await store.close()
  expect(await changes.next()).toEqual({ done: true, value: undefined })
})

test('watch: what a listing is about to show is not told as well', async () => {
  const watch = new Watch(async function* () {
    yield 'a'
  })
  watch.push({ kind: 'unknown' })
  watch.push({ kind: 'set', key: 'a' })
  expect(await take(watch, 2)).toEqual(['clear', 'set a'])
  watch.push({ kind: 'set', key: 'b' })
  expect(await take(watch, 1)).toEqual(['set b'])
})

test('watch: a key that is listed as it ends is not told', async () => {
  const { promise, resolve } = Promise.withResolvers<IteratorResult<string, void>>()
  const watch = new Watch(() => ({ next: () => promise }))
  watch.push({ kind: 'unknown' })
  expect(await take(watch, 1)).toEqual(['clear'])
  const next = watch.next()
  // Not before it waits for the listing.
  await new Promise(setImmediate)
  await watch.return()
  resolve({ done: false, value: 'a' })
  expect(await next).toEqual({ done: true, value: undefined })
})

test('watch: reads that were made together are answered in order, each with a change of its own', async () => {
  const store = await open()
  const changes = store.watch()
  const reads = [changes.next(), changes.next(), changes.next()]
  await store.set('a', 1)
  await store.set('b', 1)
  await changes.return()
  const results = await Promise.all(reads)
  expect(results.map(({ value }) => value?.key)).toEqual(['a', 'b', undefined])
  expect(results[2]?.done).toBe(true)
})

test('watch: a mixin watches its own store, and not before it is open', async () => {
  class Plugin extends StoreMixin()(Object) {}
  const plugin = new Plugin()
  expect(() => plugin.watch()).toThrow(expect.objectContaining({ code: 'STORE_NOT_OPEN' }))
  await plugin.openStorage(new StorageRuntime(new MemoryStoragePlugin()), 'ns')
  const changes = plugin.watch()
  await plugin.set('a', 1)
  expect(await take(changes, 1)).toEqual(['set a'])
})

class Telling extends MemoryStoragePlugin {
  host: StorageHost | undefined

  override open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    this.host = host
    return super.open(namespace)
  }
}

test('onEvent: it gets what a storage tells, with the namespace; the storage gets the clock', async () => {
  const plugin = new Telling()
  const events: RuntimeEvent[] = []
  const runtime = new StorageRuntime(plugin, {
    now: () => 42,
    onEvent: (event) => events.push(event),
  })
  await runtime.open('ns')
  plugin.host?.emit('data-lost', 'it burned')
  await vi.waitFor(() =>
    expect(events).toEqual([{ type: 'data-lost', namespace: 'ns', reason: 'it burned' }]),
  )
  expect(plugin.host?.now()).toBe(42)
})

test('onEvent: a storage is not disturbed by what it throws, nor where nobody listens', async () => {
  const uncaught: unknown[] = []
  const listen = (error: unknown): void => void uncaught.push(error)
  const before = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', listen)
  try {
    const plugin = new Telling()
    const oops = new Error('oops')
    const options = {
      onEvent: () => {
        throw oops
      },
    }
    await new StorageRuntime(plugin, options).open('ns')
    expect(() => plugin.host?.emit('blocked', 'a tab')).not.toThrow()
    await vi.waitFor(() => expect(uncaught).toEqual([oops]))
    await new StorageRuntime(plugin).open('ns')
    expect(() => plugin.host?.emit('blocked', 'a tab')).not.toThrow()
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const listener of before) process.on('unhandledRejection', listener)
  }
})
