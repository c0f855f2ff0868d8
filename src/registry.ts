import { type BotConfig, type ConfigFields, readStorageConfig } from './config.js'
import { quote, StoreError } from './errors.js'
import type { StoragePluginBase } from './storage.js'

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
  if (typeof plugin?.open !== 'function') {
    throw invalid(
      `The manifest ${quote(manifest.name)} loads no plugin class; its load() gave ${String(Plugin)}.`,
    )
  }
  return plugin
}

function find(name: unknown, manifests: readonly Manifest[]): Manifest {
  const byName = new Map<string, Manifest>()
  for (const manifest of manifests) {
    if (typeof manifest?.name !== 'string' || typeof manifest.load !== 'function') {
      throw invalid('A manifest must have a name and a function load(); one has not.')
    }
    if (byName.has(manifest.name))
      throw invalid(`Two manifests have the name ${quote(manifest.name)}.`)
    byName.set(manifest.name, manifest)
  }
  const names = [...byName.keys()]
  const listed = names.map(quote).join(', ') || 'none'
  if (name === undefined) {
    throw invalid(
      `The configuration has no STORAGE; it names the storage plugin, one of ${listed}. In wrangler.toml:\n\n[vars]\nSTORAGE = ${quote(names[0] ?? '...')}`,
    )
  }
  const manifest = typeof name === 'string' ? byName.get(name) : undefined
  if (manifest) return manifest
  const near = typeof name === 'string' ? nearest(name, names) : undefined
  const advice = near === undefined ? '' : ` Did you mean ${quote(near)}?`
  throw new StoreError(
    'PLUGIN_NOT_FOUND',
    `There is no storage plugin ${quote(name)}.${advice} There are: ${listed}.`,
  )
}

function extras(config: BotConfig): readonly Manifest[] {
  const extra = config?.BOT_EXTRA_STORAGE_PLUGINS ?? []
  if (Array.isArray(extra)) return extra as Manifest[]
  throw invalid('BOT_EXTRA_STORAGE_PLUGINS must be a list of manifests.')
}

function nearest(name: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.far - b.far)
  const best = ranked[0]
  return best !== undefined && best.far <= Math.max(2, name.length / 2) ? best.candidate : undefined
}

/** Levenshtein's: how many letters must change, come or go. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}

function invalid(message: string): StoreError {
  return new StoreError('CONFIG_INVALID', message)
}
