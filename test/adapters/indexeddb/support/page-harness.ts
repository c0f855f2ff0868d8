// The script of every test page, frame and worker. Tests use its global `harness` in `evaluate()`.
import { indexeddb, IndexedDBStoragePlugin, persist } from '../../../../adapters/indexeddb.ts'
import { memory } from '../../../../adapters/memory.ts'
import {
  type Change,
  isStoreError,
  type StorageBase,
  StorageRuntime,
  type Store,
} from '../../../../src/index.ts'
import * as testing from '../../../../src/testing/index.ts'
import { type IndexedDBRecording, recordIndexedDB } from './indexeddb-recording.ts'
import { PageHistory } from './page-history.ts'
import { type DatabaseContent, rawIndexedDB } from './raw-indexeddb.ts'
import { replaceMethod } from './replace-method.ts'

export interface OpenStoreOptions {
  readonly namespace?: string
  /** `STORAGE_CONFIG` */
  readonly config?: Readonly<Record<string, unknown>>
}

/** The fields of a `StoreError` that tests compare. */
export interface ErrorSummary {
  readonly code: string
  readonly outcome: string
  readonly retryable: boolean
}

class PageHarness {
  /** What `openStore` has opened. */
  runtime!: StorageRuntime
  store!: Store
  /** What `openStorage` has opened. */
  storage!: StorageBase
  readonly IndexedDBStoragePlugin = IndexedDBStoragePlugin
  readonly persist = persist
  readonly rawIndexedDB = rawIndexedDB
  readonly replaceMethod = replaceMethod
  /** `botshelf/testing` */
  readonly testing = testing
  /** The database of the namespace that `openStore` opens by default. */
  readonly databaseName: string = 'botshelf/ns'
  /** The types of the events of all runtimes, in order. */
  readonly events: string[] = []
  /** The changes that watches received, in order: `set a`, `clear`, `end`. */
  readonly changes: string[] = []
  /** Values that one `evaluate()` leaves for a later one. */
  readonly saved: Record<string, unknown> = {}
  recording!: IndexedDBRecording
  /** A fault that one `evaluate()` sets up, and a later one waits for or ends. */
  fault!: testing.IndexedDBFault
  readonly history = new PageHistory((config) => this.startRuntime(config))
  /** How far the clock of the runtimes is ahead. */
  clockOffsetMs = 0

  async startRuntime(config: OpenStoreOptions['config'] = {}): Promise<StorageRuntime> {
    return StorageRuntime.start(
      { STORAGE: 'IndexedDB', STORAGE_CONFIG: { ...config } },
      [indexeddb, memory],
      {
        now: () => Date.now() + this.clockOffsetMs,
        onEvent: ({ type }) => this.events.push(type),
      },
    )
  }

  /** Starts a runtime and opens a namespace. */
  async openStore({ namespace = 'ns', config }: OpenStoreOptions = {}): Promise<void> {
    this.runtime = await this.startRuntime(config)
    this.store = await this.runtime.open(namespace)
  }

  /** Starts a runtime that opens one namespace, and keeps its storage. */
  async openStorage(config: OpenStoreOptions['config'] = {}): Promise<void> {
    const plugin = new IndexedDBStoragePlugin({ STORAGE_CONFIG: { ...config } })
    const open = plugin.open.bind(plugin)
    plugin.open = async (namespace, host) => (this.storage = await open(namespace, host))
    this.runtime = new StorageRuntime(plugin, { onEvent: ({ type }) => this.events.push(type) })
    this.store = await this.runtime.open('ns')
  }

  /** Starts a watch of the store that adds to `changes`. */
  watch(): void {
    const changes = this.store.watch()
    void (async () => {
      for await (const { kind, key } of changes) this.changes.push(`${kind} ${key ?? ''}`.trim())
      this.changes.push('end')
    })()
  }

  /** Starts `recording`. */
  startRecording(): void {
    this.recording = recordIndexedDB()
  }

  /** Resolves to the error of a promise; to `{ resolved }` if it does not reject. */
  async errorOf(promise: Promise<unknown>): Promise<ErrorSummary | { readonly resolved: unknown }> {
    try {
      return { resolved: await promise }
    } catch (error) {
      if (!isStoreError(error)) return { code: String(error), outcome: '', retryable: false }
      const { code, outcome, retryable } = error
      return { code, outcome, retryable }
    }
  }

  /** Bytes that cannot be compressed, so that they count fully against a quota. */
  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let start = 0; start < length; start += 65_536) {
      crypto.getRandomValues(bytes.subarray(start, start + 65_536))
    }
    return bytes
  }

  /** The keys of all entries in the database, expired ones included. */
  async storedKeys(): Promise<IDBValidKey[] | undefined> {
    return rawIndexedDB.readKeys(this.databaseName)
  }

  async databaseContent(): Promise<DatabaseContent | undefined> {
    return rawIndexedDB.readAll(this.databaseName)
  }

  async deleteDatabase(): Promise<{ blocked: boolean }> {
    return rawIndexedDB.delete(this.databaseName)
  }

  /** The identities of databases that are remembered outside IndexedDB. */
  async rememberedIdentities(): Promise<string[]> {
    const marks = await caches.open('botshelf')
    const responses = await marks.matchAll()
    return Promise.all(responses.map((response) => response.text()))
  }

  /** A change for `storage.commit()`. */
  setChange(key: string, value: unknown): Change {
    return { key, entry: { value, version: crypto.randomUUID() }, bytes: 0 }
  }

  /** The keys of the live entries, as the store lists them. */
  async sortedKeys(): Promise<string[]> {
    const keys: string[] = []
    for await (const key of this.store.keys()) keys.push(key)
    return keys.toSorted()
  }
}

declare global {
  var harness: PageHarness
}

globalThis.harness = new PageHarness()

// `Chromium.uncaught` collects these messages, from pages and from workers.
addEventListener('error', ({ message }) => console.error(`uncaught: ${message}`))
addEventListener('unhandledrejection', ({ reason }) => console.error(`uncaught: ${String(reason)}`))
