import type { BotConfig } from '../src/config.ts'
import { StoreError } from '../src/errors.ts'
import { escapeSeparators } from '../src/key.ts'
import type { Manifest } from '../src/registry.ts'
import { type StorageBase, type StorageHost, StoragePluginBase } from '../src/storage.ts'
import { Connection } from './indexeddb/connection.ts'
import { fromOpenError } from './indexeddb/errors.ts'
import { IndexedDBStorage } from './indexeddb/indexeddb-storage.ts'

export const indexeddb: Manifest = {
  name: 'IndexedDB',
  description: 'The browser: shared by the tabs and workers of an origin, atomic across them.',
  config: {
    database: {
      type: 'string',
      default: 'botshelf',
      doc: "what the names of the bot's databases begin with",
    },
    durability: {
      type: 'string',
      default: 'strict',
      oneOf: ['strict', 'relaxed'],
      doc: 'strict: a write that resolved is on disk; relaxed: a power cut may lose the last ones',
    },
    openTimeout: {
      type: 'number',
      default: 10_000,
      doc: 'how long opening may wait for another tab, in milliseconds',
    },
  },
  load: () => IndexedDBStoragePlugin,
}

const LONGEST_TIMEOUT = 2 ** 31 - 1

/**
 * A namespace is a database `<database>/<namespace>` of the origin, for pages and workers alike.
 * Atomic across them; a write resolves when its transaction has completed, by default on disk.
 * Keys and values have no limit but the browser's quota.
 */
export class IndexedDBStoragePlugin extends StoragePluginBase {
  readonly #prefix: string
  readonly #durability: 'strict' | 'relaxed'
  readonly #openTimeout: number

  /** @throws StoreError `CONFIG_INVALID` */
  constructor(config?: BotConfig | null) {
    super(config, indexeddb.config)
    this.#prefix = `${escapeSeparators(this.storageConfig['database'] as string)}/`
    this.#durability = this.storageConfig['durability'] as 'strict' | 'relaxed'
    this.#openTimeout = this.storageConfig['openTimeout'] as number
    if (!(this.#openTimeout > 0 && this.#openTimeout <= LONGEST_TIMEOUT)) {
      throw new StoreError(
        'CONFIG_INVALID',
        `STORAGE_CONFIG.openTimeout must be a number of milliseconds from 1 to ${LONGEST_TIMEOUT}; it is ${this.#openTimeout}.`,
      )
    }
  }

  /**
   * @throws StoreError `UNAVAILABLE` where the browser denies a page its storage, `BLOCKED`,
   * `VERSION_MISMATCH`, `QUOTA_EXCEEDED`, `CORRUPT`
   */
  async open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    const connection = new Connection({
      name: this.#prefix + namespace,
      openTimeout: this.#openTimeout,
      tell: (type, reason) => host?.emit(type, reason),
    })
    await connection.open()
    try {
      return new IndexedDBStorage(connection, {
        durability: this.#durability,
        now: host && (() => host.now()),
      })
    } catch (error) {
      // There is nobody else who would close it.
      await connection.close()
      throw fromOpenError(error)
    }
  }

  /**
   * The namespaces that were ever opened.
   *
   * @throws StoreError `UNAVAILABLE` where the browser cannot list its databases
   */
  override async *namespaces(): AsyncIterable<string> {
    let databases: IDBDatabaseInfo[]
    try {
      databases = await indexedDB.databases()
    } catch (error) {
      throw fromOpenError(error)
    }
    for (const { name } of databases) {
      if (name?.startsWith(this.#prefix)) yield name.slice(this.#prefix.length)
    }
  }
}

/**
 * Asks the browser to keep the origin's data when disk space runs out, and resolves to whether it
 * does. Some browsers ask the person; call it where he expects that. A worker cannot ask: there it
 * resolves to whether a page has.
 */
export async function persist(): Promise<boolean> {
  const manager = globalThis.navigator?.storage
  try {
    return (await (manager?.persist?.() ?? manager?.persisted?.())) ?? false
  } catch {
    // An origin that may store nothing keeps nothing.
    return false
  }
}
