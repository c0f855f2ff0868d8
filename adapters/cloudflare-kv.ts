import { BatchStorageBase } from '../src/batch-storage.ts'
import type { BotConfig } from '../src/config.ts'
import { noop } from '../src/async.ts'
import { StoreError } from '../src/errors.ts'
import { escapeSeparators, unescapeSeparators } from '../src/key.ts'
import type { Manifest } from '../src/registry.ts'
import {
  type Change,
  type Entry,
  isLive,
  type KeysOptions,
  type Outcome,
  partialFailure,
  type StorageBase,
  StoragePluginBase,
  type Traits,
} from '../src/storage.ts'
import { utf8Bytes } from '../src/value/copy-value.ts'
import {
  attempt,
  inParallel,
  isKV,
  type KVBinding,
  list,
  MAX_OPERATIONS,
  tooMany,
} from './cloudflare-kv/binding.ts'
import { type Metadata, metadataOf, readRecord, writeRecord } from './cloudflare-kv/record.ts'

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
/** How many bulk gets a listing has under way while it hands out another; each may answer with 25 MB. */
const READS = 2
const MAX_KEY_BYTES = 512
const MAX_VALUE_BYTES = 25 * 1024 * 1024
const MIN_LIFETIME = 61_000
const WRITE_ATTEMPTS = 3

/**
 * A namespace is the keys `prefix/namespace:key` of one KV namespace, whose values are text of
 * `botshelf/codec`. KV has no conditional write, so `atomic` is `none`. A write resolves when KV
 * has accepted it; other places may read the older value for 60 seconds or more. A key takes at
 * most 512 bytes with prefix and namespace, a value 25 MiB as text. Only one write a second to
 * the same key is allowed; one too many is tried again, twice, after a second. What would need more
 * than the 1,000 operations that KV takes from one invocation of a Worker is `RATE_LIMITED` before any
 * of it is done, and so is what comes after the thousandth; neither is tried again.
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
    for await (const page of list(this.#kv, this.#prefix)) {
      for (const { name } of page) {
        // What has no such form is not ours.
        const [, namespace] = /^([^/:]+):/.exec(name.slice(this.#prefix.length)) ?? []
        // Keys come in byte order, so those of one namespace stand together.
        if (namespace !== undefined && namespace !== last) yield unescapeSeparators(namespace)
        last = namespace
      }
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
      batchAcrossTicks: false,
      maxKeyBytes: MAX_KEY_BYTES - utf8Bytes(base),
      maxValueBytes: MAX_VALUE_BYTES,
      watch: false,
    }
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const chunks: (readonly string[])[] = []
    for (let i = 0; i < keys.length; i += BULK) chunks.push(keys.slice(i, i + BULK))
    if (chunks.length > MAX_OPERATIONS) {
      throw tooMany(`${keys.length} keys take more. Read them in parts, each in a request.`)
    }
    const found = new Map<string, Entry>()
    await inParallel(chunks, async (chunk) => {
      for (const [key, text] of await this.#texts(chunk)) found.set(key, readRecord(text))
    })
    return found
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    const writes = groups.reduce((sum, changes) => sum + changes.length, 0)
    if (writes > MAX_OPERATIONS) {
      const refused = tooMany(`these are ${writes} writes at once. Make them in several requests.`)
      return groups.map(() => refused)
    }
    const outcomes: Outcome[] = []
    await inParallel(groups, async (changes, index) => {
      outcomes[index] = await this.#apply(changes)
    })
    return outcomes
  }

  async *entries(options: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    const reads: Promise<Map<string, Entry>>[] = []
    let unread: string[] = []
    const read = (): void => {
      const found = this.getMany(unread)
      // Whoever ends the listing early does not wait for it.
      found.catch(noop)
      reads.push(found)
      unread = []
    }
    for await (const page of this.#list(options)) {
      for (const { key, metadata } of page) {
        if (metadata.t !== undefined) {
          yield [key, readRecord(metadata.t)]
          continue
        }
        if (unread.push(key) === BULK) read()
        if (reads.length > READS) yield* (await reads.shift()) ?? []
      }
    }
    read()
    for (const found of reads) yield* await found
  }

  async *liveKeys(now: number, options: KeysOptions = {}): AsyncIterable<string> {
    for await (const page of this.#list(options)) {
      for (const { key, metadata } of page) {
        if (metadata.x === undefined || isLive({ expires: metadata.x }, now)) yield key
      }
    }
  }

  async liveLen(now: number): Promise<number> {
    let count = 0
    for await (const _ of this.liveKeys(now)) count++
    return count
  }

  async clear(): Promise<void> {
    const names: string[] = []
    for await (const page of list(this.#kv, this.#base)) {
      for (const { name } of page) names.push(name)
      if (names.length < MAX_OPERATIONS) continue
      throw tooMany(
        'there are more keys than it could delete. Delete those that keys() lists, 900 in a request, until few are left, or use wrangler kv bulk delete.',
      )
    }
    await inParallel(names, (name) => this.#write(() => this.#kv.delete(name)))
  }

  async close(): Promise<void> {}

  async *#list({
    prefix = '',
  }: KeysOptions): AsyncGenerator<{ key: string; metadata: Metadata }[]> {
    // The simulator's listing finds nothing under a prefix with NUL in it.
    const [begin = ''] = prefix.split('\0', 1)
    for await (const page of list(this.#kv, this.#base + begin)) {
      const keys: { key: string; metadata: Metadata }[] = []
      for (const { name, metadata } of page) {
        const key = name.slice(this.#base.length)
        if (key.startsWith(prefix)) keys.push({ key, metadata: metadata ?? {} })
      }
      yield keys
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
      return partialFailure(error, changes, written)
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
        const limited =
          error instanceof StoreError && error.retryable && error.code === 'RATE_LIMITED'
        if (!limited || tries === WRITE_ATTEMPTS) throw error
        await new Promise((resolve) => setTimeout(resolve, 1000 + Math.random() * 500))
      }
    }
  }
}
