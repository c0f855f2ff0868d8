import { BatchStorageBase } from '../../src/batch-storage.ts'
import type { Entry } from '../../src/entry.ts'
import { type Listing, listPages } from '../../src/listing.ts'
import type { KeysOptions, Traits } from '../../src/storage.ts'
import { MAX_VALUE_BYTES } from './group-plan.ts'
import { MAX_KEY_BYTES } from './object-engine.ts'
import type { ListOptions, ListPage } from './protocol.ts'
import { decodeEntries } from './tuples.ts'

/** The base class of both storages of the adapter: their traits, and listings in pages. */
export abstract class ObjectStorageBase extends BatchStorageBase {
  override readonly traits: Traits

  constructor(atomic: 'global' | 'instance') {
    super()
    this.traits = {
      atomic,
      durable: true,
      consistency: 'strong',
      // In a Worker no call may wait for a call of another request.
      batchAcrossTicks: atomic === 'instance',
      maxKeyBytes: MAX_KEY_BYTES,
      maxValueBytes: MAX_VALUE_BYTES,
      watch: false,
    }
  }

  protected abstract list(options: ListOptions): Promise<ListPage>

  entries(options?: KeysOptions): Listing<[key: string, entry: Entry]> {
    // At −Infinity nothing has expired.
    const query = { now: -Infinity, includeEntries: true }
    return listPages(() =>
      this.#pages(query, options, ({ keys, entries }) => [...decodeEntries(keys, entries)]),
    )
  }

  liveKeys(now: number, options?: KeysOptions): Listing<string> {
    const query = { now, includeEntries: false }
    return listPages(() => this.#pages(query, options, ({ keys }) => keys))
  }

  async *#pages<T>(
    query: Pick<ListOptions, 'now' | 'includeEntries'>,
    { prefix = '', after, limit, reverse }: KeysOptions = {},
    toItems: (page: ListPage) => readonly T[],
  ): AsyncGenerator<readonly T[]> {
    let options: ListOptions = { ...query, prefix, after, limit, reverse }
    for (;;) {
      const page = await this.list(options)
      yield toItems(page)
      if (page.last === undefined) return
      // A caller that leaves out what has expired may need more than `limit`.
      options = { ...options, after: page.last, limit: options.limit && options.limit * 2 }
    }
  }
}
