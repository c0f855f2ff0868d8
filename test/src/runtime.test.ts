import process from 'node:process'
import { describe, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type RuntimeEvent,
  type StorageBase,
  type StorageHost,
  StoragePluginBase,
  StorageRuntime,
} from '../../src/index.ts'

/** Gives the test the host that the runtime passed to `open`. */
class HostPlugin extends MemoryStoragePlugin {
  host: StorageHost | undefined

  override open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    this.host = host
    return super.open(namespace)
  }
}

describe('onEvent', () => {
  test('gets the events of a storage with its namespace', async () => {
    const plugin = new HostPlugin()
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
    // The host also offers the runtime's clock.
    expect(plugin.host?.now()).toBe(42)
  })

  test('may throw or be absent: the storage that emits an event sees no error', async () => {
    const uncaught: unknown[] = []
    const onRejection = (error: unknown): void => void uncaught.push(error)
    const before = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', onRejection)
    try {
      const plugin = new HostPlugin()
      const thrown = new Error('oops')
      const options = {
        onEvent: () => {
          throw thrown
        },
      }
      await new StorageRuntime(plugin, options).open('ns')
      expect(() => plugin.host?.emit('blocked', 'a tab')).not.toThrow()
      await vi.waitFor(() => expect(uncaught).toEqual([thrown]))
      await new StorageRuntime(plugin).open('ns')
      expect(() => plugin.host?.emit('blocked', 'a tab')).not.toThrow()
    } finally {
      process.removeAllListeners('unhandledRejection')
      for (const listener of before) process.on('unhandledRejection', listener)
    }
  })
})

/** Memory whose drop() can be delayed, or fail. */
class DropPlugin extends MemoryStoragePlugin {
  readonly log: string[] = []
  onDrop: () => Promise<void> = () => Promise.resolve()

  override async open(namespace: string): Promise<StorageBase> {
    this.log.push('open')
    return super.open(namespace)
  }

  override async drop(namespace: string): Promise<void> {
    this.log.push('drop')
    await this.onDrop()
    this.log.push('dropped')
    return super.drop(namespace)
  }
}

describe('drop()', () => {
  test('opens no storage where the plugin has a drop() of its own, and open() waits for it', async () => {
    const plugin = new DropPlugin()
    const runtime = new StorageRuntime(plugin)
    const { promise, resolve } = Promise.withResolvers<void>()
    plugin.onDrop = () => promise
    const dropping = runtime.drop('ns')
    const opening = runtime.open('ns')
    await new Promise((done) => setTimeout(done, 5))
    expect(plugin.log).toEqual(['drop'])
    resolve()
    await Promise.all([dropping, opening])
    expect(plugin.log).toEqual(['drop', 'dropped', 'open'])
  })

  test('that fails rejects with its cause and the namespace, which can be opened then', async () => {
    const plugin = new DropPlugin()
    const runtime = new StorageRuntime(plugin)
    const store = await runtime.open('ns')
    await store.set('k', 1)
    await store.close()
    const cause = new Error('no disk')
    plugin.onDrop = () => Promise.reject(cause)
    const expected = { code: 'BACKEND_ERROR', namespace: 'ns', cause }
    await expect(runtime.drop('ns')).rejects.toMatchObject(expected)
    expect(await (await runtime.open('ns')).get('k')).toBe(1)
  })

  test('several at once run one after another, and close() waits for them', async () => {
    const plugin = new DropPlugin()
    const runtime = new StorageRuntime(plugin)
    plugin.onDrop = () => new Promise((done) => setTimeout(done, 5))
    await Promise.all([1, 2, 3, 4].map(() => runtime.drop('ns')))
    expect(plugin.log).toEqual([1, 2, 3, 4].flatMap(() => ['drop', 'dropped']))
    const last = runtime.drop('ns')
    await runtime.close()
    expect(plugin.log.at(-1)).toBe('dropped')
    await last
  })

  test('without a drop() of the plugin opens the namespace, clears it and closes it, also if clear() fails', async () => {
    const log: string[] = []
    class DefaultPlugin extends MemoryStoragePlugin {
      override async open(namespace: string): Promise<StorageBase> {
        const storage = await super.open(namespace)
        const close = storage.close.bind(storage)
        storage.clear = () => {
          log.push('clear')
          return Promise.reject(new Error('no disk'))
        }
        storage.close = () => {
          log.push('close')
          return close()
        }
        return storage
      }

      override drop(namespace: string): Promise<void> {
        return StoragePluginBase.prototype.drop.call(this, namespace)
      }
    }
    const runtime = new StorageRuntime(new DefaultPlugin())
    await expect(runtime.drop('ns')).rejects.toMatchObject({ code: 'BACKEND_ERROR' })
    expect(log).toEqual(['clear', 'close'])
  })
})
