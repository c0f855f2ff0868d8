import { type BotConfig, type ConfigFields, invalidConfig, readStorageConfig } from './config.ts'
import { quote, StoreError } from './errors.ts'
import type { StoragePluginBase } from './storage.ts'
import { mustBeOneOf } from './name-errors.ts'

/** The class of a storage plugin, as a manifest loads it. */
export type StoragePluginClass = new (config: BotConfig, fields?: ConfigFields) => StoragePluginBase

/**
 * The registry's description of one storage plugin. It replaces the `.plug` file of Errbot.
 *
 * @example
 * const redis: Manifest = {
 *   name: 'Redis',
 *   description: 'Keeps data in a Redis server.',
 *   config: { url: { type: 'string', doc: 'the URL of the server', required: true } },
 *   load: async () => (await import('./redis.ts')).RedisStoragePlugin,
 * }
 */
export interface Manifest {
  /** The name that selects the plugin in `STORAGE`. It must match exactly. */
  readonly name: string
  /** What the plugin does, in a sentence for people. */
  readonly description: string
  /**
   * The fields that `STORAGE_CONFIG` may have. The runtime checks them before it loads the plugin,
   * and passes them to the plugin's constructor. Default: anything, unchecked.
   */
  readonly config?: ConfigFields | undefined
  /**
   * Returns the plugin class or a promise of it. Load it with `import()` to keep an unused backend
   * out of a bundle.
   */
  readonly load: () => StoragePluginClass | Promise<StoragePluginClass>
}

/** The manifests that `STORAGE` can select from. */
export type StorageRegistry = readonly Manifest[]

/**
 * Creates the plugin that `config.STORAGE` names. It searches `registry` first, then
 * `config.BOT_EXTRA_STORAGE_PLUGINS`.
 *
 * @throws StoreError `PLUGIN_NOT_FOUND`, `CONFIG_INVALID`
 */
export async function resolvePlugin(
  config: BotConfig,
  registry: StorageRegistry,
): Promise<StoragePluginBase> {
  const manifest = findManifest(config?.STORAGE, [
    ...readManifests('The second argument of start()', registry),
    ...readManifests('BOT_EXTRA_STORAGE_PLUGINS', config?.BOT_EXTRA_STORAGE_PLUGINS ?? []),
  ])
  // Check the settings before loading the plugin, whose constructor reads them again.
  readStorageConfig(config, manifest.config)
  const Plugin = await manifest.load()
  const plugin = typeof Plugin === 'function' ? new Plugin(config, manifest.config) : undefined
  if (typeof plugin?.open === 'function') return plugin
  throw invalidConfig(
    `load() of the manifest ${quote(manifest.name)} must return a plugin class; received ${quote(Plugin)}.`,
  )
}

function findManifest(selected: unknown, manifests: readonly Manifest[]): Manifest {
  let found: Manifest | undefined
  const names: string[] = []
  for (const manifest of manifests) {
    const { name, load } = manifest ?? {}
    if (typeof name !== 'string' || typeof load !== 'function') {
      throw invalidConfig(
        `Manifest ${names.length + 1} must have a name and a function load(); received name ${quote(name)} and load ${quote(load)}.`,
      )
    }
    if (names.includes(name))
      throw invalidConfig(`Two manifests have the name ${quote(name)}; rename or remove one.`)
    names.push(name)
    if (name === selected) found = manifest
  }
  if (found) return found
  const [first] = names
  if (first === undefined)
    throw invalidConfig('start() needs a manifest, such as memory; received none.')
  const message = `STORAGE ${mustBeOneOf(names, selected)}`
  if (selected !== undefined) throw new StoreError('PLUGIN_NOT_FOUND', message)
  throw invalidConfig(
    `${message} Set it in the config: { STORAGE: ${quote(first)} }. In wrangler.toml:\n\n[vars]\nSTORAGE = ${quote(first)}`,
  )
}

function readManifests(name: string, manifests: unknown): readonly Manifest[] {
  if (Array.isArray(manifests)) return manifests as Manifest[]
  throw invalidConfig(
    `${name} must be an array of manifests, such as [memory]; received ${quote(manifests)}.`,
  )
}
