import { describe, expect, test } from 'vitest'
import { type Entry, StorageBase, StoragePluginBase, StorageRuntime } from '../../src/index.ts'

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

/** Six methods that take their time, and tell when they begin and end. */
class SlowStorage extends StorageBase {
  readonly #log: string[]
  readonly #map = new Map<string, Entry>()

  constructor(log: string[]) {
    super()
    this.#log = log
    for (const key of ['a', 'b', 'c']) this.#map.set(key, { value: key, version: key })
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#log.push(`get ${key}`)
    await pause()
    this.#log.push(`got ${key}`)
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

describe.each(['keys', 'entries', 'values'] as const)('a listing of %s', (list) => {
  test('that is reading is waited for by close, and shows nothing more', async () => {
    const plugin = new SlowPlugin({})
    const store = await new StorageRuntime(plugin).open('n')
    const listing = store[list]()
    await listing.next()
    const next = listing.next().then(
      ({ value }) => `showed ${String(value)}`,
      (error: { code?: string }) => error.code,
    )
    await store.close()
    expect(await next).toBe('STORE_NOT_OPEN')
    await expect(listing.next()).resolves.toEqual({ done: true, value: undefined })
    await pause()
    expect(plugin.log).toEqual(['get a', 'got a', 'get b', 'got b', 'close'])
  })

  test('that rests is no hindrance to close, and ends with STORE_NOT_OPEN', async () => {
    const plugin = new SlowPlugin({})
    const store = await new StorageRuntime(plugin).open('n')
    const listing = store[list]()
    await listing.next()
    await store.close()
    await expect(listing.next()).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
    expect(plugin.log).toEqual(['get a', 'got a', 'close'])
  })
})
