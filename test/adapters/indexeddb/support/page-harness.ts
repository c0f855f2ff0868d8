// What a test can use within a page, a frame or a worker: `shelf`.
import { indexeddb, IndexedDBStoragePlugin, persist } from '../../../../adapters/indexeddb.ts'
import { memory } from '../../../../adapters/memory.ts'
import { type Change, isStoreError, StorageRuntime, type Store } from '../../../../src/index.ts'
import { raw } from './raw-indexeddb.ts'
import { record, type Recording } from './recording.ts'
import { replace } from './replace.ts'

export interface OpenOptions {
  readonly namespace?: string
  /** `STORAGE_CONFIG` */
  readonly config?: Readonly<Record<string, unknown>>
}

export interface Failure {
  readonly code: string
  readonly outcome: string
  readonly retryable: boolean
}

/** The database of the namespace that `open` opens by default. */
const DATABASE = 'botshelf/ns'

class Shelf {
  runtime!: StorageRuntime
  store!: Store
  readonly indexeddb = indexeddb
  readonly IndexedDBStoragePlugin = IndexedDBStoragePlugin
  readonly persist = persist
  readonly raw = raw
  readonly replace = replace
  readonly DATABASE: string = DATABASE
  /** The events of all runtimes, in order. */
  readonly events: string[] = []
  /** What watches told, in order. */
  readonly told: string[] = []
  /** Whatever one step of a test leaves for another. */
  readonly kept: Record<string, unknown> = {}
  recording!: Recording
  /** How far the clock of the runtimes is ahead, in milliseconds. */
  ahead = 0

  async start(config: OpenOptions['config'] = {}): Promise<StorageRuntime> {
    return StorageRuntime.start(
      { STORAGE: 'IndexedDB', STORAGE_CONFIG: { ...config } },
      [indexeddb, memory],
      {
        now: () => Date.now() + this.ahead,
        onEvent: ({ type }) => this.events.push(type),
      },
    )
  }

  /** Starts a runtime and opens a namespace: `runtime` and `store`. */
  async open({ namespace = 'ns', config }: OpenOptions = {}): Promise<void> {
    this.runtime = await this.start(config)
    this.store = await this.runtime.open(namespace)
  }

  /** Collects in `told` what changes from now on. */
  watch(): void {
    const changes = this.store.watch()
    void (async () => {
      for await (const { kind, key } of changes) this.told.push(`${kind} ${key ?? ''}`.trim())
      this.told.push('end')
    })()
  }

  record(): void {
    this.recording = record()
  }

  /** How a promise fails, which has to. */
  async failure(promise: Promise<unknown>): Promise<Failure | { readonly resolved: unknown }> {
    try {
      return { resolved: await promise }
    } catch (error) {
      if (!isStoreError(error)) return { code: String(error), outcome: '', retryable: false }
      const { code, outcome, retryable } = error
      return { code, outcome, retryable }
    }
  }

  /** Bytes that nothing compresses. */
  noise(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 65_536) {
      crypto.getRandomValues(bytes.subarray(at, at + 65_536))
    }
    return bytes
  }

  /** What `storage.commit` takes. */
  change(key: string, value: unknown): Change {
    return { key, entry: { value, version: crypto.randomUUID() }, bytes: 0 }
  }

  async keys(): Promise<string[]> {
    const keys: string[] = []
    for await (const key of this.store.keys()) keys.push(key)
    return keys.toSorted()
  }
}

declare global {
  var shelf: Shelf
}

globalThis.shelf = new Shelf()

// The tests take note of what is said so, in pages as in workers.
addEventListener('error', ({ message }) => console.error(`uncaught: ${message}`))
addEventListener('unhandledrejection', ({ reason }) => console.error(`uncaught: ${String(reason)}`))
