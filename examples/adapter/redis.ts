// redis.ts
import { type Entry, StorageBase, StoragePluginBase } from 'botshelf'
import { decode, encode } from 'botshelf/codec'

interface Client {
  hget(hash: string, field: string): Promise<string | null>
  hset(hash: string, field: string, text: string): Promise<unknown>
  hdel(hash: string, field: string): Promise<unknown>
  hlen(hash: string): Promise<number>
  hkeys(hash: string): Promise<string[]>
}

export class RedisStoragePlugin extends StoragePluginBase {
  async open(namespace: string): Promise<StorageBase> {
    return new RedisStorage(this.storageConfig['client'] as Client, `bot:${namespace}`)
  }
}

class RedisStorage extends StorageBase {
  readonly #client: Client
  readonly #hash: string
  constructor(client: Client, hash: string) {
    super()
    this.#client = client
    this.#hash = hash
  }
  async get(key: string): Promise<Entry | undefined> {
    const text = await this.#client.hget(this.#hash, key)
    return text === null ? undefined : (decode(text) as Entry)
  }
  async set(key: string, entry: Entry): Promise<void> {
    await this.#client.hset(this.#hash, key, encode(entry))
  }
  async remove(key: string): Promise<void> {
    await this.#client.hdel(this.#hash, key)
  }
  async len(): Promise<number> {
    return this.#client.hlen(this.#hash)
  }
  async *keys({ prefix = '' } = {}): AsyncIterable<string> {
    for (const key of await this.#client.hkeys(this.#hash)) if (key.startsWith(prefix)) yield key
  }
  async close(): Promise<void> {}
}
