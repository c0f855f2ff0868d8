import { StorageRuntime } from 'botshelf'
import { live } from 'botshelf/live'
import { MemoryStoragePlugin } from 'botshelf/memory'
import { derived, fromStore, get, type Readable } from 'svelte/store'
import { expect, test, vi } from 'vitest'

test('a view is a store of Svelte: get() and derived() take it', async () => {
  const runtime = new StorageRuntime(new MemoryStoragePlugin())
  const store = await runtime.open<Record<string, number>>('karma')
  await store.setMany({ ben: 1, ann: 3 })
  const view = live(store)
  const readable: Readable<ReturnType<typeof view.getSnapshot>> = view
  expect(get(readable).isLoaded).toBe(false)
  expect(fromStore(readable).current.isLoaded).toBe(false)
  const totals: number[] = []
  const total = derived(readable, ({ entries }) => entries.reduce((sum, [, n]) => sum + n, 0))
  const stop = total.subscribe((value) => totals.push(value))
  await vi.waitFor(() => expect(totals).toEqual([0, 4]))
  await store.increment('ann')
  await vi.waitFor(() => expect(totals).toEqual([0, 4, 5]))
  stop()
  await store.increment('ann')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(totals).toEqual([0, 4, 5])
  expect(get(readable).entries).toEqual([
    ['ann', 4],
    ['ben', 1],
  ])
  await runtime.close()
})
