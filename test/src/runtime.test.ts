import process from 'node:process'
import { describe, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type RuntimeEvent,
  type StorageBase,
  type StorageHost,
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
