import { BatchStorageBase } from '../src/batch-storage.js'
import type { BotConfig } from '../src/config.js'
import { StoreError } from '../src/errors.js'
import { escapeSeparators, unescapeSeparators } from '../src/key.js'
import type { Manifest } from '../src/registry.js'
import {
  type Change,
  type Entry,
  isLive,
  type KeysOptions,
  type Outcome,
  partly,
  type StorageBase,
  StoragePluginBase,
  type Traits,
} from '../src/storage.js'
import { utf8Bytes } from '../src/value.js'
import { attempt, inParallel, isKV, type KVBinding, list } from './cloudflare-kv/binding.js'
import { type Metadata, metadataOf, readRecord, writeRecord } from './cloudflare-kv/record.js'

export const cloudflareKV: Manifest = {
  name: 'CloudflareKV',
  description: 'Workers KV: read everywhere, eventually consistent, no atomic writes.',
  config: {
    binding: {
      type: 'binding',
      required: true,
      doc: 'the KV namespace that holds the data',
      accepts: isKV,
      example: 'BOT_KV',
      toml: '[[kv_namespaces]]\nbinding = "$"\nid = "<its id>"',
    },
    prefix: {
      type: 'string',
      default: 'botshelf',
      doc: 'what every key in the KV namespace begins with',
    },
  },
  load: () => CloudflareKVStoragePlugin,
}

const BULK = 100
const MAX_KEY_BYTES = 512
const MAX_VALUE_BYTES = 25 * 1024 * 1024
const MIN_LIFETIME = 61_000
const WRITE_ATTEMPTS = 3

/**
 * A namespace is the keys `prefix/namespace:key` of one KV namespace, whose values are text of
 * `botshelf/codec`. KV has no conditional write, so `atomic` is `none`. A write resolves when KV
 * has accepted it; other places may read the older value for 60 seconds or more. A key takes at
 * most 512 bytes with prefix and namespace, a value 25 MiB as text. Only one write a second to
 * the same key is allowed; one too many is tried again, twice, after a second.
 */
export class CloudflareKVStoragePlugin extends StoragePluginBase {
  readonly #kv: KVBinding
  readonly #prefix: string

  constructor(config: BotConfig) {
    super(config, cloudflareKV.config)
    this.#kv = this.storageConfig['binding'] as KVBinding
    this.#prefix = `${escapeSeparators(this.storageConfig['prefix'] as string)}/`
  }

  async open(namespace: string): Promise<StorageBase> {
    const base = `${this.#prefix}${escapeSeparators(namespace)}:`
    if (utf8Bytes(base) < MAX_KEY_BYTES) return new CloudflareKVStorage(this.#kv, base)
    throw new StoreError(
      'INVALID_NAMESPACE',
      `With its prefix the namespace takes ${utf8Bytes(base)} bytes and leaves no room for keys; Workers KV keeps ${MAX_KEY_BYTES} in all.`,
    )
  }

  override async *namespaces(): AsyncIterable<string> {
    let last: string | undefined
    for await (const { name } of list(this.#kv, this.#prefix)) {
      // What has no such form is not ours.
      const [, namespace] = /^([^/:]+):/.exec(name.slice(this.#prefix.length)) ?? []
      // Keys come in byte order, so those of one namespace stand together.
      if (namespace !== undefined && namespace !== last) yield unescapeSeparators(namespace)
      last = namespace
    }
  }
}

class CloudflareKVStorage extends BatchStorageBase {
  override readonly traits: Traits
  readonly #kv: KVBinding
  readonly #base: string

  constructor(kv: KVBinding, base: string) {
    super()
    this.#kv = kv
    this.#base = base
    this.traits = {
      atomic: 'none',
      durable: true,
      consistency: 'eventual',
      gather: false,
      maxKeyBytes: MAX_KEY_BYTES - utf8Bytes(base),
      maxValueBytes: MAX_VALUE_BYTES,
      watch: false,
    }
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const chunks: (readonly string[])[] = []
    for (let i = 0; i < keys.length; i += BULK) chunks.push(keys.slice(i, i + BULK))
    const found = new Map<string, Entry>()
    await inParallel(chunks, async (chunk) => {
      for (const [key, text] of await this.#texts(chunk)) found.set(key, readRecord(text))
    })
    return found
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    await inParallel(groups, async (changes, index) => {
      outcomes[index] = await this.#apply(changes)
    })
    return outcomes
  }

  async *entries(options: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    let unread: string[] = []
    for await (const { key, metadata } of this.#list(options)) {
      const { t: text } = metadata
      if (text !== undefined) yield [key, readRecord(text)]
      else if (unread.push(key) === BULK) {
        yield* await this.getMany(unread)
        unread = []
      }
    }
    yield* await this.getMany(unread)
  }

  async *liveKeys(now: number, options: KeysOptions = {}): AsyncIterable<string> {
    for await (const { key, metadata } of this.#list(options)) {
      if (metadata.x === undefined || isLive({ expires: metadata.x }, now)) yield key
    }
  }

  async liveLen(now: number): Promise<number> {
    let count = 0
    for await (const _ of this.liveKeys(now)) count++
    return count
  }

  async clear(): Promise<void> {
    const names: string[] = []
    for await (const { name } of list(this.#kv, this.#base)) names.push(name)
    await inParallel(names, (name) => this.#write(() => this.#kv.delete(name)))
  }

  async close(): Promise<void> {}

  async *#list({ prefix = '' }: KeysOptions): AsyncGenerator<{ key: string; metadata: Metadata }> {
    // The simulator's listing finds nothing under a prefix with NUL in it.
    const [begin = ''] = prefix.split('\0', 1)
    for await (const { name, metadata } of list(this.#kv, this.#base + begin)) {
      const key = name.slice(this.#base.length)
      if (key.startsWith(prefix)) yield { key, metadata: metadata ?? {} }
    }
  }

  async #texts(keys: readonly string[]): Promise<Map<string, string>> {
    const names = keys.map((key) => this.#base + key)
    const texts = new Map<string, string>()
    const bulk = names.length > 1 ? await this.#bulk(names) : new Map<string, string | null>()
    for (const name of names) {
      // A bulk get may leave a name out of its answer, `__proto__` for one; then it is asked for alone.
      const text = bulk.has(name)
        ? bulk.get(name)
        : await attempt(() => this.#kv.get(name, 'text'), 'not-applied')
      if (typeof text === 'string') texts.set(name.slice(this.#base.length), text)
    }
    return texts
  }

  // Together the values of a bulk get may take 25 MB; more must be asked for in parts.
  async #bulk(names: string[]): Promise<Map<string, string | null>> {
    try {
      return await attempt(() => this.#kv.get(names, 'text'), 'not-applied')
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'TOO_LARGE' || names.length === 1)
        throw error
      const half = Math.ceil(names.length / 2)
      return new Map([
        ...(await this.#bulk(names.slice(0, half))),
        ...(await this.#bulk(names.slice(half))),
      ])
    }
  }

  async #apply(changes: readonly Change[]): Promise<Outcome> {
    if (changes.some((change) => change.ifVersion !== undefined)) {
      return new StoreError('NOT_ATOMIC', 'Workers KV cannot make a write depend on a version.')
    }
    let written = 0
    try {
      const writes = changes.map((change) => this.#prepare(change))
      for (const write of writes) {
        await this.#write(write)
        written++
      }
      return 'applied'
    } catch (error) {
      return partly(error, changes, written)
    }
  }

  /** The write a change stands for, checked; nothing is sent yet. */
  #prepare(change: Change): () => Promise<void> {
    const name = this.#base + change.key
    if (!('entry' in change)) return () => this.#kv.delete(name)
    const { expires } = change.entry
    const text = writeRecord(change.entry)
    const bytes = utf8Bytes(text)
    if (bytes > MAX_VALUE_BYTES) {
      throw new StoreError(
        'TOO_LARGE',
        `The value takes ${bytes} bytes as text; Workers KV keeps at most ${MAX_VALUE_BYTES}.`,
        { key: change.key },
      )
    }
    const metadata = metadataOf(change.entry, text)
    if (expires === undefined) return () => this.#kv.put(name, text, { metadata })
    // KV reclaims no earlier than a minute from now; until then the entry is there, expired. Nor
    // does it take a time after 2038; such an entry is left to be there, expired.
    return () => {
      const expiration = Math.ceil(Math.max(expires, Date.now() + MIN_LIFETIME) / 1000)
      if (expiration >= 2 ** 31) return this.#kv.put(name, text, { metadata })
      return this.#kv.put(name, text, { metadata, expiration })
    }
  }

  async #write(write: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(write, 'unknown')
      } catch (error) {
        const limited = error instanceof StoreError && error.code === 'RATE_LIMITED'
        if (!limited || tries === WRITE_ATTEMPTS) throw error
        await new Promise((resolve) => setTimeout(resolve, 1000 + Math.random() * 500))
      }
    }
  }
}
