import type { Change, Entry, Outcome } from '../../src/storage.ts'
import { ObjectEngine, type ObjectStorage, type PageOptions } from './engine.ts'
import { ObjectStorageBase } from './storage-base.ts'
import { type Page, toEntries, toRecords } from './protocol.ts'

const PAGE_BYTES = 1_000_000

/** A namespace in the storage of the object that this code runs in. */
export class LocalObjectStorage extends ObjectStorageBase {
  readonly #storage: ObjectStorage
  readonly #engine: ObjectEngine

  constructor(storage: ObjectStorage, base: string) {
    super('instance')
    this.#storage = storage
    this.#engine = new ObjectEngine(storage, base)
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#read(keys)
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    return this.#engine.commit(groups.map(toRecords))
  }

  async transact(
    keys: readonly string[],
    apply: (now: Map<string, Entry>) => readonly (readonly Change[])[],
  ): Promise<readonly Outcome[]> {
    return this.#engine.commit(apply(this.#read(keys)).map(toRecords))
  }

  // In pages: between two of them the object may do other work.
  async page(options: PageOptions): Promise<Page> {
    return this.#engine.page(options, PAGE_BYTES)
  }

  /** The object's own alarm is not ours to set; what has expired goes when it is counted. */
  async liveLen(now: number): Promise<number> {
    return this.#engine.sweep(now)
  }

  async clear(): Promise<void> {
    this.#engine.clear()
  }

  async close(): Promise<void> {
    await this.#storage.sync()
  }

  #read(keys: readonly string[]): Map<string, Entry> {
    return new Map(toEntries(keys, this.#engine.read(keys)))
  }
}
