import { quote, toStoreError } from './errors.ts'
import type { Entry } from './entry.ts'
import type { Listing } from './listing.ts'
import {
  type Change,
  checkRemovals,
  createTimeCheck,
  type CommitOptions,
  type CommitResult,
  type KeysOptions,
  listForRemoval,
  type StorageBase,
  type Traits,
} from './storage.ts'
import { copyValue } from './value/copy-value.ts'

/** How many keys `clearPrefix` removes in one commit. */
const MAX_REMOVALS = 1000

/**
 * Derives the methods for single keys and whole listings from those for batches: the base class of
 * a storage whose backend works in batches. A subclass implements the abstract members as
 * `StorageBase` describes them, and optionally `transact`, `perform`, `turns`, `clearPrefix`, `sync`,
 * `copiesValues`, and `watch` with `createWatch`.
 *
 * @example
 * class RedisStorage extends BatchStorageBase {
 *   readonly traits: Traits = REDIS_TRAITS
 *   async getMany(keys: readonly string[]) { return readAll(keys) }
 *   async commit(groups: readonly (readonly Change[])[]) { return groups.map(applyGroup) }
 *   async *entries(options?: KeysOptions) { yield* listEntries(options) }
 *   async *liveKeys(now: number, options?: KeysOptions) { yield* listKeys(now, options) }
 *   async liveLen(now: number) { return countKeys(now) }
 *   async clear() { await removeAll() }
 *   async close() { await disconnect() }
 * }
 */
export abstract class BatchStorageBase implements StorageBase {
  abstract readonly traits: Traits
  abstract getMany(keys: readonly string[]): Promise<Map<string, Entry>>
  abstract commit(
    groups: readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]>
  abstract entries(options?: KeysOptions): Listing<[key: string, entry: Entry]>
  abstract liveKeys(now: number, options?: KeysOptions): Listing<string>
  abstract liveLen(now: number): Promise<number>
  abstract clear(): Promise<void>
  abstract close(): Promise<void>

  timeoutCount = 0

  onTimeout(): void {
    this.timeoutCount++
  }

  async get(key: string): Promise<Entry | undefined> {
    return (await this.getMany([key])).get(key)
  }

  async set(key: string, entry: Entry): Promise<void> {
    const { bytes } = copyValue(entry.value, { keyBytes: key.length })
    await this.#commitOne({ key, entry, bytes })
  }

  async remove(key: string): Promise<void> {
    await this.#commitOne({ key, remove: true })
  }

  /** Counts expired entries too: nothing has expired at −Infinity. */
  len(): Promise<number> {
    return this.liveLen(Number.NEGATIVE_INFINITY)
  }

  /** Lists the keys of expired entries too: nothing has expired at −Infinity. */
  keys(options?: KeysOptions): AsyncIterable<string> {
    return this.liveKeys(Number.NEGATIVE_INFINITY, options)
  }

  /** Removes the keys with this prefix, each in a group of its own, a thousand in each commit. */
  async clearPrefix(prefix: string): Promise<void> {
    const checkTime = createTimeCheck(this)
    const keys = await listForRemoval(this.keys({ prefix }))
    for (let i = 0; i < keys.length; i += MAX_REMOVALS) {
      checkTime()
      const groups = keys.slice(i, i + MAX_REMOVALS).map((key): Change[] => [{ key, remove: true }])
      const committing = this.commit(groups)
      const results = await committing.catch((error: unknown) => [toStoreError(error, {})])
      checkRemovals(results, keys.length, i)
    }
  }

  async #commitOne(change: Change): Promise<void> {
    const [result] = await this.commit([[change]])
    if (result === 'applied') return
    if (result instanceof Error) throw result
    throw new Error(`commit() must apply this change or fail; received ${quote(result)}.`)
  }
}
