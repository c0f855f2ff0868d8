import type { Driver } from 'unstorage'
import type { BotConfig } from '../../src/config.ts'
import { quote, StoreError } from '../../src/errors.ts'
import type { Manifest } from '../../src/registry.ts'
import { type StorageBase, StoragePluginBase } from '../../src/storage.ts'
import { DriverStorage, type KnownTraits, listKeys, type UsedDriver } from './driver-storage.ts'
import { decodePart, encodePart } from './key-encoding.ts'

/**
 * The manifest of a backend that is a driver of unstorage. Its `STORAGE_CONFIG`:
 *
 * - `driver`: the driver, or a storage of unstorage; required. The caller disposes it.
 * - `base`: what every key in the driver begins with; default `botshelf`
 * - `traits`: what is known about the driver. Default: the least that a driver promises, which is
 *   `{ durable: false, consistency: 'eventual', maxValueBytes: Infinity }`, and a `maxKeyBytes` that
 *   keeps every key of the driver within 512 bytes
 *
 * @example
 * const config = { STORAGE: 'Unstorage', STORAGE_CONFIG: { driver: redisDriver({ url }) } }
 * const runtime = await StorageRuntime.start(config, [unstorage])
 */
export const unstorage: Manifest = {
  name: 'Unstorage',
  description: 'A driver of unstorage, without atomic writes.',
  config: {
    driver: {
      type: 'object',
      required: true,
      doc: 'a driver of unstorage that can write (its readOnly is not true)',
      accepts: isDriver,
    },
    base: { type: 'string', default: 'botshelf', doc: 'what every key in the driver begins with' },
    traits: {
      type: 'object',
      default: {},
      doc: 'an object with durable (true or false), consistency ("strong" or "eventual"), maxKeyBytes and maxValueBytes (numbers of at least 1), or some of them',
      accepts: isTraits,
    },
  },
  load: () => UnstorageStoragePlugin,
}

/**
 * Opens namespaces in a driver of unstorage. A driver has no conditional write, so nothing is atomic,
 * and no client learns of the writes of another. A key is stored as `base:namespace:key`, each part
 * in lower case letters, digits, `_` and `-`, so that it is safe as a file name on every system.
 *
 * @see https://unstorage.unjs.io/drivers
 *
 * @example
 * const driver = fsLite({ base: './data' })
 * const runtime = new StorageRuntime(new UnstorageStoragePlugin({ STORAGE_CONFIG: { driver } }))
 */
export class UnstorageStoragePlugin extends StoragePluginBase {
  readonly #driver: UsedDriver
  readonly #prefix: string

  /**
   * Reads the settings that {@link unstorage} describes.
   *
   * @throws StoreError `CONFIG_INVALID`
   */
  constructor(config: BotConfig) {
    super(config, unstorage.config)
    this.#driver = this.storageConfig['driver'] as UsedDriver
    this.#prefix = `${encodePart(this.storageConfig['base'] as string)}:`
  }

  /**
   * Opens a namespace, without I/O.
   *
   * @throws StoreError `INVALID_NAMESPACE` if it leaves no byte for a key
   */
  async open(namespace: string): Promise<StorageBase> {
    const prefix = `${this.#prefix}${encodePart(namespace)}:`
    const storage = new DriverStorage(
      this.#driver,
      prefix,
      this.storageConfig['traits'] as KnownTraits,
    )
    if (storage.traits.maxKeyBytes >= 1) return storage
    throw new StoreError(
      'INVALID_NAMESPACE',
      `The base and the namespace must take at most 506 bytes in the keys of the driver; received ${prefix.length}: ${quote(namespace)}. Shorten it, or set traits.maxKeyBytes to what the driver takes.`,
      { namespace },
    )
  }

  override async *namespaces(): AsyncIterable<string> {
    const found = new Set<string>()
    for (const key of await listKeys(this.#driver, this.#prefix)) {
      const namespace = decodePart(key.slice(0, key.indexOf('-:') + 1))
      if (namespace !== undefined) found.add(namespace)
    }
    yield* found
  }
}

function isDriver(value: object): boolean {
  const driver = value as Partial<UsedDriver & Pick<Driver<{ readOnly?: boolean }>, 'options'>>
  // The file drivers resolve a write without doing it.
  if (driver.options?.readOnly === true) return false
  return [driver.getItem, driver.setItem, driver.removeItem, driver.getKeys].every(
    (method) => typeof method === 'function',
  )
}

const TRAIT_TYPES: Readonly<Record<string, (trait: unknown) => boolean>> = {
  durable: (trait) => typeof trait === 'boolean',
  consistency: (trait) => trait === 'strong' || trait === 'eventual',
  maxKeyBytes: (trait) => typeof trait === 'number' && trait >= 1,
  maxValueBytes: (trait) => typeof trait === 'number' && trait >= 1,
}

function isTraits(value: object): boolean {
  return Object.entries(value).every(
    ([name, trait]) => Object.hasOwn(TRAIT_TYPES, name) && TRAIT_TYPES[name]?.(trait),
  )
}
