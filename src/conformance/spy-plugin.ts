import { noop } from '../async.ts'
import type { StorageRuntime } from '../runtime.ts'
import { type StorageBase, type StorageHost, StoragePluginBase } from '../storage.ts'
import type { TestBackend } from './test-backend.ts'

type Hook = () => Promise<void> | void

/** Wraps a plugin to count its calls, and to delay or refuse them. */
class SpyPlugin extends StoragePluginBase {
  readonly #plugin: StoragePluginBase
  openCount = 0
  closeCount = 0
  /** The names of methods that were called on a storage after its `close()`. */
  readonly callsAfterClose: string[] = []
  /** Runs before each open, which fails with what the hook throws. */
  onOpen: Hook = noop
  /** Runs before each `commit`, `transact` and `perform`. */
  onCommit: Hook = noop
  onClose: Hook = noop

  constructor(plugin: StoragePluginBase) {
    super({})
    this.#plugin = plugin
  }

  async open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    this.openCount++
    await this.onOpen()
    const storage = await this.#plugin.open(namespace, host)
    let isClosed = false
    return new Proxy(storage, {
      get: (_, name) => {
        const member: unknown = Reflect.get(storage, name)
        if (typeof member !== 'function') return member
        return (...args: unknown[]): unknown => {
          if (isClosed) this.callsAfterClose.push(String(name))
          const call = (): unknown => Reflect.apply(member, storage, args)
          if (name === 'close') {
            isClosed = true
            this.closeCount++
            return callAfter(this.onClose, call)
          }
          const isWrite = name === 'commit' || name === 'transact' || name === 'perform'
          return isWrite ? callAfter(this.onCommit, call) : call()
        }
      },
    })
  }
}

async function callAfter(hook: Hook, call: () => unknown): Promise<unknown> {
  await hook()
  return call()
}

/** A runtime whose plugin is spied on, and a new namespace. */
export interface SpiedRuntime {
  readonly plugin: SpyPlugin
  readonly runtime: StorageRuntime
  readonly namespace: string
}

/** Creates a runtime over the backend's plugin, and counts what reaches the plugin. */
export function spyOn(backend: TestBackend): SpiedRuntime {
  const plugin = new SpyPlugin(backend.plugin)
  return {
    plugin,
    runtime: backend.createRuntime({ allowLostUpdates: true }, plugin),
    namespace: backend.createNamespace(),
  }
}
