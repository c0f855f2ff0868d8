// The IndexedDB adapter
//
// A namespace is one database, with two object stores: `entries` has a record for each key, and
// `meta` has the identity of the database. The files in indexeddb/, from the top down:
//
//   indexeddb-storage.ts  the storage of one namespace: puts the parts below together
//   change-broadcast.ts   sends changes to the other tabs and workers of the origin
//   sweeper.ts            deletes expired entries in the background
//   listing.ts            reads keys or entries page by page
//   write-groups.ts       the transaction body that checks conditions and writes groups of changes
//   record.ts             converts an entry to the stored record and back
//   error-encoding.ts     encodes errors in values, for browsers that cannot store them
//   connection.ts         a lasting connection to one database: yields, reconnects, reports loss
//   transaction.ts        runs one transaction, and fails it if its connection is lost
//   open-database.ts      opens a database, within a time limit
//   format.ts             the names in the database, and how a new one is created
//   errors.ts             converts the browser's errors to StoreError
//
// Life of a write:
//
//   1. The queue of the store calls `commit` with groups of changes, or `transact` with keys to read
//      and a function that returns the groups.
//   2. One readwrite transaction reads those keys and the entries that conditions name, writes the
//      groups whose conditions hold, and requests the commit.
//   3. A message announces to the other tabs that something changes.
//   4. The browser reports that the commit is complete; with `strict` durability, that it is on
//      disk. The listeners of this tab are notified, and the promise resolves.
//   5. A moment later a message names the changed keys to the other tabs, which look them up.
//
// If the transaction is aborted, nothing of it is stored; if one group may be the cause, each is
// retried alone. If the connection was lost, the write is retried once; but if the commit had been
// requested, the outcome is `unknown`.
//
// Life of a connection:
//
//   1. Opening a namespace opens it, and creates the database if there is none.
//   2. It yields when another page deletes or upgrades the database: it closes at once, since the
//      other page waits for that. The next call reconnects.
//   3. When the browser closes it, because the user cleared the site's data for example, the calls
//      under way fail with CONNECTION_LOST. It reconnects within a second, or with the next call.
//   4. After each opening it compares the random identity in the database with the last one known.
//      If they differ, the database was deleted and created again: it emits `data-lost`.

import type { BotConfig } from '../src/config.ts'
import { StoreError } from '../src/errors.ts'
import { escapeSeparators } from '../src/key.ts'
import type { Manifest } from '../src/registry.ts'
import { type StorageBase, type StorageHost, StoragePluginBase } from '../src/storage.ts'
import { Connection } from './indexeddb/connection.ts'
import { fromOpenError } from './indexeddb/errors.ts'
import { IndexedDBStorage } from './indexeddb/indexeddb-storage.ts'

/**
 * The manifest of the IndexedDB backend, for pages and web workers. Its `STORAGE_CONFIG`:
 *
 * - `database`: the prefix of the names of its databases; default `botshelf`
 * - `durability`: `strict` (the default) resolves a write when it is on disk; `relaxed` resolves it
 *   earlier, and a power cut may lose the last writes
 * - `openTimeout`: how long opening may take, from 1 to 2147483647 ms; default 10,000
 *
 * @example
 * const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'my-bot' } }
 * const runtime = await StorageRuntime.start(config, [indexeddb])
 */
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

/** The longest time that `setTimeout` can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/**
 * Opens namespaces in IndexedDB: each is a database `<database>/<namespace>` of the origin. Atomic
 * across all tabs and workers of the origin. A write resolves when its transaction has completed.
 * Keys and values have no limit but the browser's quota.
 *
 * @example
 * const plugin = new IndexedDBStoragePlugin({ STORAGE_CONFIG: { durability: 'relaxed' } })
 * await using runtime = new StorageRuntime(plugin)
 */
export class IndexedDBStoragePlugin extends StoragePluginBase {
  readonly #prefix: string
  readonly #durability: 'strict' | 'relaxed'
  readonly #openTimeoutMs: number

  /**
   * Reads the settings that {@link indexeddb} describes.
   *
   * @throws StoreError `CONFIG_INVALID`
   */
  constructor(config?: BotConfig | null) {
    super(config, indexeddb.config)
    this.#prefix = `${escapeSeparators(this.storageConfig['database'] as string)}/`
    this.#durability = this.storageConfig['durability'] as 'strict' | 'relaxed'
    this.#openTimeoutMs = this.storageConfig['openTimeout'] as number
    if (!(this.#openTimeoutMs > 0 && this.#openTimeoutMs <= MAX_TIMEOUT_MS)) {
      throw new StoreError(
        'CONFIG_INVALID',
        `STORAGE_CONFIG.openTimeout must be between 1 and ${MAX_TIMEOUT_MS} ms; received ${this.#openTimeoutMs}.`,
      )
    }
  }

  /**
   * Opens a namespace, and creates its database if there is none. `host` is notified of
   * `data-lost`, `blocked` and `reopened`.
   *
   * @throws StoreError `UNAVAILABLE` if there is no IndexedDB or the browser denies access to it,
   * `BLOCKED` if it is not open after `openTimeout`, `VERSION_MISMATCH` if a later version of
   * botshelf upgraded the database, `QUOTA_EXCEEDED` if there is no room for a new one, `CORRUPT` if
   * the browser cannot read it or other software created it
   */
  async open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    const connection = new Connection({
      name: this.#prefix + namespace,
      openTimeoutMs: this.#openTimeoutMs,
      emit: (type, reason) => host?.emit(type, reason),
    })
    await connection.open()
    try {
      return new IndexedDBStorage(connection, {
        durability: this.#durability,
        now: host && (() => host.now()),
      })
    } catch (error) {
      // The caller gets no storage that it could close.
      await connection.close()
      throw fromOpenError(error)
    }
  }

  /**
   * Lists the namespaces that have a database, also empty ones. Firefox supports it from 126 on.
   *
   * @throws StoreError `UNAVAILABLE` if the browser cannot list its databases
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
 * Asks the browser not to delete the origin's data when disk space runs low, and resolves to its
 * answer; it never rejects. Some browsers ask the user, so call it where the user expects a
 * question. In a worker, which cannot ask, it resolves to whether a page was granted it.
 *
 * @example
 * button.addEventListener('click', async () => {
 *   if (!(await persist())) showBackupHint()
 * })
 */
export async function persist(): Promise<boolean> {
  const manager = globalThis.navigator?.storage
  try {
    return (await (manager?.persist?.() ?? manager?.persisted?.())) ?? false
  } catch {
    // An origin that may not store anything, a sandboxed frame for example.
    return false
  }
}
