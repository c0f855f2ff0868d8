import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { type KeysOptions, type StorageBase, StorageRuntime, type Store } from '../../src/index.ts'
import { live, type LiveSnapshot, type LiveView } from '../../src/live.ts'

/** Memory whose reads take time, as those of a real backend. */
class SlowPlugin extends MemoryStoragePlugin {
  /** The time that a read takes, in milliseconds. */
  readMs = 5

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const getMany = storage.getMany.bind(storage)
    const delay = (): Promise<void> => sleep(this.readMs)
    storage.getMany = async (keys) => {
      await delay()
      return getMany(keys)
    }
    const entries = storage.entries.bind(storage)
    storage.entries = async function* (options?: KeysOptions) {
      let count = 0
      for await (const item of entries(options)) {
        if (count++ % 200 === 0) await delay()
        yield item
      }
    }
    return storage
  }
}

async function openStore(): Promise<Store> {
  return new StorageRuntime(new SlowPlugin()).open('ns')
}

function createEntries(count: number, value: unknown): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value]))
}

function record(view: LiveView): LiveSnapshot[] {
  const snapshots: LiveSnapshot[] = []
  onTestFinished(view.subscribe((snapshot) => snapshots.push(snapshot)))
  return snapshots
}

async function isLoaded(view: LiveView): Promise<void> {
  await vi.waitFor(() => expect(view.getSnapshot().isLoaded).toBe(true))
}

test('live() never shows a part of a listing', async () => {
  const store = await openStore()
  await store.setMany(createEntries(1500, 1))
  const view = live(store)
  const snapshots = record(view)
  await isLoaded(view)
  // More than 1,000 changes at once make the watch list all keys again.
  await store.setMany(createEntries(1500, 2))
  await vi.waitFor(() => expect(view.getSnapshot().entries[0]?.[1]).toBe(2))
  expect(snapshots.map(({ entries }) => entries.length)).toEqual([0, 1500, 1500])
})

test('live() notifies once of 300 changes, though it reads their values by several calls', async () => {
  const store = await openStore()
  const view = live(store)
  const snapshots = record(view)
  await isLoaded(view)
  await store.setMany(createEntries(300, 1))
  await vi.waitFor(() => expect(view.getSnapshot().entries).toHaveLength(300))
  expect(snapshots.map(({ entries }) => entries.length)).toEqual([0, 0, 300])
})

test('live() shows changes that come faster than it reads their values', async () => {
  const store = await openStore()
  const view = live(store)
  record(view)
  await isLoaded(view)
  const controller = new AbortController()
  const writing = (async () => {
    for (let i = 0; !controller.signal.aborted; i++) {
      await store.set(`k${i % 10}`, i)
      await sleep(1)
    }
  })()
  await vi.waitFor(() => expect(view.getSnapshot().entries).toHaveLength(10), 2000)
  controller.abort()
  await writing
})

test('live() publishes nothing after its last listener left during a read', async () => {
  const plugin = new SlowPlugin()
  const store = await new StorageRuntime(plugin).open('ns')
  const view = live(store)
  const stop = view.subscribe(() => {})
  await isLoaded(view)
  const before = view.getSnapshot()
  await store.setMany(createEntries(200, 1))
  // The first of two reads begins. After it, a timer waits for the second.
  await sleep(2)
  plugin.readMs = 200
  await sleep(30)
  stop()
  await sleep(100)
  expect(view.getSnapshot()).toBe(before)
})
