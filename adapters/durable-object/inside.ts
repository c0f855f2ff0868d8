import { BatchStorageBase } from '../../src/batch-storage.js'
import type { Change, Entry, KeysOptions, Outcome, Traits } from '../../src/storage.js'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES, ObjectEngine, type ObjectStorage } from './engine.js'

const PAGE_BYTES = 1_000_000

/** A namespace in the storage of the object that this code runs in. */
export class InsideStorage extends BatchStorageBase {
  override readonly traits: Traits = {
    atomic: 'instance',
    durable: true,
    consistency: 'strong',
    gather: true,
    maxKeyBytes: MAX_KEY_BYTES,
    maxValueBytes: MAX_VALUE_BYTES,
    watch: false,
  }
  readonly #storage: ObjectStorage
  readonly #engine: ObjectEngine

  constructor(storage: ObjectStorage, base: string) {
    super()
    this.#storage = storage
    this.#engine = new ObjectEngine(storage, base, false)
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return new Map(this.#engine.read(keys).found)
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    return this.#engine.commit(groups)
  }

  override async transact(
    keys: readonly string[],
    apply: (now: Map<string, Entry>) => readonly (readonly Change[])[],
  ): Promise<readonly Outcome[]> {
    return this.#engine.commit(apply(new Map(this.#engine.read(keys).found)))
  }

  entries(options?: KeysOptions): AsyncIterable<[string, Entry]> {
    return this.#list(Number.NEGATIVE_INFINITY, true, options)
  }

  async *liveKeys(now: number, options?: KeysOptions): AsyncIterable<string> {
    for await (const [key] of this.#list(now, false, options)) yield key
  }

  /** The object's own alarm is not ours to set; what has expired goes when it is counted. */
  async liveLen(now: number): Promise<number> {
    return this.#engine.sweep(now).left
  }

  async clear(): Promise<void> {
    this.#engine.clear()
  }

  async close(): Promise<void> {
    await this.#storage.sync()
  }

  // In pages: between two of them the object may do other work.
  async *#list(
    now: number,
    values: boolean,
    { prefix = '' }: KeysOptions = {},
  ): AsyncGenerator<[string, Entry]> {
    let after: string | undefined
    do {
      const page = this.#engine.page({ prefix, after, now, values, maxBytes: PAGE_BYTES })
      for (const [key, entry] of page.entries) yield [key, entry]
      after = page.last
    } while (after !== undefined)
  }
}
