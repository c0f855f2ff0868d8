import { type BotConfig, type ConfigFields, invalid, readStorageConfig } from './config.ts'
import { quote, StoreError } from './errors.ts'
import type { StoragePluginBase } from './storage.ts'

export type StoragePluginClass = new (config: BotConfig, fields?: ConfigFields) => StoragePluginBase

/** What the registry lists: one storage plugin by name. It takes the place of Errbot's `.plug` file. */
export interface Manifest {
  /** The name that `STORAGE` holds, matched exactly. */
  readonly name: string
  readonly description: string
  /**
   * What `STORAGE_CONFIG` may hold. With it, every field is checked and no other is accepted; the
   * plugin's constructor gets it as its second argument, for defaults and bindings.
   */
  readonly config?: ConfigFields
  /** The plugin class, or a promise of it: `import()` keeps an unused backend out of a bundle. */
  readonly load: () => StoragePluginClass | Promise<StoragePluginClass>
}

/** The plugins an application can be configured to use. */
export type StorageRegistry = readonly Manifest[]

/**
 * Makes the plugin that `config.STORAGE` names. The registry is searched first, then
 * `config.BOT_EXTRA_STORAGE_PLUGINS`.
 *
 * @throws StoreError `PLUGIN_NOT_FOUND`, `CONFIG_INVALID`
 */
export async function resolvePlugin(
  config: BotConfig,
  registry: StorageRegistry,
): Promise<StoragePluginBase> {
  const manifest = find(config?.STORAGE, [...registry, ...extras(config)])
  // Checked before anything is loaded; the plugin reads it by itself.
  readStorageConfig(config, manifest.config)
  const Plugin = await manifest.load()
  const plugin = typeof Plugin === 'function' ? new Plugin(config, manifest.config) : undefined
  if (typeof plugin?.open === 'function') return plugin
  throw invalid(
    `The manifest ${quote(manifest.name)} loads no plugin class; its load() gave ${String(Plugin)}.`,
  )
}

function find(name: unknown, manifests: readonly Manifest[]): Manifest {
  const names: string[] = []
  for (const manifest of manifests) {
    if (typeof manifest?.name !== 'string' || typeof manifest.load !== 'function')
      throw invalid('A manifest must have a name and a function load(); one has not.')
    if (names.includes(manifest.name))
      throw invalid(`Two manifests have the name ${quote(manifest.name)}.`)
    names.push(manifest.name)
  }
  const listed = names.map(quote).join(', ') || 'none'
  if (name === undefined) {
    throw invalid(
      `The configuration has no STORAGE; it names the storage plugin, one of ${listed}. In wrangler.toml:\n\n[vars]\nSTORAGE = ${quote(names[0] ?? '...')}`,
    )
  }
  const manifest = manifests.find((each) => each.name === name)
  if (manifest) return manifest
  const near = typeof name === 'string' && nearest(name, names)
  throw new StoreError(
    'PLUGIN_NOT_FOUND',
    `There is no storage plugin ${quote(name)}.${near ? ` Did you mean ${quote(near)}?` : ''} There are: ${listed}.`,
  )
}

function extras(config: BotConfig): readonly Manifest[] {
  const extra = config?.BOT_EXTRA_STORAGE_PLUGINS ?? []
  if (Array.isArray(extra)) return extra as Manifest[]
  throw invalid('BOT_EXTRA_STORAGE_PLUGINS must be a list of manifests.')
}

/** The name that shares the most pairs of neighbouring letters, if it shares two in five. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const wanted = pairsOf(name)
  const shared = (other: string): number => {
    const pairs = pairsOf(other)
    const both = pairs.filter((pair) => wanted.includes(pair))
    return (2 * both.length) / (pairs.length + wanted.length)
  }
  const [best = ''] = names.toSorted((a, b) => shared(b) - shared(a))
  return shared(best) >= 0.4 ? best : undefined
}

function pairsOf(name: string): string[] {
  const letters = name.toLowerCase()
  return Array.from(letters, (_, i) => letters.slice(i, i + 2))
}
