import { BatchStorageBase } from '../../src/batch-storage.ts'
import type { Entry, KeysOptions, Traits } from '../../src/storage.ts'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES, type PageOptions } from './engine.ts'
import { type Page, toEntries } from './protocol.ts'

/** A namespace in an object, seen from either side. */
export abstract class ObjectStorageBase extends BatchStorageBase {
  override readonly traits: Traits

  constructor(atomic: 'global' | 'instance') {
    super()
    this.traits = {
      atomic,
      durable: true,
      consistency: 'strong',
      // From a Worker no call may wait for one that belongs to another request.
      batchAcrossTicks: atomic === 'instance',
      maxKeyBytes: MAX_KEY_BYTES,
      maxValueBytes: MAX_VALUE_BYTES,
      watch: false,
    }
  }

  abstract page(options: PageOptions): Promise<Page>

  async *entries(options?: KeysOptions): AsyncIterable<[string, Entry]> {
    for await (const { keys, records } of this.#pages(Number.NEGATIVE_INFINITY, true, options)) {
      for (const entry of toEntries(keys, records)) yield entry
    }
  }

  async *liveKeys(now: number, options?: KeysOptions): AsyncIterable<string> {
    for await (const { keys } of this.#pages(now, false, options)) {
      for (const key of keys) yield key
    }
  }

  async *#pages(
    now: number,
    values: boolean,
    { prefix = '' }: KeysOptions = {},
  ): AsyncGenerator<Page> {
    let after: string | undefined
    do {
      const page = await this.page({ prefix, after, now, values })
      yield page
      after = page.last
    } while (after !== undefined)
  }
}
