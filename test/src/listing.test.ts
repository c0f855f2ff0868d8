import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type Entry,
  type KeysOptions,
  StorageBase,
  StoragePluginBase,
  StorageRuntime,
} from '../../src/index.ts'

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

/** A minimal storage whose reads take 5 ms. It logs when a read begins and ends. */
class SlowStorage extends StorageBase {
  readonly #log: string[]
  readonly #map = new Map<string, Entry>()

  constructor(log: string[]) {
    super()
    this.#log = log
    for (const key of ['a', 'b', 'c']) this.#map.set(key, { value: key, version: key })
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#log.push(`begin ${key}`)
    await pause()
    this.#log.push(`end ${key}`)
    return this.#map.get(key)
  }

  async set(key: string, entry: Entry): Promise<void> {
    this.#map.set(key, entry)
  }

  async remove(key: string): Promise<void> {
    this.#map.delete(key)
  }

  async len(): Promise<number> {
    return this.#map.size
  }

  async *keys(): AsyncIterable<string> {
    yield* this.#map.keys()
  }

  async close(): Promise<void> {
    this.#log.push('close')
  }
}

class SlowPlugin extends StoragePluginBase {
  readonly log: string[] = []

  async open(): Promise<StorageBase> {
    return new SlowStorage(this.log)
  }
}

describe.each(['keys', 'entries', 'values'] as const)('close() during %s()', (list) => {
  test('waits for the read in progress, whose result is not listed', async () => {
    const plugin = new SlowPlugin({})
    const store = await new StorageRuntime(plugin).open('n')
    const listing = store[list]()
    await listing.next()
    const next = listing.next().then(
      ({ value }) => `listed ${String(value)}`,
      (error: { code?: string }) => error.code,
    )
    await store.close()
    expect(await next).toBe('STORE_NOT_OPEN')
    await expect(listing.next()).resolves.toEqual({ done: true, value: undefined })
    await pause()
    expect(plugin.log).toEqual(['begin a', 'end a', 'begin b', 'end b', 'close'])
  })

  test('does not wait for an idle reader, whose next() rejects with STORE_NOT_OPEN', async () => {
    const plugin = new SlowPlugin({})
    const store = await new StorageRuntime(plugin).open('n')
    const listing = store[list]()
    await listing.next()
    await store.close()
    await expect(listing.next()).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
    expect(plugin.log).toEqual(['begin a', 'end a', 'close'])
  })
})

/** A storage that lists a hundred keys, and logs the options, what it lists and the end. */
class EndlessPlugin extends MemoryStoragePlugin {
  readonly options: (KeysOptions | undefined)[] = []
  listed = 0
  ended = 0

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    storage.entries = (options) => this.#list(options)
    storage.liveKeys = (_now, options) => this.#listKeys(options)
    return storage
  }

  async *#listKeys(options?: KeysOptions): AsyncGenerator<string> {
    for await (const [key] of this.#list(options)) yield key
  }

  async *#list(options?: KeysOptions): AsyncGenerator<[string, Entry]> {
    this.options.push(options)
    try {
      for (let i = 0; i < 100; i++) {
        this.listed++
        // Every other entry has expired.
        const expires = i % 2 === 0 ? { expires: 1 } : {}
        yield [`k${i}`, { value: i, version: `${i}`, ...expires }]
      }
    } finally {
      this.ended++
    }
  }
}

describe.each(['keys', 'entries', 'values', 'records'] as const)('%s()', (list) => {
  test('with a limit ends the listing of the storage once it has as many live entries', async () => {
    const plugin = new EndlessPlugin()
    const store = await new StorageRuntime(plugin).open('n')
    const items: unknown[] = []
    for await (const item of store[list]({ limit: 3 })) items.push(item)
    expect(items).toHaveLength(3)
    // The keys of this storage are live, because liveKeys() decides.
    expect([plugin.listed, plugin.ended]).toEqual([list === 'keys' ? 3 : 6, 1])
  })

  test('that its reader leaves ends the listing of the storage', async () => {
    const plugin = new EndlessPlugin()
    const store = await new StorageRuntime(plugin).open('n')
    for await (const _ of store[list]()) break
    expect(plugin.ended).toBe(1)
    await store.close()
  })

  test('passes its options to the storage', async () => {
    const plugin = new EndlessPlugin()
    const store = await new StorageRuntime(plugin).open('n')
    const options = { prefix: 'k', after: 'k1', limit: 1, reverse: true }
    for await (const _ of store[list](options)) expect(plugin.options).toEqual([options])
    await store[list]().next()
    const none = { prefix: '', after: undefined, limit: undefined, reverse: undefined }
    expect(plugin.options[1]).toEqual(none)
  })

  test('checks its options when it is read, and reads nothing', async () => {
    const plugin = new EndlessPlugin()
    const store = await new StorageRuntime(plugin).open('n')
    const listing = store[list]({ limit: 0 })
    await expect(listing.next()).rejects.toThrow(
      'options.limit must be a positive integer; received 0.',
    )
    expect(plugin.listed).toBe(0)
  })
})
