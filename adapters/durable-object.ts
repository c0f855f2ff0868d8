// The Durable Object adapter
//
// From a Worker, a namespace is one object of the class `StorageObject`, named `prefix/namespace`.
// The object named `prefix/` is the index of namespaces, which has a key for each namespace.
// Inside an object, a namespace is the keys `botshelf/1/prefix/namespace:key` of its `ctx.storage`.
// The files in durable-object/:
//
//   namespace-opener.ts      opens, lists and drops namespaces, from a Worker or inside an object
//   rpc-object-storage.ts    the storage of one namespace, from a Worker: sends messages
//   rpc-turns.ts             its turns, which the object grants
//   message-size.ts          measures messages, and splits what does not fit into one
//   protocol.ts              the messages
//   check-message.ts         checks the messages that an object receives
//   group-writer.ts          runs the write messages in a `StorageObject`, each once
//   turn-order.ts            the order of the clients that write the same keys
//   write-history.ts         the latest writes of a key: what became of a group of changes
//   counting-engine.ts       the engine of a `StorageObject`: counts entries, and keeps histories
//   local-object-storage.ts  the storage of one namespace, inside an object: calls an engine
//   object-engine.ts         reads and writes one namespace in `ctx.storage`
//   group-plan.ts            the conditions and steps of one group
//   object-storage-base.ts   what both storages share
//   tuples.ts                converts entries and changes to the stored form and back
//   errors.ts                converts the platform's errors to StoreError; see workers/platform-errors.ts
//
// A write from a Worker: the groups of a batch are one message, or several if they exceed 24 MiB.
// For each group, the object compares the versions, runs the steps and writes the changes in one
// synchronous step. Its reply leaves when the writes are on disk (the output gate); then the promise
// resolves. The first write to a namespace also adds it to the index.
//
// The object keeps the last replies in memory and the latest writes of a key with its entry, so a
// message that is delivered twice runs once. If the object was reset between, a `set` without condition
// runs again if the platform delivers it again. If a reply is lost, the client sends the message again.
//
// A client that lost a race requests a turn. The reply has the entries, and until the client's next
// write, or the end of the lease, the object keeps these keys for it: of other clients, conditional
// groups are conflicts, and other groups wait. Turns are lost when the object is reset.
//
// A write inside an object: the same step, without messages and without an index. The object's
// output gate holds back every message to the outside until the write is on disk.

import { type BotConfig, invalidConfig, invalidField } from '../src/config.ts'
import { quote, StoreError } from '../src/errors.ts'
import { escapeSeparators, unescapeSeparators } from '../src/key.ts'
import type { Manifest } from '../src/registry.ts'
import { type StorageBase, type StorageHost, StoragePluginBase } from '../src/storage.ts'
import { utf8Bytes } from '../src/value/copy-value.ts'
import { MIGRATION_TOML } from './durable-object/errors.ts'
import {
  createLocalOpener,
  createRpcOpener,
  type NamespaceOpener,
  type ObjectBinding,
  type ObjectLocation,
} from './durable-object/namespace-opener.ts'
import {
  FORMAT_PREFIX,
  MAX_KEY_BYTES,
  type PlatformStorage,
} from './durable-object/object-engine.ts'

const bindingField = {
  type: 'binding',
  doc: 'the Durable Object namespace whose class is StorageObject',
  accepts: isObjectBinding,
  example: 'BOT_STORAGE',
  toml: `[[durable_objects.bindings]]
name = "$"
class_name = "StorageObject"

${MIGRATION_TOML}`,
} as const

/**
 * The manifest of the Durable Object backend, for SQLite-backed objects. Its `STORAGE_CONFIG` has
 * `binding` or `storage`:
 *
 * - `binding`: in a Worker, the Durable Object namespace of `StorageObject`, or its binding's name
 * - `storage`: inside an object, its `ctx.storage`
 * - `prefix`: the name that separates bots which share a binding or object; default `botshelf`
 * - `locationHint`: with `binding`, where Cloudflare should create new objects, for example `weur`
 * - `jurisdiction`: with `binding`, where all objects stay, for example `eu`. A jurisdiction has
 *   objects of its own, so setting or changing it moves no data
 *
 * @example
 * const config = { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'BOT_STORAGE' }, ...env }
 * const runtime = await StorageRuntime.start(config, [durableObject])
 */
export const durableObject: Manifest = {
  name: 'DurableObject',
  description: 'Durable Objects: strongly consistent and atomic.',
  config: {
    binding: bindingField,
    storage: {
      type: 'object',
      doc: 'the ctx.storage of an object whose class is listed under new_sqlite_classes',
      accepts: isPlatformStorage,
    },
    prefix: {
      type: 'string',
      default: 'botshelf',
      doc: 'the name that separates bots which share a binding or object',
    },
    locationHint: {
      type: 'string',
      oneOf: [
        'wnam',
        'enam',
        'sam',
        'weur',
        'eeur',
        'apac',
        'apac-ne',
        'apac-se',
        'oc',
        'afr',
        'me',
      ],
      doc: 'in a Worker, the region in which Cloudflare should create new objects',
    },
    jurisdiction: {
      type: 'string',
      oneOf: ['eu', 'us', 'fedramp', 'fedramp-high'],
      doc: 'in a Worker, the jurisdiction in which the objects stay; another one, or none, has other objects, and no data is moved',
    },
  },
  load: () => DurableObjectStoragePlugin,
}

/**
 * Opens namespaces in Durable Objects.
 *
 * - From a Worker (`binding`), each namespace is an object of its own. Writes are atomic for every
 *   client, and resolve when they are on disk.
 * - Inside an object (`storage`), a namespace is a range of its keys. Writes are atomic within the
 *   object, and no message leaves it before they are on disk. Its alarm stays untouched.
 *
 * Limits: 2,048 bytes for a key and for a namespace with its prefix, 2,000,000 for a value with its
 * key.
 *
 * @example
 * // Inside an object of your own:
 * const plugin = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage: this.ctx.storage } })
 * const store = await new StorageRuntime(plugin).open('Karma')
 */
export class DurableObjectStoragePlugin extends StoragePluginBase {
  readonly #opener: NamespaceOpener
  readonly #prefix: string

  /**
   * Reads the settings that {@link durableObject} describes.
   *
   * @throws StoreError `CONFIG_INVALID`
   */
  constructor(config: BotConfig) {
    super(config, durableObject.config)
    const { binding, storage, prefix, locationHint, jurisdiction } = this.storageConfig
    this.#prefix = `${escapeSeparators(prefix as string)}/`
    if ((binding === undefined) === (storage === undefined)) {
      throw invalidField(
        'binding',
        bindingField,
        `must be set in a Worker, or storage inside an object; received ${binding ? 'both' : 'neither'}.`,
      )
    }
    if (storage === undefined) {
      const location = { locationHint, jurisdiction } as ObjectLocation
      this.#opener = createRpcOpener(binding as ObjectBinding, this.#prefix, location)
      return
    }
    checkNotSet('locationHint', locationHint)
    checkNotSet('jurisdiction', jurisdiction)
    this.#opener = createLocalOpener(storage as PlatformStorage, FORMAT_PREFIX + this.#prefix)
  }

  /**
   * Opens a namespace, without I/O.
   *
   * @throws StoreError `INVALID_NAMESPACE` if it is longer than 2,048 bytes with its prefix
   */
  async open(namespace: string): Promise<StorageBase> {
    return this.#opener.open(this.#escape(namespace))
  }

  /**
   * Removes a namespace: from a Worker, all that its object stores; inside an object, its keys.
   *
   * @throws StoreError as `open`
   */
  override async drop(namespace: string, host?: StorageHost): Promise<void> {
    if (this.#opener.drop) await this.#opener.drop(this.#escape(namespace))
    else await super.drop(namespace, host)
  }

  override async *namespaces(): AsyncIterable<string> {
    for await (const escaped of this.#opener.namespaces()) yield unescapeSeparators(escaped)
  }

  #escape(namespace: string): string {
    const escaped = escapeSeparators(namespace)
    // The index of namespaces has it as a key. Were it longer, its data could not be listed.
    const bytes = utf8Bytes(this.#prefix + escaped)
    if (bytes <= MAX_KEY_BYTES) return escaped
    throw new StoreError(
      'INVALID_NAMESPACE',
      `With its prefix the namespace takes ${bytes} bytes; at most ${MAX_KEY_BYTES} fit. Shorten it.`,
    )
  }
}

/** @throws StoreError `CONFIG_INVALID` if a field that works only with `binding` is set */
function checkNotSet(name: string, value: unknown): void {
  if (value === undefined) return
  throw invalidConfig(
    `STORAGE_CONFIG.${name} works only with binding, and has no effect inside an object; received ${quote(value)} together with storage. Leave it out.`,
  )
}

function isObjectBinding(value: object): boolean {
  const binding = value as Partial<Record<'idFromName' | 'get' | 'fetch', unknown>>
  // A service binding has every method, but unlike a namespace of objects it has `fetch` too.
  return (
    typeof binding.idFromName === 'function' &&
    typeof binding.get === 'function' &&
    typeof binding.fetch !== 'function'
  )
}

function isPlatformStorage(value: object): boolean {
  const storage = value as Partial<PlatformStorage>
  return typeof storage.kv === 'object' && typeof storage.transactionSync === 'function'
}
