import type { Change, Entry, CommitResult } from '../../src/storage.ts'
import { ObjectEngine, type PlatformStorage } from './object-engine.ts'
import { ObjectStorageBase } from './object-storage-base.ts'
import type { ListOptions, ListPage } from './protocol.ts'
import { decodeEntries, encodeChanges } from './tuples.ts'

const MAX_PAGE_BYTES = 1_000_000

/** A namespace in the storage of the object that runs this code. */
export class LocalObjectStorage extends ObjectStorageBase {
  readonly #storage: PlatformStorage
  readonly #engine: ObjectEngine

  constructor(storage: PlatformStorage, keyPrefix: string) {
    super('instance')
    this.#storage = storage
    this.#engine = new ObjectEngine(storage, keyPrefix)
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#read(keys)
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly CommitResult[]> {
    return this.#engine.commit(groups.map(encodeChanges))
  }

  async transact(
    keys: readonly string[],
    apply: (found: Map<string, Entry>) => readonly (readonly Change[])[],
  ): Promise<readonly CommitResult[]> {
    return this.#engine.commit(apply(this.#read(keys)).map(encodeChanges))
  }

  /** Removes expired entries too: this code must not set the object's alarm to do it later. */
  async liveLen(now: number): Promise<number> {
    return this.#engine.sweep(now)
  }

  async clear(): Promise<void> {
    this.#engine.clear()
  }

  async close(): Promise<void> {
    await this.#storage.sync()
  }

  // In pages, because the object may run other code between two of them.
  protected async list(options: ListOptions): Promise<ListPage> {
    return this.#engine.list(options, MAX_PAGE_BYTES)
  }

  #read(keys: readonly string[]): Map<string, Entry> {
    return new Map(decodeEntries(keys, this.#engine.read(keys)))
  }
}
