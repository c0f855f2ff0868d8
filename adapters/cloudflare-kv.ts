// The Workers KV adapter
//
// A namespace is the keys `prefix/namespace:key` of one KV namespace. The value of a key is its
// entry as text. The metadata of a key has the expiry, and the whole text too if it fits into 1,024
// bytes, so that a listing of small entries reads no values. The files in cloudflare-kv/:
//
//   cloudflare-kv-storage.ts  the storage of one namespace: reads, writes, lists
//   listing.ts                lists keys in order
//   binding.ts                the calls to the platform, and its errors; see workers/platform-errors.ts
//   stored-entry.ts           converts an entry to the stored text and metadata, and back
//
// A write: KV has no transactions, so each change is one `put` or `delete`. Six groups are written
// at a time, the changes of a group one after another, or six at a time if all are removals. KV rejects a second write to a key within a
// second, so such a write is retried twice. The promise resolves when KV has accepted the writes.
// Other locations may read the previous value for 60 seconds or longer, and a location may not see
// its own writes. So with `allowLostUpdates`, a write within about 60 seconds of another to the same
// key may be lost, wherever it is made.

import type { BotConfig } from '../src/config.ts'
import { StoreError } from '../src/errors.ts'
import { escapeSeparators, unescapeSeparators } from '../src/key.ts'
import type { Manifest } from '../src/registry.ts'
import { type StorageBase, StoragePluginBase } from '../src/storage.ts'
import { utf8Bytes } from '../src/value/copy-value.ts'
import { isKVBinding, type KVBinding, listPages } from './cloudflare-kv/binding.ts'
import { CloudflareKVStorage, MAX_KEY_BYTES } from './cloudflare-kv/cloudflare-kv-storage.ts'

/**
 * The manifest of the Workers KV backend. Its `STORAGE_CONFIG`:
 *
 * - `binding`: the KV namespace, or the name of its binding; required
 * - `prefix`: what every key begins with; default `botshelf`
 *
 * @example
 * const config = { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'BOT_KV' }, ...env }
 * const runtime = await StorageRuntime.start(config, [cloudflareKV])
 */
export const cloudflareKV: Manifest = {
  name: 'CloudflareKV',
  description: 'Workers KV: eventually consistent, without atomic writes.',
  config: {
    binding: {
      type: 'binding',
      required: true,
      doc: 'the KV namespace that holds the data',
      accepts: isKVBinding,
      example: 'BOT_KV',
      toml: '[[kv_namespaces]]\nbinding = "$"\nid = "<its id>"',
    },
    prefix: {
      type: 'string',
      default: 'botshelf',
      doc: 'the prefix of every key in the KV namespace',
    },
  },
  load: () => CloudflareKVStoragePlugin,
}

/**
 * Opens namespaces in Workers KV. KV has no conditional write, so nothing is atomic. A write
 * resolves when KV has accepted it. Reads and listings may be 60 seconds old or older, which has
 * consequences:
 *
 * - With the option `allowLostUpdates` of the runtime, a write within about 60 seconds of another to
 *   the same key may be lost, wherever it is made. `pop` may give one value to two callers, and an
 *   `update` may undo that an expiry was prolonged.
 * - `clear` misses keys that were set just before.
 *
 * Limits:
 *
 * - 512 bytes for a key with prefix and namespace, 25 MiB for a value as text
 * - one write per second to a key; a write that comes too soon is retried twice, a second apart
 * - 1,000 operations in one invocation of a Worker. A read or a write that needs more rejects with
 *   `RATE_LIMITED` before it starts, and `clear` before it deletes anything. If earlier calls have
 *   used some, `clear` may fail midway, with the outcome `unknown`. A listing rejects where
 *   the limit is reached, and so does every later call of the invocation
 *
 * @example
 * const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_KV } })
 * const runtime = new StorageRuntime(plugin)
 */
export class CloudflareKVStoragePlugin extends StoragePluginBase {
  readonly #kv: KVBinding
  readonly #prefix: string

  /**
   * Reads the settings that {@link cloudflareKV} describes.
   *
   * @throws StoreError `CONFIG_INVALID`
   */
  constructor(config: BotConfig) {
    super(config, cloudflareKV.config)
    this.#kv = this.storageConfig['binding'] as KVBinding
    this.#prefix = `${escapeSeparators(this.storageConfig['prefix'] as string)}/`
  }

  /**
   * Opens a namespace, without I/O.
   *
   * @throws StoreError `INVALID_NAMESPACE` if it leaves no byte of a key's 512
   */
  async open(namespace: string): Promise<StorageBase> {
    const keyPrefix = `${this.#prefix}${escapeSeparators(namespace)}:`
    const bytes = utf8Bytes(keyPrefix)
    if (bytes < MAX_KEY_BYTES) return new CloudflareKVStorage(this.#kv, keyPrefix)
    throw new StoreError(
      'INVALID_NAMESPACE',
      `With its prefix the namespace takes ${bytes} bytes; Workers KV allows ${MAX_KEY_BYTES} for a key. Use a shorter one.`,
    )
  }

  override async *namespaces(): AsyncIterable<string> {
    let last: string | undefined
    for await (const page of listPages(this.#kv, this.#prefix)) {
      for (const { name } of page) {
        // Other software may have keys of another form.
        const [, namespace] = /^([^/:]+):/.exec(name.slice(this.#prefix.length)) ?? []
        // Keys are listed in byte order, so the keys of a namespace are adjacent.
        if (namespace !== undefined && namespace !== last) yield unescapeSeparators(namespace)
        last = namespace
      }
    }
  }
}
