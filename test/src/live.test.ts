import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { type StorageBase, StorageRuntime, type Store, StoreMixin } from '../../src/index.ts'
import { live, type LiveSnapshot, type LiveView } from '../../src/live.ts'
import { MinimalStoragePlugin } from '../support/minimal-plugin.ts'

afterEach(() => {
  vi.useRealTimers()
})

async function openStore(): Promise<Store> {
  return new StorageRuntime(new MemoryStoragePlugin()).open('ns')
}

/** Subscribes until the test ends. Returns the snapshots that the listener receives. */
function record(view: LiveView): LiveSnapshot[] {
  const snapshots: LiveSnapshot[] = []
  onTestFinished(view.subscribe((snapshot) => snapshots.push(snapshot)))
  return snapshots
}

async function shows(view: LiveView, entries: readonly unknown[]): Promise<void> {
  await vi.waitFor(() =>
    expect(view.getSnapshot()).toEqual({ entries, isLoaded: true, error: undefined }),
  )
}

/** Counts the watches of a storage that have not been stopped. */
class CountingPlugin extends MemoryStoragePlugin {
  watches = 0

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const watch = storage.watch?.bind(storage)
    storage.watch = (listener) => {
      const stop = watch?.(listener)
      this.watches++
      return () => {
        stop?.()
        this.watches--
      }
    }
    return storage
  }
}

describe('a snapshot of live()', () => {
  test('has the entries with the prefix in ascending order of their keys', async () => {
    const store = await openStore()
    await store.setMany({ 'a/2': 2, 'a/1': 1, b: 3 })
    const view = live(store, { prefix: 'a/' })
    expect(view.getSnapshot()).toEqual({ entries: [], isLoaded: false, error: undefined })
    const snapshots = record(view)
    expect(snapshots).toEqual([view.getSnapshot()])
    await shows(view, [
      ['a/1', 1],
      ['a/2', 2],
    ])
    await store.setMany({ 'a/0': 0, c: 1 })
    await store.delete('a/2')
    await shows(view, [
      ['a/0', 0],
      ['a/1', 1],
    ])
    await store.clear()
    await shows(view, [])
    expect(snapshots.at(-1)).toBe(view.getSnapshot())
  })

  test('is loaded also when there is no entry', async () => {
    const view = live(await openStore())
    record(view)
    await shows(view, [])
  })

  test('stays the same object, as does each entry, until it changes', async () => {
    const store = await openStore()
    await store.setMany({ a: [1], b: [1] })
    const view = live(store)
    record(view)
    await vi.waitFor(() => expect(view.getSnapshot().isLoaded).toBe(true))
    const before = view.getSnapshot()
    await store.delete('missing')
    await sleep(60)
    expect(view.getSnapshot()).toBe(before)
    await store.set('b', [2])
    await shows(view, [
      ['a', [1]],
      ['b', [2]],
    ])
    expect(view.getSnapshot().entries[0]).toBe(before.entries[0])
    expect(view.getSnapshot().entries[1]).not.toBe(before.entries[1])
    expect(before.entries[1]).toEqual(['b', [1]])
  })

  test('has the types of the store', async () => {
    const store = await new StorageRuntime(new MemoryStoragePlugin()).open<{ a: number }>('ns')
    const view = live(store)
    expectTypeOf(view.getSnapshot().entries).toEqualTypeOf<
      readonly (readonly [key: 'a', value: number])[]
    >()
    class Plugin extends StoreMixin<{ a: number }>()(Object) {}
    expectTypeOf(live(new Plugin())).toEqualTypeOf<typeof view>()
  })
})

describe('notifications of live()', () => {
  test('are one for 300 changes of one tick', async () => {
    const store = await openStore()
    const view = live(store)
    const snapshots = record(view)
    await shows(view, [])
    await Promise.all(Array.from({ length: 300 }, (_, i) => store.set(`k${i}`, i)))
    await vi.waitFor(() => expect(view.getSnapshot().entries).toHaveLength(300))
    expect(snapshots.map(({ entries }) => entries.length)).toEqual([0, 0, 300])
  })

  test('are at most 20 a second for changes that follow each other, and do not wait for their end', async () => {
    const store = await openStore()
    const view = live(store)
    const snapshots = record(view)
    await shows(view, [])
    const start = performance.now()
    for (let i = 0; i < 300; i++) {
      await store.set(`k${i}`, i)
      await sleep(1)
    }
    await vi.waitFor(() => expect(view.getSnapshot().entries).toHaveLength(300))
    // At most one each 50 ms, and the first two are from before.
    expect(snapshots.length).toBeLessThanOrEqual(3 + (performance.now() - start) / 50)
    expect(snapshots.length).toBeGreaterThan(4)
  })

  test('reach the other listeners when one throws', async () => {
    const uncaught: unknown[] = []
    const onUncaught = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    const store = await openStore()
    const view = live(store)
    const fail = new Error('The listener failed.')
    onTestFinished(
      view.subscribe(({ isLoaded }) => {
        if (isLoaded) throw fail
      }),
    )
    const snapshots = record(view)
    await vi.waitFor(() => expect(snapshots).toHaveLength(2))
    await sleep(0)
    process.removeAllListeners('uncaughtException')
    for (const listener of onUncaught) process.on('uncaughtException', listener)
    expect(uncaught).toEqual([fail])
  })

  test('do not reach a listener that another one has unsubscribed', async () => {
    const view = live(await openStore())
    const listener = vi.fn<() => void>()
    view.subscribe(({ isLoaded }) => {
      if (isLoaded) stop()
    })
    const stop = view.subscribe(listener)
    await shows(view, [])
    await sleep(10)
    expect(listener).toHaveBeenCalledTimes(1)
  })

  test('reach a function twice that is subscribed twice, until it is unsubscribed', async () => {
    const store = await openStore()
    const view = live(store)
    const listener = vi.fn<(snapshot: LiveSnapshot) => void>()
    const [stop, stopOther] = [view.subscribe(listener), view.subscribe(listener)]
    await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(4))
    stop()
    stop()
    await store.set('a', 1)
    await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(5))
    stopOther()
    await store.set('b', 1)
    await sleep(60)
    expect(listener).toHaveBeenCalledTimes(5)
  })
})

describe('a view of live()', () => {
  test('watches while it has listeners, and keeps its snapshot then', async () => {
    const plugin = new CountingPlugin()
    const store = await new StorageRuntime(plugin).open('ns')
    await store.set('a', 1)
    const view = live(store)
    expect(plugin.watches).toBe(0)
    const stops = [view.subscribe(() => {}), view.subscribe(() => {})]
    expect(plugin.watches).toBe(1)
    await shows(view, [['a', 1]])
    for (const stop of stops) stop()
    expect(plugin.watches).toBe(0)
    await store.set('a', 2)
    await store.delete('b')
    await sleep(60)
    await shows(view, [['a', 1]])
    const snapshots = record(view)
    expect(snapshots[0]?.entries).toEqual([['a', 1]])
    await shows(view, [['a', 2]])
    expect(plugin.watches).toBe(1)
  })

  test('that is subscribed to, left and subscribed to again shows each entry once', async () => {
    const plugin = new CountingPlugin()
    const store = await new StorageRuntime(plugin).open('ns')
    await store.setMany({ a: 1, b: 1 })
    const view = live(store)
    view.subscribe(() => {})()
    const snapshots = record(view)
    expect(plugin.watches).toBe(1)
    await vi.waitFor(() => expect(snapshots.map(({ entries }) => entries.length)).toEqual([0, 2]))
  })

  test('keeps its snapshot when the store closes, and has the error when it starts after that', async () => {
    const store = await openStore()
    await store.set('a', 1)
    const view = live(store)
    const snapshots = record(view)
    const stop = view.subscribe(() => {})
    await shows(view, [['a', 1]])
    await store.close()
    await sleep(10)
    await shows(view, [['a', 1]])
    stop()
    expect(snapshots).toHaveLength(2)
    const late = live(store)
    record(late)
    await vi.waitFor(() => expect(late.getSnapshot().error?.code).toBe('STORE_NOT_OPEN'))
  })

  test('of a store that closes at once gives no unhandled rejection', async () => {
    const store = await openStore()
    await store.set('a', 1)
    const view = live(store)
    record(view)
    await store.close()
    await sleep(10)
    expect(view.getSnapshot()).toEqual({ entries: [], isLoaded: false, error: undefined })
  })

  test('of a mixin follows its store', async () => {
    class Plugin extends StoreMixin()(Object) {}
    const plugin = new Plugin()
    await plugin.openStorage(new StorageRuntime(new MemoryStoragePlugin()), 'ns')
    await plugin.set('a', 1)
    const view = live(plugin)
    record(view)
    await shows(view, [['a', 1]])
  })
})

describe('an error of live()', () => {
  test('is in the snapshot and reaches the listeners, where the backend cannot watch', async () => {
    const store = await new StorageRuntime(new MinimalStoragePlugin({})).open('ns')
    const view = live(store)
    const snapshots = record(view)
    await vi.waitFor(() => expect(snapshots.at(-1)?.error?.code).toBe('UNAVAILABLE'))
    expect(snapshots.at(-1)).toEqual(expect.objectContaining({ entries: [], isLoaded: false }))
  })

  test('of a read is in the snapshot beside the last entries, until the view starts again', async () => {
    const plugin = new MemoryStoragePlugin()
    const storage = await plugin.open('ns')
    const getMany = storage.getMany.bind(storage)
    let isFaulty = false
    storage.getMany = (keys) => (isFaulty ? Promise.reject(new Error('no read')) : getMany(keys))
    plugin.open = async () => storage
    const store = await new StorageRuntime(plugin).open('ns')
    await store.set('a', 1)
    const view = live(store)
    const stop = view.subscribe(() => {})
    await shows(view, [['a', 1]])
    isFaulty = true
    await store.set('b', 1)
    await vi.waitFor(() =>
      expect(view.getSnapshot()).toEqual({
        entries: [['a', 1]],
        isLoaded: true,
        error: expect.objectContaining({ code: 'BACKEND_ERROR', namespace: 'ns' }),
      }),
    )
    stop()
    isFaulty = false
    record(view)
    await shows(view, [
      ['a', 1],
      ['b', 1],
    ])
  })

  test('of an option is thrown by live() itself', async () => {
    const store = await openStore()
    expect(() => live(store, { limit: 1 } as object)).toThrow(
      expect.objectContaining({ code: 'INVALID_VALUE' }),
    )
  })
})

describe('expiry in live()', () => {
  test('removes each entry when it expires, by the clock of the runtime', async () => {
    const offset = 1_000_000
    const now = (): number => Date.now() - offset
    const store = await new StorageRuntime(new MemoryStoragePlugin(), { now }).open('ns')
    await store.set('a', 1)
    await store.set('b', 1, { ttl: 80 })
    await store.set('c', 1, { ttl: 160 })
    const view = live(store)
    const snapshots = record(view)
    await shows(view, [['a', 1]])
    const keys = snapshots.map(({ entries }) => entries.map(([key]) => key).join(''))
    expect(keys).toEqual(['', 'abc', 'ac', 'a'])
  })

  test('notifies at most 20 times a second of entries that expire one after another', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    const store = await openStore()
    await store.setMany(
      Array.from({ length: 500 }, (_, i) => [`k${i}`, i, { ttl: 100 + i }] as const),
    )
    const snapshots = record(live(store))
    await vi.advanceTimersByTimeAsync(700)
    expect(snapshots.at(-1)?.entries).toEqual([])
    expect(snapshots.length).toBeLessThanOrEqual(14)
  })

  test('waits for an expiry that is further away than setTimeout can wait', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    const store = await openStore()
    const month = 30 * 86_400_000
    await store.set('a', 1, { ttl: month })
    const view = live(store)
    const snapshots = record(view)
    await vi.advanceTimersByTimeAsync(1)
    expect(view.getSnapshot().entries).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(month - 10)
    expect(snapshots).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(20)
    expect(view.getSnapshot().entries).toEqual([])
  })

  test('leaves no timer when the store closes or the last listener leaves', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const store = await openStore()
    await store.set('a', 1, { ttl: 60_000 })
    // Memory has a timer of its own, to free what expires.
    const others = vi.getTimerCount()
    const stop = live(store).subscribe(() => {})
    live(store).subscribe(() => {})
    await vi.advanceTimersByTimeAsync(1)
    expect(vi.getTimerCount()).toBe(others + 2)
    stop()
    await vi.advanceTimersByTimeAsync(1)
    expect(vi.getTimerCount()).toBe(others + 1)
    await store.close()
    expect(vi.getTimerCount()).toBe(others)
  })

  test('does not keep a Node process alive, but a notification that is due does', async () => {
    const store = await openStore()
    await store.set('a', 1, { ttl: 60_000 })
    const timers = vi.spyOn(globalThis, 'setTimeout')
    onTestFinished(() => timers.mockRestore())
    const view = live(store)
    record(view)
    while (!view.getSnapshot().isLoaded) await new Promise(setImmediate)
    const refs = timers.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())
    expect(refs.at(-1)).toBe(false)
    expect(refs.slice(0, -1)).not.toContain(false)
  })
})
