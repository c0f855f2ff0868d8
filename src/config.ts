import { quote, StoreError, type StoreErrorDetails } from './errors.ts'

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
  return wrong(name, field, `is missing: ${field.doc}.`)
}

export function invalid(message: string, details?: StoreErrorDetails): StoreError {
  return new StoreError('CONFIG_INVALID', message, details)
}

function parse(given: unknown): StorageConfig {
  let value: unknown = given ?? {}
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value)
    } catch (cause) {
      throw invalid('STORAGE_CONFIG is text, but not JSON.', { cause })
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
  given: unknown,
  config: BotConfig | null | undefined,
): unknown {
  const { type, doc, oneOf, accepts } = field
  if (type === 'string' || type === 'number') {
    if (typeof given !== type || Number.isNaN(given))
      throw wrong(name, field, `must be a ${type}: ${doc}.`)
    if (oneOf && !oneOf.includes(given as string))
      throw wrong(
        name,
        field,
        `must be one of ${oneOf.map(quote).join(', ')}; it is ${quote(given)}.`,
      )
    return given
  }
  const named = type === 'binding' && typeof given === 'string' ? given : undefined
  const value = named === undefined ? given : (config as Record<string, unknown> | null)?.[named]
  if (named !== undefined && (value ?? undefined) === undefined)
    throw wrong(name, field, `names ${quote(named)}, but the config has no such binding.`, named)
  if (typeof value !== 'object' && typeof value !== 'function')
    throw wrong(name, field, `must be ${doc}; it is a ${typeof value}.`)
  if (accepts && !accepts(value as object))
    throw wrong(name, field, `is of the wrong kind; it must be ${doc}.`, named)
  return value
}

/** The error for a field, with the lines of `wrangler.toml` that set it and provide its binding. */
function wrong(
  name: string,
  { type, oneOf, example = oneOf?.[0] ?? '...', toml = '' }: ConfigField,
  what: string,
  binding: string = example,
): StoreError {
  const value = type === 'number' ? '1000' : JSON.stringify(binding)
  const lines = `[vars]\nSTORAGE_CONFIG = { ${name} = ${value} }\n\n${toml.replaceAll('$', binding)}`
  return invalid(
    `STORAGE_CONFIG.${name} ${what}${type === 'object' ? '' : ` In wrangler.toml:\n\n${lines.trimEnd()}`}`,
  )
}
