// The IndexedDB adapter
//
// A namespace is one database, with two object stores: `entries` has a record for each key, and
// `meta` has the identity of the database and the time of the last sync. In these files, a *tab* is
// any page or worker of the origin. The files in indexeddb/, from the top down:
//
//   indexeddb-storage.ts  the storage of one namespace: combines the parts below
//   change-broadcast.ts   sends changes to other tabs, and receives theirs
//   lock-turns.ts         orders the tabs that change the same keys, by Web Locks
//   contention.ts         announces to other tabs on which keys this tab has or awaits turns
//   platform.ts           what pages, workers and Node differ in: channels, visibility, page events
//   sweeper.ts            deletes expired entries in the background
//   listing.ts            lists keys or entries page by page
//   read-entry-page.ts    reads a page of entries, up to a record that cannot be read
//   page-body.ts          the transaction bodies that read one page, from either end of a range
//   key-range.ts          the range of the keys that a listing selects
//   write-body.ts         the transaction bodies that write groups of changes or clear a prefix
//   record.ts             converts an entry to the stored record and back
//   error-encoding.ts     encodes errors in values, for browsers that cannot store them
//   connection.ts         a connection that reopens itself and reports data loss
//   transaction.ts        runs one transaction, and fails it if its connection is lost
//   open-database.ts      opens, lists and deletes databases: retries, within a time limit
//   identity.ts           the identity of a database, and of the one that was used last
//   format.ts             the names in the database, and how a new one is created
//   errors.ts             converts the browser's errors to StoreError, by their names and words
//
// Life of a write:
//
//   1. The queue of the store calls `commit` with groups of changes, or `transact` with keys to read
//      and a function that returns the groups.
//   2. One readwrite transaction reads those keys and the keys of the conditions (`ifVersion`),
//      writes the groups whose conditions hold, and requests the commit.
//   3. If it is the first write of a burst, a message announces to the other tabs that changes are
//      being committed.
//   4. The browser reports that the commit is complete; with `strict` durability, that it is on
//      disk. The listeners of this tab are notified, and the promise resolves.
//   5. 10 ms after the last write of a burst, a message names the changed keys. The other tabs look
//      them up and notify their listeners. A hidden page, whose timers are late, sends it at once.
//
// A `get` that follows another one without a pause, as in a loop that awaits each, runs in the same
// transaction, unless a write of this tab has begun since. The writes of other tabs wait for at most 64
// such reads.
//
// If the transaction is aborted, nothing of it is stored. If one group may be the cause, each is
// retried alone. If the connection is lost before the commit is requested, the transaction is run once
// more. If it is lost after that, the outcome is `unknown`.
//
// While a tab has or awaits a turn on a key, it announces that to the other tabs. Their queues then
// request a turn too before they write the key, and `commit` or `transact` ends it. 2.5 seconds after
// the last announcement, they write without turns again. A turn is a Web Lock; it only avoids
// conflicts, and the transaction checks the conditions anyway.
//
// Life of a connection:
//
//   1. Opening a namespace opens the connection, and creates the database if there is none. An attempt
//      that fails for a reason that may pass is repeated until `openTimeout`. The channels to other tabs
//      open 10 ms later, or when one is needed, since that takes as long as a read.
//   2. When another tab deletes or upgrades the database, it closes at once, since the other tab
//      waits for that. It reports a deletion as `data-lost` once earlier writes have completed. The
//      next call reconnects.
//   3. When the browser closes it, for example because the user cleared the site's data, running
//      transactions fail with `CONNECTION_LOST`, or are run once more, as above. It starts to
//      reconnect within a second, or with the next call.
//   4. When a call takes longer than the `operationTimeout` of the runtime, the core rejects it and
//      calls `onTimeout`. That aborts and fails all running transactions, since they may wait for the
//      silent one, and closes the connection. What began before is neither retried nor continued: its
//      caller may have gone on. The next call reconnects. A transaction that no call waits for has a
//      limit of 2 minutes.
//   5. After each opening it compares the random identity in the database with the last one used,
//      which it keeps in memory and in the Cache API. If they differ, the database was deleted and
//      created again: it emits `data-lost`, unless it has reported the deletion already.
//   6. `close` waits for the running opening and comparison, then closes it.
//
// When a page is closed or goes into the back/forward cache (`pagehide`), each call starts its own
// transaction without waiting for earlier calls, because the page may never run again. Channels and
// locks are released, because a message or a lock request of another tab removes a page that has them
// from the cache. When the page returns (`pageshow`), they are restored, and listeners get `unknown`.

import { sleep } from '../src/async.ts'
import type { BotConfig } from '../src/config.ts'
import { escapeSeparators } from '../src/key.ts'
import type { Manifest } from '../src/registry.ts'
import { type StorageBase, type StorageHost, StoragePluginBase } from '../src/storage.ts'
import { Connection } from './indexeddb/connection.ts'
import { fromOpenError } from './indexeddb/errors.ts'
import { IndexedDBStorage } from './indexeddb/indexeddb-storage.ts'
import { deleteDatabase, listDatabases } from './indexeddb/open-database.ts'

/**
 * How long to leave this thread idle after a request to open a database. Chromium begins only when it
 * has answered a message, so work of 2 ms delays the database by 3 ms (measured with 156).
 */
const IDLE_MS = 2

/** The longest delay of a timer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/**
 * The manifest of the IndexedDB backend, for pages and web workers. Its `STORAGE_CONFIG` has:
 *
 * - `database`: the prefix of the names of its databases; default `botshelf`
 * - `durability`: with `strict` (the default), a write resolves when it is on disk. With `relaxed`, it
 *   resolves before that, and a power cut may lose the last writes
 * - `openTimeout`: the time limit for opening, deleting or listing databases, from 1 to 2147483647 ms;
 *   default 10,000
 *
 * @example
 * const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'my-bot' } }
 * const runtime = await StorageRuntime.start(config, [indexeddb])
 */
export const indexeddb: Manifest = {
  name: 'IndexedDB',
  description: "IndexedDB, shared and atomic across an origin's tabs and workers.",
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
      type: 'duration',
      default: 10_000,
      doc: 'the time limit for opening a database',
    },
  },
  load: () => IndexedDBStoragePlugin,
}

/**
 * Opens namespaces in IndexedDB: each is a database `<database>/<namespace>` of the origin. Writes
 * are atomic across all tabs and workers of the origin, and resolve when their transaction has
 * completed. Keys and values have no limit but the browser's quota.
 *
 * @example
 * const plugin = new IndexedDBStoragePlugin({ STORAGE_CONFIG: { durability: 'relaxed' } })
 * await using runtime = new StorageRuntime(plugin)
 */
export class IndexedDBStoragePlugin extends StoragePluginBase {
  readonly #prefix: string
  readonly #durability: 'strict' | 'relaxed'
  readonly #openTimeoutMs: number
  /** Longer than the limit of the adapter, so that its error is the one that is thrown. */
  override readonly openTimeout: number

  /**
   * Reads the settings that {@link indexeddb} describes.
   *
   * @throws StoreError `CONFIG_INVALID`
   */
  constructor(config?: BotConfig | null) {
    super(config, indexeddb.config)
    // Escaped and ended by "/", no prefix can begin the name of another bot's database.
    this.#prefix = `${escapeSeparators(this.storageConfig['database'] as string)}/`
    this.#durability = this.storageConfig['durability'] as 'strict' | 'relaxed'
    this.#openTimeoutMs = this.storageConfig['openTimeout'] as number
    this.openTimeout = Math.min(this.#openTimeoutMs * 2, MAX_TIMEOUT_MS)
  }

  /**
   * Opens a namespace, and creates its database if there is none. Emits `data-lost`, `blocked` and
   * `reopened` to `host`.
   *
   * @throws StoreError `UNAVAILABLE` if there is no IndexedDB or the browser denies access to it,
   * `TIMEOUT` if it is not open after `openTimeout`, or `BLOCKED` if the browser said that another tab
   * is the reason, `VERSION_MISMATCH` if a later version of botshelf upgraded the database,
   * `QUOTA_EXCEEDED` if there is no room for a new one, `CORRUPT` if other software created it,
   * `CONNECTION_LOST` if each attempt failed until `openTimeout`
   */
  async open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    const connection = new Connection({
      name: this.#prefix + namespace,
      openTimeoutMs: this.#openTimeoutMs,
      emit: (type, reason) => host?.emit(type, reason),
    })
    const opening = connection.open()
    let storage: IndexedDBStorage | undefined
    try {
      // Created while the browser opens the database, which takes time too.
      await Promise.race([opening, sleep(IDLE_MS)])
      storage = new IndexedDBStorage(connection, {
        durability: this.#durability,
        now: host && (() => host.now()),
      })
      await opening
      return storage
    } catch (error) {
      // The caller has no storage to close.
      await (storage ?? connection).close()
      throw fromOpenError(error)
    }
  }

  /**
   * Lists the namespaces that have a database, including empty ones. Firefox supports it from 126 on.
   *
   * @throws StoreError `UNAVAILABLE` if the browser cannot list its databases; `TIMEOUT` or
   * `CONNECTION_LOST` as `open`
   */
  override async *namespaces(): AsyncIterable<string> {
    for (const { name } of await listDatabases(this.#openTimeoutMs)) {
      if (name?.startsWith(this.#prefix)) yield name.slice(this.#prefix.length)
    }
  }

  /**
   * Deletes the database of a namespace; there may be none. Other tabs that have it open close it and
   * emit `data-lost`.
   *
   * @throws StoreError `UNAVAILABLE` or `CONNECTION_LOST` as `open`; `TIMEOUT` if the database is not
   * deleted after `openTimeout`, or `BLOCKED` if other software holds it open. The browser may then
   * delete it later, for example as soon as it is closed.
   */
  override async drop(namespace: string, host?: StorageHost): Promise<void> {
    await deleteDatabase(this.#prefix + namespace, {
      openTimeoutMs: this.#openTimeoutMs,
      onBlocked: (reason) => host?.emit('blocked', reason),
    })
  }
}

/**
 * Asks the browser not to delete the origin's data when disk space runs low. Resolves to whether
 * storage is persistent; never rejects. Some browsers ask the user, so call it in response to a user
 * action. Workers cannot ask; there it resolves to the current state.
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
    // The browser throws where it denies storage, such as in a sandboxed frame.
    return false
  }
}
