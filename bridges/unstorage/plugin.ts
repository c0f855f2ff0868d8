import type { Driver } from 'unstorage'
import { type BotConfig, invalidConfig } from '../../src/config.ts'
import { quote, StoreError } from '../../src/errors.ts'
import type { Manifest } from '../../src/registry.ts'
import { type StorageBase, StoragePluginBase } from '../../src/storage.ts'
import { unknownOption } from '../../src/name-errors.ts'
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
    // The constructor checks the two objects, and says what is wrong in them.
    driver: { type: 'object', required: true, doc: 'a driver of unstorage that can write' },
    base: { type: 'string', default: 'botshelf', doc: 'what every key in the driver begins with' },
    traits: { type: 'object', default: {}, doc: 'an object with what is known about the driver' },
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
  readonly #traits: KnownTraits
  readonly #prefix: string

  /**
   * Reads the settings that {@link unstorage} describes.
   *
   * @throws StoreError `CONFIG_INVALID`
   */
  constructor(config: BotConfig) {
    super(config, unstorage.config)
    this.#driver = checkDriver(this.storageConfig['driver'])
    this.#traits = checkTraits(this.storageConfig['traits'] as object)
    this.#prefix = `${encodePart(this.storageConfig['base'] as string)}:`
  }

  /**
   * Opens a namespace, without I/O.
   *
   * @throws StoreError `INVALID_NAMESPACE` if it leaves no byte for a key
   */
  async open(namespace: string): Promise<StorageBase> {
    const prefix = `${this.#prefix}${encodePart(namespace)}:`
    const storage = new DriverStorage(this.#driver, prefix, this.#traits)
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

const METHODS = ['getItem', 'setItem', 'removeItem', 'getKeys'] as const

function checkDriver(value: unknown): UsedDriver {
  const driver = value as Partial<UsedDriver & Pick<Driver<{ readOnly?: boolean }>, 'options'>>
  const invalid = (problem: string): StoreError =>
    invalidConfig(
      `STORAGE_CONFIG.driver must be a driver of unstorage that can write; received ${quote(value)}. ${problem}`,
    )
  if (typeof value === 'function') throw invalid('Call it, and pass what it returns.')
  // The file drivers resolve a write without doing it.
  if (driver.options?.readOnly === true) throw invalid('Its readOnly is true; leave it out.')
  const missing = METHODS.filter((method) => typeof driver[method] !== 'function')
  if (missing.length > 0) throw invalid(`It lacks ${missing.join(', ')}.`)
  return driver as UsedDriver
}

type TraitCheck = readonly [expected: string, accepts: (trait: unknown) => boolean]

const LIMIT: TraitCheck = [
  'a number of at least 1',
  (trait) => typeof trait === 'number' && trait >= 1,
]
const TRAIT_CHECKS: Readonly<Record<string, TraitCheck>> = {
  durable: ['true or false', (trait) => typeof trait === 'boolean'],
  consistency: ['"strong" or "eventual"', (trait) => trait === 'strong' || trait === 'eventual'],
  maxKeyBytes: LIMIT,
  maxValueBytes: LIMIT,
}

function checkTraits(traits: object): KnownTraits {
  const names = Object.keys(TRAIT_CHECKS)
  for (const [name, trait] of Object.entries(traits)) {
    const check = Object.hasOwn(TRAIT_CHECKS, name) ? TRAIT_CHECKS[name] : undefined
    if (!check) throw invalidConfig(unknownOption('STORAGE_CONFIG.traits', name, names))
    const [expected, accepts] = check
    if (!accepts(trait)) {
      throw invalidConfig(
        `STORAGE_CONFIG.traits.${name} must be ${expected}; received ${quote(trait)}.`,
      )
    }
  }
  return traits
}
