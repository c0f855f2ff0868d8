import { describe, expect, test } from 'vitest'
import { type Entry, StorageBase, StoragePluginBase, StorageRuntime } from '../../src/index.ts'

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
