import { quote } from './errors.ts'
import type { Change, Entry, KeysOptions, Outcome, StorageBase, Traits } from './storage.ts'
import { copyValue } from './value/copy-value.ts'

/**
 * The base class of a storage whose backend works in batches. A subclass implements the abstract
 * members as `StorageBase` describes them, and optionally `transact` and `watch`. The five methods
 * for single keys and whole listings are derived.
 */
export abstract class BatchStorageBase implements StorageBase {
  abstract readonly traits: Traits
  abstract getMany(keys: readonly string[]): Promise<Map<string, Entry>>
  abstract commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]>
  abstract entries(options?: KeysOptions): AsyncIterable<[key: string, entry: Entry]>
  abstract liveKeys(now: number, options?: KeysOptions): AsyncIterable<string>
  abstract liveLen(now: number): Promise<number>
  abstract clear(): Promise<void>
  abstract close(): Promise<void>

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

  async #commitOne(change: Change): Promise<void> {
    const [outcome] = await this.commit([[change]])
    if (outcome === 'applied') return
    if (outcome instanceof Error) throw outcome
    throw new Error(`commit() must answer an unconditional change; received ${quote(outcome)}.`)
  }
}
