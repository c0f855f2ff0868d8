import type { Change, Entry, KeysOptions, Outcome, StorageBase, Traits } from './storage.ts'
import { copyValue } from './value/copy-value.ts'

/**
 * A storage of a backend that works in batches. It is the six methods the other way round: an
 * author writes `getMany`, `commit`, `entries`, `liveKeys`, `liveLen`, `clear` and `close`, and
 * the single ones follow.
 */
export abstract class BatchStorageBase implements StorageBase {
  abstract readonly traits: Traits
  abstract getMany(keys: readonly string[]): Promise<Map<string, Entry>>
  abstract commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]>
  abstract entries(options?: KeysOptions): AsyncIterable<[string, Entry]>
  abstract liveKeys(now: number, options?: KeysOptions): AsyncIterable<string>
  abstract liveLen(now: number): Promise<number>
  abstract clear(): Promise<void>
  abstract close(): Promise<void>

  async get(key: string): Promise<Entry | undefined> {
    return (await this.getMany([key])).get(key)
  }

  async set(key: string, entry: Entry): Promise<void> {
    await this.#one({ key, entry, bytes: copyValue(entry.value, undefined, key.length).bytes })
  }

  async remove(key: string): Promise<void> {
    await this.#one({ key, remove: true })
  }

  /** All that is held is what is alive before time began. */
  len(): Promise<number> {
    return this.liveLen(Number.NEGATIVE_INFINITY)
  }

  keys(options?: KeysOptions): AsyncIterable<string> {
    return this.liveKeys(Number.NEGATIVE_INFINITY, options)
  }

  async #one(change: Change): Promise<void> {
    const [outcome] = await this.commit([[change]])
    if (outcome === 'applied') return
    throw outcome instanceof Error ? outcome : new Error('a change got no outcome')
  }
}
