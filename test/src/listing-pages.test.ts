import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type Entry,
  type KeysOptions,
  listPages,
  type OperationRecord,
  type StorageBase,
  StorageRuntime,
  StoreError,
} from '../../src/index.ts'

/** A storage that lists the pages it is given. It counts those that were requested. */
class PagedPlugin extends MemoryStoragePlugin {
  pages: readonly (readonly string[])[] = [['a', 'b'], [], ['c', 'd']]
  requested = 0
  ended = 0
  onPage: (page: number) => void = () => {}

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    storage.liveKeys = () => listPages(() => this.#list((key) => key))
    storage.entries = () =>
      listPages(() => this.#list((key): [string, Entry] => [key, { value: key, version: 'v' }]))
    return storage
  }

  async *#list<T>(toItem: (key: string) => T): AsyncGenerator<readonly T[]> {
    try {
      for (const [index, page] of this.pages.entries()) {
        this.requested++
        this.onPage(index)
        yield page.map(toItem)
      }
    } finally {
      this.ended++
    }
  }
}

async function collect<T>(list: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of list) items.push(item)
  return items
}

function connectionLost(): never {
  throw new StoreError('CONNECTION_LOST', 'Lost.', { outcome: 'not-applied' })
}

test('listPages() lists the items of the pages one by one, each time from the start', async () => {
  const listing = listPages(async function* pages() {
    yield [1, 2]
    yield []
    yield [3]
  })
  expect(await collect(listing)).toEqual([1, 2, 3])
  expect(await collect(listing)).toEqual([1, 2, 3])
})

describe.each(['keys', 'entries', 'values', 'records'] as const)(
  '%s() of a storage with pages',
  (list) => {
    test('requests a page when the item after the page before is requested', async () => {
      const plugin = new PagedPlugin()
      const store = await new StorageRuntime(plugin).open('n')
      const listing = store[list]()
      const requested: number[] = []
      for (let item = 0; item < 5; item++) {
        await listing.next()
        requested.push(plugin.requested)
      }
      expect(requested).toEqual([1, 1, 3, 3, 3])
    })

    test('ends the pages when its reader leaves, and at the limit', async () => {
      const plugin = new PagedPlugin()
      const store = await new StorageRuntime(plugin).open('n')
      for await (const _ of store[list]()) break
      expect(plugin.ended).toBe(1)
      expect(await collect<unknown>(store[list]({ limit: 2 }))).toHaveLength(2)
      expect([plugin.requested, plugin.ended]).toEqual([2, 2])
    })

    test('rejects with STORE_NOT_OPEN after close(), also within a page', async () => {
      const store = await new StorageRuntime(new PagedPlugin()).open('n')
      const listing = store[list]()
      await listing.next()
      await store.close()
      await expect(listing.next()).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
    })

    test('is retried if it fails before the first item, also after an empty page', async () => {
      const plugin = new PagedPlugin()
      plugin.pages = [[], ['a']]
      let failures = 0
      plugin.onPage = (page) => page === 1 && failures++ === 0 && connectionLost()
      const store = await new StorageRuntime(plugin).open('n')
      expect(await collect<unknown>(store[list]())).toHaveLength(1)
      expect(failures).toBe(2)
    })

    test('is not retried after an item', async () => {
      const plugin = new PagedPlugin()
      plugin.onPage = (page) => page === 2 && connectionLost()
      const store = await new StorageRuntime(plugin).open('n')
      const items: unknown[] = []
      const listing = (async () => {
        for await (const item of store[list]()) items.push(item)
      })()
      await expect(listing).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
      expect([items.length, plugin.ended]).toEqual([2, 1])
    })
  },
)

test('onOperation gets one record of a listing, with the number of items in its pages', async () => {
  const records: OperationRecord[] = []
  const onOperation = (record: OperationRecord): void => void records.push(record)
  const store = await new StorageRuntime(new PagedPlugin(), { onOperation }).open('n')
  await collect(store.keys())
  for await (const _ of store.keys()) break
  const counts = records.filter(({ kind }) => kind === 'keys').map(({ keys }) => keys)
  expect(counts).toEqual([4, 2])
})

test('a schema converts a value of a page when the value is requested', async () => {
  const converted: unknown[] = []
  const store = await new StorageRuntime(new PagedPlugin()).open('n', {
    version: 1,
    migrate: (value) => (converted.push(value), value),
  })
  const listing = store.values()
  expect([await listing.next(), converted]).toEqual([{ done: false, value: 'a' }, ['a']])
  await listing.return()
})

test('a wrapper that replaces a listing by single items is read, not the pages behind it', async () => {
  class UpperCasePlugin extends MemoryStoragePlugin {
    override async open(namespace: string): Promise<StorageBase> {
      const storage = await super.open(namespace)
      const original = await super.open(namespace)
      storage.liveKeys = async function* upperCase(now: number, options?: KeysOptions) {
        for await (const key of original.liveKeys(now, options)) yield key.toUpperCase()
      }
      return storage
    }
  }
  const store = await new StorageRuntime(new UpperCasePlugin()).open('n')
  await store.setMany({ a: 1, b: 2 })
  expect(await collect(store.keys())).toEqual(['A', 'B'])
})
