import { createElement as h, Profiler, type ReactNode, StrictMode, useEffect } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { IndexedDBStoragePlugin } from 'botshelf/indexeddb'
import { StorageRuntime, type Store, StoreMixin } from 'botshelf'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { useStore } from './recipes/use-store.ts'
import { VisitList } from './recipes/visit-list.ts'

type Visits = Store<Record<string, number>>

const uncaught: string[] = []
const onUncaught = (event: ErrorEvent | PromiseRejectionEvent): void => {
  event.preventDefault()
  uncaught.push(String('reason' in event ? event.reason : event.message))
}

let database: string
let plugin: CountingPlugin
let runtime: StorageRuntime
let visits: Visits
let container: HTMLElement
let root: Root
let commits: number

/** Counts the watches of its storages that have not been stopped. */
class CountingPlugin extends IndexedDBStoragePlugin {
  watches = 0

  override async open(
    ...args: Parameters<IndexedDBStoragePlugin['open']>
  ): ReturnType<IndexedDBStoragePlugin['open']> {
    const storage = await super.open(...args)
    const watch = storage.watch?.bind(storage)
    storage.watch = (listener) => {
      const stop = watch?.(listener)
      this.watches++
      return () => {
        this.watches--
        stop?.()
      }
    }
    return storage
  }
}

/** Opens the same namespace as another tab does: by a plugin of its own. */
async function openInOtherTab(): Promise<Visits> {
  const other = new StorageRuntime(new IndexedDBStoragePlugin({ STORAGE_CONFIG: { database } }))
  onTestFinished(() => other.close())
  return other.open('visits')
}

beforeEach(async ({ task }) => {
  uncaught.length = 0
  addEventListener('error', onUncaught)
  addEventListener('unhandledrejection', onUncaught)
  database = `live-react-${task.id}`
  plugin = new CountingPlugin({ STORAGE_CONFIG: { database } })
  runtime = new StorageRuntime(plugin)
  visits = await runtime.open('visits')
  container = document.body.appendChild(document.createElement('main'))
  commits = 0
})

afterEach(async () => {
  root.unmount()
  await runtime.close()
  container.remove()
  // Rejections are reported after the microtasks of a task.
  await new Promise((resolve) => setTimeout(resolve, 50))
  removeEventListener('error', onUncaught)
  removeEventListener('unhandledrejection', onUncaught)
  expect(uncaught).toEqual([])
})

function render(): void {
  root = createRoot(container)
  const list = h(VisitList, { store: visits })
  root.render(h(StrictMode, null, h(Profiler, { id: 'list', onRender: () => commits++ }, list)))
}

async function shows(...lines: readonly string[]): Promise<void> {
  await vi.waitFor(
    () =>
      expect(Array.from(container.querySelectorAll('li'), (item) => item.textContent)).toEqual(
        lines,
      ),
    5000,
  )
}

test('a list in StrictMode shows each entry once, and follows another tab', async () => {
  await visits.setMany({ home: 1, about: 2 })
  render()
  await shows('about: 2', 'home: 1')
  expect(plugin.watches).toBe(1)
  const other = await openInOtherTab()
  await other.increment('home')
  await other.set('contact', 1, { ttl: 1000 })
  await shows('about: 2', 'contact: 1', 'home: 2')
  await shows('about: 2', 'home: 2')
})

test.each([
  { writer: 'another tab', order: 'at once' },
  { writer: 'another tab', order: 'one after another' },
  { writer: 'the same store', order: 'at once' },
  { writer: 'the same store', order: 'one after another' },
])(
  '300 writes of $writer, $order, give at most 20 commits a second and two more',
  async ({ writer, order }) => {
    render()
    await vi.waitFor(() => expect(container.querySelector('ul')).not.toBeNull())
    const store = writer === 'another tab' ? await openInOtherTab() : visits
    const keys = Array.from({ length: 300 }, (_, i) => `k${i + 100}`)
    const before = commits
    const start = performance.now()
    if (order === 'at once') await Promise.all(keys.map((key) => store.set(key, 1)))
    else for (const key of keys) await store.set(key, 1)
    const seconds = (performance.now() - start) / 1000
    await shows(...keys.map((key) => `${key}: 1`))
    expect(commits - before).toBeLessThanOrEqual(2 + seconds * 20)
  },
)

test('nothing is watched after the list was unmounted, nor does it leave an error', async () => {
  await visits.set('home', 1)
  render()
  await shows('home: 1')
  root.unmount()
  // React removes subscriptions in a task of its own.
  await vi.waitFor(() => expect(plugin.watches).toBe(0))
  await visits.set('home', 2)
})

test('a store that closes before its list is shown, meanwhile or afterwards leaves no uncaught error', async () => {
  await visits.set('home', 1)
  render()
  await vi.waitFor(() => expect(plugin.watches).toBe(1))
  await visits.close()
  root.unmount()
  visits = await runtime.open('visits')
  render()
  await shows('home: 1')
  await visits.close()
  await shows('home: 1')
  root.unmount()
  render()
  await vi.waitFor(() => expect(container.textContent).toMatch(/^The store is closed/))
})

test('a store that a component opens in StrictMode is open once, and closed when the component is gone', async () => {
  const stores = new Set<Visits>()
  function Opener(): ReactNode {
    const { store, error } = useStore<Record<string, number>>(runtime, 'opened')
    if (store !== undefined) stores.add(store)
    return store
      ? h(VisitList, { store })
      : h('p', null, error === undefined ? 'opening' : 'failed')
  }
  root = createRoot(container)
  root.render(h(StrictMode, null, h(Opener)))
  await vi.waitFor(() => expect(container.querySelector('ul')).not.toBeNull())
  expect([...stores].filter(({ isOpen }) => isOpen)).toHaveLength(1)
  await [...stores].at(-1)?.set('home', 3)
  await shows('home: 3')
  root.unmount()
  await vi.waitFor(() => expect([...stores].some(({ isOpen }) => isOpen)).toBe(false))
})

test('a plugin that a component opens and closes in StrictMode ends as last asked', async () => {
  class Karma extends StoreMixin<Record<string, number>>()(Object) {}
  const karma = new Karma()
  const settled: string[] = []
  const note = (name: string, call: Promise<void>): void => {
    call.then(
      () => settled.push(name),
      (error: unknown) => settled.push(String(error)),
    )
  }
  function Opener(): ReactNode {
    useEffect(() => {
      note('opened', karma.openStorage(runtime, 'opened'))
      return () => note('closed', karma.closeStorage())
    }, [])
    return null
  }
  root = createRoot(container)
  root.render(h(StrictMode, null, h(Opener)))
  await vi.waitFor(() => expect(settled.toSorted()).toEqual(['closed', 'opened', 'opened']))
  expect(karma.isOpenStorage()).toBe(true)
  root.unmount()
  await vi.waitFor(() => expect(karma.isOpenStorage()).toBe(false))
})
