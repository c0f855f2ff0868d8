import { createElement as h, StrictMode, useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import { StorageRuntime, StoreMixin } from 'botshelf'
import { IndexedDBStoragePlugin } from 'botshelf/indexeddb'
import { expect, onTestFinished, test, vi } from 'vitest'

class Bot extends StoreMixin<Record<string, number>>()(Object) {}

/** Counts the namespaces that are open. */
class CountingPlugin extends IndexedDBStoragePlugin {
  openCount = 0

  override async open(
    ...args: Parameters<IndexedDBStoragePlugin['open']>
  ): ReturnType<IndexedDBStoragePlugin['open']> {
    const storage = await super.open(...args)
    this.openCount++
    const close = storage.close.bind(storage)
    storage.close = async () => {
      this.openCount--
      await close()
    }
    return storage
  }
}

/** Renders an effect under StrictMode, which runs it, cleans it up and runs it again at once. */
function renderEffect(effect: () => () => void): () => void {
  const root = createRoot(document.body.appendChild(document.createElement('main')))
  function Effect(): null {
    useEffect(effect, [])
    return null
  }
  root.render(h(StrictMode, null, h(Effect)))
  return () => root.unmount()
}

function collectUncaught(): string[] {
  const uncaught: string[] = []
  const onUncaught = (event: PromiseRejectionEvent): void => {
    event.preventDefault()
    uncaught.push(String(event.reason))
  }
  addEventListener('unhandledrejection', onUncaught)
  onTestFinished(() => removeEventListener('unhandledrejection', onUncaught))
  return uncaught
}

test('an effect that opens and closes a StoreMixin without awaiting leaves it open under StrictMode, and closed after', async ({
  task,
}) => {
  const uncaught = collectUncaught()
  const plugin = new CountingPlugin({ STORAGE_CONFIG: { database: task.id } })
  const runtime = new StorageRuntime(plugin)
  const bot = new Bot()
  const effect = vi.fn(() => {
    void bot.openStorage(runtime, 'visits')
    return () => void bot.closeStorage()
  })
  const unmount = renderEffect(effect)
  await vi.waitFor(() => expect(bot.isOpenStorage()).toBe(true))
  expect(effect).toHaveBeenCalledTimes(2)
  await bot.set('ann', 1)
  await vi.waitFor(() => expect(plugin.openCount).toBe(1))
  unmount()
  await vi.waitFor(() => expect(plugin.openCount).toBe(0))
  expect(bot.isOpenStorage()).toBe(false)
  expect(uncaught).toEqual([])
  await runtime.close()
})

test('an effect that opens a store with a signal leaves one store open under StrictMode, and none after', async ({
  task,
}) => {
  const uncaught = collectUncaught()
  const plugin = new CountingPlugin({ STORAGE_CONFIG: { database: task.id } })
  const runtime = new StorageRuntime(plugin)
  const visits = vi.fn()
  const unmount = renderEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    runtime.open('visits', { signal }).then(visits, () => expect(signal.aborted).toBe(true))
    return () => controller.abort()
  })
  await vi.waitFor(() => expect(visits).toHaveBeenCalledOnce())
  expect(plugin.openCount).toBe(1)
  unmount()
  await vi.waitFor(() => expect(plugin.openCount).toBe(0))
  expect(uncaught).toEqual([])
  await runtime.close()
})
