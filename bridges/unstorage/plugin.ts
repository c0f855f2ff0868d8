import type { BotConfig } from '../../src/config.ts'
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
 *   `{ durable: false, consistency: 'eventual', maxKeyBytes: 80, maxValueBytes: Infinity }`
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
      doc: 'a driver of unstorage that can write',
      accepts: isDriver,
    },
    base: { type: 'string', default: 'botshelf', doc: 'what every key in the driver begins with' },
    traits: {
      type: 'object',
      default: {},
      doc: 'an object with durable (true or false), consistency ("strong" or "eventual"), maxKeyBytes and maxValueBytes (positive numbers), or some of them',
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

  /** Opens a namespace, without I/O. */
  async open(namespace: string): Promise<StorageBase> {
    const prefix = `${this.#prefix}${encodePart(namespace)}:`
    return new DriverStorage(this.#driver, prefix, this.storageConfig['traits'] as KnownTraits)
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
  const driver = value as Partial<UsedDriver>
  return [driver.getItem, driver.setItem, driver.removeItem, driver.getKeys].every(
    (method) => typeof method === 'function',
  )
}

const TRAIT_TYPES: Readonly<Record<string, (trait: unknown) => boolean>> = {
  durable: (trait) => typeof trait === 'boolean',
  consistency: (trait) => trait === 'strong' || trait === 'eventual',
  maxKeyBytes: (trait) => typeof trait === 'number' && trait > 0,
  maxValueBytes: (trait) => typeof trait === 'number' && trait > 0,
}

function isTraits(value: object): boolean {
  return Object.entries(value).every(
    ([name, trait]) => Object.hasOwn(TRAIT_TYPES, name) && TRAIT_TYPES[name]?.(trait),
  )
}
