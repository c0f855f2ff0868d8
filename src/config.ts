import { quote, StoreError } from './errors.js'

/**
 * The bot's configuration, of which botshelf reads three names. A Worker's `env` is one:
 * `[vars]` in `wrangler.toml` can hold `STORAGE` and `STORAGE_CONFIG`, and bindings stand beside them.
 */
export interface BotConfig {
  /** The name of the storage plugin to use, as its manifest spells it. */
  readonly STORAGE?: string
  /** The plugin's own settings: an object, or the same as JSON text. */
  readonly STORAGE_CONFIG?: unknown
  /** Manifests besides those of the registry; the registry is searched first. */
  readonly BOT_EXTRA_STORAGE_PLUGINS?: unknown
}

/** One field of `STORAGE_CONFIG`, as a manifest describes it. */
export interface ConfigField {
  /** `binding` is a platform object, or the name of the property of the bot config that holds it. */
  readonly type: 'string' | 'number' | 'object' | 'binding'
  /** What the field is for, as half a sentence. */
  readonly doc: string
  readonly required?: boolean
  readonly default?: unknown
  /** The only values accepted. */
  readonly oneOf?: readonly string[]
  /** Is this object of the right kind? For `object` and `binding`. */
  readonly accepts?: (value: object) => boolean
  /** For `binding`: a name for it, as an example shows it. */
  readonly example?: string
  /** The lines of `wrangler.toml` that provide it; `$` stands for the binding's name. */
  readonly toml?: string
}

export type ConfigFields = Readonly<Record<string, ConfigField>>
export type StorageConfig = Readonly<Record<string, unknown>>

/**
 * Reads `STORAGE_CONFIG`: JSON text is parsed, every field is checked against its description,
 * defaults are filled in and bindings are looked up. Without descriptions it is taken as it stands.
 *
 * @throws StoreError `CONFIG_INVALID`, naming the field and the line that would mend it
 */
export function readStorageConfig(
  config: BotConfig | null | undefined,
  fields?: ConfigFields,
): StorageConfig {
  const given = parse(config?.STORAGE_CONFIG)
  if (fields === undefined) return given
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields, name)) {
      const known = Object.keys(fields).join(', ') || 'none'
      throw invalid(
        `STORAGE_CONFIG has a field ${quote(name)} that this plugin does not know. Known: ${known}.`,
      )
    }
  }
  const read: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const value = given[name] ?? field.default
    if (value !== undefined) read[name] = check(name, field, value, config)
    else if (field.required) throw missing(name, field)
  }
  return read
}

/** The error for a field that is not there, with the line that sets it. */
export function missing(name: string, field: ConfigField): StoreError {
  return invalid(`STORAGE_CONFIG.${name} is missing: ${field.doc}.${hint(name, field)}`)
}

function parse(given: unknown): StorageConfig {
  let value = given ?? {}
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value) as object
    } catch (cause) {
      throw invalid('STORAGE_CONFIG is text, but not JSON.', cause)
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('STORAGE_CONFIG must be a table of settings, in wrangler.toml or as JSON text.')
  }
  return value as StorageConfig
}

function check(
  name: string,
  field: ConfigField,
  value: unknown,
  config: BotConfig | null | undefined,
): unknown {
  const full = `STORAGE_CONFIG.${name}`
  if (field.type === 'string' || field.type === 'number') {
    if (typeof value !== field.type || Number.isNaN(value)) {
      throw invalid(`${full} must be a ${field.type}: ${field.doc}.${hint(name, field)}`)
    }
    if (field.oneOf && !field.oneOf.includes(value as string)) {
      throw invalid(
        `${full} must be one of ${field.oneOf.map(quote).join(', ')}; it is ${quote(value)}.`,
      )
    }
    return value
  }
  let bound = value
  if (typeof value === 'string' && field.type === 'binding') {
    bound = (config as Record<string, unknown> | undefined)?.[value]
    if (bound === undefined || bound === null) {
      const what = `${full} names ${quote(value)}, but the config has no such binding.`
      throw invalid(`${what}${hint(name, field, value)}`)
    }
  }
  if (typeof bound !== 'object' && typeof bound !== 'function') {
    throw invalid(`${full} must be ${field.doc}; it is a ${typeof bound}.${hint(name, field)}`)
  }
  if (field.accepts && !field.accepts(bound as object)) {
    const binding = typeof value === 'string' ? value : undefined
    throw invalid(
      `${full} is of the wrong kind; it must be ${field.doc}.${hint(name, field, binding)}`,
    )
  }
  return bound
}

/** The lines of `wrangler.toml` that set the field, and those that provide its binding. */
function hint(name: string, field: ConfigField, binding = field.example ?? '...'): string {
  if (field.type === 'object') return ''
  const value = field.type === 'number' ? '1000' : JSON.stringify(binding)
  const provider = field.toml ? `\n\n${field.toml.replaceAll('$', binding)}` : ''
  return ` In wrangler.toml:\n\n[vars]\nSTORAGE_CONFIG = { ${name} = ${value} }${provider}`
}

function invalid(message: string, cause?: unknown): StoreError {
  return new StoreError('CONFIG_INVALID', message, cause === undefined ? {} : { cause })
}
