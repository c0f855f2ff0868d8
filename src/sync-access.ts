import { noop } from './async.ts'
import { checkEntry } from './backend-reply.ts'
import { type Entry, isLive } from './entry.ts'
import type { Decision, EntryUpdater, StartedUpdate } from './queue/operation.ts'
import type { Change, CommitResult } from './storage.ts'

/** The synchronous methods of a storage whose calls do no I/O. */
export interface SyncMethods {
  /** Returns the entry of a key, expired or not, as a new copy; `undefined` if there is none. */
  get(key: string): Entry | undefined
  /**
   * Applies a group of changes, as `StorageBase.commit` does with each, and reports them to watches.
   * Throws only if none was applied: the queue then calls `commit` of the storage with the group.
   *
   * @param now what has expired by then counts as missing; in milliseconds since 1970
   */
  commit(group: readonly Change[], now: number): CommitResult
  /**
   * Whether to store only the first and the last of several writes of a key in one tick. Default:
   * false, and each is stored at once.
   */
  readonly joinWrites?: boolean | undefined
}

/**
 * Runs operations at once on a storage that answers synchronously. Only such storages import it, so
 * it takes no room in the bundle of others.
 *
 * @example
 * const sync = new SyncAccess({
 *   get: (key) => structuredClone(map.get(key)),
 *   commit: (group, now) => applyGroup(map, group, now),
 * })
 */
export class SyncAccess {
  readonly #methods: SyncMethods
  /** The keys that were written in this tick, if further writes of them are to be joined. */
  readonly #writtenKeys: Set<string> | undefined

  constructor(methods: SyncMethods) {
    this.#methods = methods
    if (methods.joinWrites === true) this.#writtenKeys = new Set()
  }

  /** Returns an entry. Throws if the queue has to read it, to retry or to report the error. */
  get(key: string): Entry | undefined {
    const entry = this.#methods.get(key)
    return entry === undefined ? entry : checkEntry(key, entry)
  }

  /**
   * Applies a group of changes. Returns false if none was applied, and the queue has to apply it.
   *
   * @param now the runtime's time, in milliseconds since 1970. Only conditions need it, and a clock
   * takes long to read
   */
  commit(group: readonly Change[], now: number = -Infinity): boolean {
    const mustJoin = this.#writtenKeys && this.#isJoined(group.map(({ key }) => key))
    return !mustJoin && this.#apply(group, now)
  }

  /**
   * Runs an updater and stores what it decides. If it does not decide at once, returns the update that
   * it has started; the queue has to finish it. Returns `undefined` if the queue has to run it.
   *
   * @param now the runtime's time, in milliseconds since 1970
   */
  update<T>(
    keys: readonly string[],
    updater: EntryUpdater<T>,
    now: number,
  ): Decision<T> | StartedUpdate | undefined {
    if (this.#isJoined(keys)) return undefined
    let entries: (Entry | undefined)[]
    try {
      entries = keys.map((key) => {
        const entry = this.get(key)
        return entry && isLive(entry, now) ? entry : undefined
      })
    } catch {
      return undefined
    }
    const decision = updater(entries)
    if (decision instanceof Promise) {
      // It may reject before the queue awaits it.
      decision.catch(noop)
      return { entries, promise: decision }
    }
    const { changes } = decision
    if (!changes) return decision
    // The updater may have called another runtime, which has written the same keys.
    const byKey = new Map(changes.map((change) => [change.key, change]))
    const group = keys.map((key, index): Change => {
      const ifVersion = entries[index]?.version ?? null
      const change = byKey.get(key)
      return change ? { ...change, ifVersion } : { key, check: true, ifVersion }
    })
    return this.#apply(group, now) ? decision : undefined
  }

  #apply(group: readonly Change[], now: number): boolean {
    try {
      return this.#methods.commit(group, now) === 'applied'
    } catch {
      return false
    }
  }

  /** Whether one of the keys was written in this tick, so that the queue joins the writes. */
  #isJoined(keys: readonly string[]): boolean {
    const written = this.#writtenKeys
    if (!written) return false
    const { size } = written
    if (size === 0) void Promise.resolve().then(() => written.clear())
    for (const key of keys) written.add(key)
    return written.size < size + keys.length
  }
}
