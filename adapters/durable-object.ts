import type { BotConfig } from '../src/config.ts'
import { missingField } from '../src/config.ts'
import { StoreError } from '../src/errors.ts'
import { escapeSeparators, unescapeSeparators } from '../src/key.ts'
import type { Manifest } from '../src/registry.ts'
import { type StorageBase, StoragePluginBase } from '../src/storage.ts'
import { utf8Bytes } from '../src/value/copy-value.ts'
import { MAX_KEY_BYTES, type ObjectStorage, ROOT } from './durable-object/engine.ts'
import { LocalObjectStorage } from './durable-object/local-storage.ts'
import { type ObjectBinding, RpcObjectStorage } from './durable-object/rpc-storage.ts'

const binding = {
  type: 'binding',
  doc: 'from a Worker, the Durable Object namespace whose class is StorageObject',
  accepts: isObjectNamespace,
  example: 'BOT_STORAGE',
  toml: `[[durable_objects.bindings]]
name = "$"
class_name = "StorageObject"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["StorageObject"]`,
} as const

export const durableObject: Manifest = {
  name: 'DurableObject',
  description:
    'SQLite-backed Durable Objects: strongly consistent and atomic, from a Worker or inside an object.',
  config: {
    binding,
    storage: {
      type: 'object',
      doc: 'inside an object, its ctx.storage; the class must be listed under new_sqlite_classes',
      accepts: isObjectStorage,
    },
    prefix: {
      type: 'string',
      default: 'botshelf',
      doc: 'tells apart bots that share one binding or one object',
    },
  },
  load: () => DurableObjectStoragePlugin,
}

/**
 * From a Worker (`binding`) a namespace is an object of its own, named `prefix/namespace`, of the
 * class `StorageObject`: atomic for every client, and a write that resolved is on disk. Inside an
 * object (`storage`) a namespace is a range of its keys: atomic within it, no message leaves the
 * object before the write is on disk, and the object's alarm is never touched. A key takes at
 * most 2,048 bytes, a namespace with its prefix too, a value with its key 2,000,000.
 */
export class DurableObjectStoragePlugin extends StoragePluginBase {
  readonly #backend: Backend
  readonly #base: string

  /** @throws StoreError `CONFIG_INVALID` */
  constructor(config: BotConfig) {
    super(config, durableObject.config)
    const { binding: objects, storage, prefix } = this.storageConfig
    const base = `${escapeSeparators(prefix as string)}/`
    this.#base = base
    if (objects !== undefined && storage !== undefined) {
      throw new StoreError(
        'CONFIG_INVALID',
        'STORAGE_CONFIG has both binding and storage; a Worker sets binding, an object storage.',
      )
    }
    if (objects !== undefined) this.#backend = remote(objects as ObjectBinding, base)
    else if (storage !== undefined) this.#backend = inside(storage as ObjectStorage, ROOT + base)
    else throw missingField('binding', binding)
  }

  async open(namespace: string): Promise<StorageBase> {
    const escaped = escapeSeparators(namespace)
    // The index of namespaces keeps it as a key. What is no key there could be stored and never listed.
    const bytes = utf8Bytes(this.#base + escaped)
    if (bytes <= MAX_KEY_BYTES) return this.#backend.open(escaped)
    throw new StoreError(
      'INVALID_NAMESPACE',
      `With its prefix the namespace takes ${bytes} bytes; at most ${MAX_KEY_BYTES} fit here.`,
    )
  }

  override async *namespaces(): AsyncIterable<string> {
    for await (const escaped of this.#backend.namespaces()) yield unescapeSeparators(escaped)
  }
}

// The two sides of the adapter; namespaces are escaped here.
interface Backend {
  open(namespace: string): StorageBase
  namespaces(): AsyncIterable<string>
}

function remote(objects: ObjectBinding, base: string): Backend {
  // The object of the empty namespace, which no store can open, keeps the names of the others.
  const index = new RpcObjectStorage(objects, base)
  return {
    open(namespace) {
      const storage = new RpcObjectStorage(objects, base + namespace, async () => {
        // Should this fail, the object says with its next commit that it is still not listed.
        try {
          await index.set(namespace, { value: null, version: namespace })
          await storage.listed()
        } catch {
          return
        }
      })
      return storage
    },
    namespaces: () => index.keys(),
  }
}

function inside(storage: ObjectStorage, base: string): Backend {
  return {
    open: (namespace) => new LocalObjectStorage(storage, `${base}${namespace}:`),
    async *namespaces() {
      let start = base
      for (;;) {
        const [first] = storage.kv.list({ prefix: base, start, limit: 1 })
        if (first === undefined) return
        const namespace = first[0].slice(base.length, first[0].indexOf(':'))
        yield namespace
        // A semicolon is what follows a colon: on to the first key of another namespace.
        start = `${base}${namespace};`
      }
    },
  }
}

function isObjectNamespace(value: object): boolean {
  const objects = value as Partial<Record<'idFromName' | 'get' | 'fetch', unknown>>
  return (
    typeof objects.idFromName === 'function' &&
    typeof objects.get === 'function' &&
    typeof objects.fetch !== 'function'
  )
}

function isObjectStorage(value: object): boolean {
  const storage = value as Partial<ObjectStorage>
  return typeof storage.kv === 'object' && typeof storage.transactionSync === 'function'
}
