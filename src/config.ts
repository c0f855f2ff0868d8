import { quote, StoreError, type StoreErrorDetails } from './errors.ts'
import { mustBeOneOf, unknownOption } from './name-errors.ts'

/**
 * The bot's configuration. botshelf reads three of its properties and, for bindings, the one that a
 * plugin's settings name. In a Worker, `env` is the configuration: `[vars]` in `wrangler.toml` sets
 * `STORAGE` and `STORAGE_CONFIG`.
 *
 * @example
 * const config: BotConfig = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'my-bot' } }
 */
export interface BotConfig {
  /** The name of the storage plugin, as its manifest spells it. */
  readonly STORAGE?: string | undefined
  /** The settings of that plugin: an object, or its JSON text. */
  readonly STORAGE_CONFIG?: unknown
  /** An array of more manifests. The registry is searched first. */
  readonly BOT_EXTRA_STORAGE_PLUGINS?: unknown
}

/**
 * The description of one field of `STORAGE_CONFIG`, in a manifest.
 *
 * @example
 * const prefix: ConfigField = { type: 'string', doc: 'the start of every key', default: 'bot' }
 */
export interface ConfigField {
  /**
   * `duration`: a number of milliseconds from 1 to 2,147,483,647. `binding`: a platform's object, or
   * the name of the config's property that holds it.
   */
  readonly type: 'string' | 'number' | 'duration' | 'object' | 'binding'
  /** What the field is, for error messages: a noun phrase without capital or full stop. */
  readonly doc: string
  /** Whether the field must be present. Default false. */
  readonly required?: boolean | undefined
  /** The value if the field is absent. */
  readonly default?: unknown
  /** The values that a string may have. Default: any. */
  readonly oneOf?: readonly string[] | undefined
  /** Tests whether an `object` or a `binding` is of the right kind. Default: any object is. */
  readonly accepts?: ((value: object) => boolean) | undefined
  /** A name for the `binding` in the example of an error message. */
  readonly example?: string | undefined
  /** The lines of `wrangler.toml` that declare a `binding`, with `$` in place of its name. */
  readonly toml?: string | undefined
}

/** The limits of a `duration`, for error messages: `setTimeout` fires a longer delay immediately. */
export const DURATION_LIMITS = 'between 1 and 2147483647 ms'

/** The field that every plugin has. The runtime applies it. */
const OPERATION_TIMEOUT: ConfigField = {
  type: 'duration',
  doc: 'the time limit of each call to the backend',
}

/** The fields of `STORAGE_CONFIG`, by name. */
export type ConfigFields = Readonly<Record<string, ConfigField>>

/**
 * The settings of a plugin. If the manifest has `config`, they are checked, defaults are filled in,
 * and bindings are looked up.
 */
export type StorageConfig = Readonly<Record<string, unknown>>

/**
 * Reads `STORAGE_CONFIG`: parses JSON text, checks every field, fills in defaults and looks up
 * bindings. Without `fields` it checks `operationTimeout` only, which every plugin has.
 *
 * @throws StoreError `CONFIG_INVALID` with the name of the field and, for `wrangler.toml`, the lines
 * that correct it
 */
export function readStorageConfig(
  config: BotConfig | null | undefined,
  fields?: ConfigFields,
): StorageConfig {
  const settings = parseSettings(config?.STORAGE_CONFIG)
  const known: ConfigFields = { ...fields, operationTimeout: OPERATION_TIMEOUT }
  const unknown = fields && Object.keys(settings).find((name) => !Object.hasOwn(known, name))
  if (unknown !== undefined)
    throw invalidConfig(unknownOption('STORAGE_CONFIG', unknown, Object.keys(known)))
  const read: Record<string, unknown> = fields ? {} : { ...settings }
  for (const [name, field] of Object.entries(known)) {
    const value = settings[name] ?? field.default
    if (value !== undefined) read[name] = readField(name, field, value, config)
    else if (field.required) throw invalidField(name, field, `is missing: ${field.doc}.`)
  }
  return read
}

/** Creates a `CONFIG_INVALID` error. */
export function invalidConfig(message: string, details?: StoreErrorDetails): StoreError {
  return new StoreError('CONFIG_INVALID', message, details)
}

function parseSettings(settings: unknown): StorageConfig {
  const isText = typeof settings === 'string'
  let value = settings ?? {}
  try {
    if (isText) value = JSON.parse(settings)
  } catch {
    // The error quotes the text, which may contain a secret.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as StorageConfig
  throw invalidConfig(
    `STORAGE_CONFIG must be an object or its JSON text; received ${isText ? 'other text' : quote(value)}.`,
  )
}

function readField(
  name: string,
  field: ConfigField,
  setting: unknown,
  config: BotConfig | null | undefined,
): unknown {
  const { type, doc, oneOf, accepts } = field
  let expected = doc
  if (type === 'duration') {
    if (isDuration(setting)) return setting
    expected += `, ${DURATION_LIMITS}`
  } else if (type === 'string' || type === 'number') {
    if (typeof setting === type && !Number.isNaN(setting)) {
      if (!oneOf || oneOf.includes(setting as string)) return setting
      throw invalidConfig(`STORAGE_CONFIG.${name} ${mustBeOneOf(oneOf, setting)}`)
    }
    expected = `a ${type} (${doc})`
  } else if (type === 'binding' && typeof setting === 'string') {
    const values = (config ?? {}) as Record<string, unknown>
    const value = values[setting]
    if (isAccepted(value, accepts)) return value
    // Of text show only the type: it may be a secret.
    const kind = `, which is ${typeof value === 'string' ? 'a string' : quote(value)}`
    const names = Object.keys(values).filter((key) => accepts && isAccepted(values[key], accepts))
    throw names.length > 0
      ? invalidConfig(`STORAGE_CONFIG.${name} ${mustBeOneOf(names, setting, kind)}`)
      : invalidField(
          name,
          field,
          `must name the binding (${doc}); received ${quote(setting)}${kind}.`,
          setting,
        )
  } else {
    if (isAccepted(setting, accepts)) return setting
    if (type === 'binding') expected += ', or the name of its binding'
  }
  throw invalidField(name, field, `must be ${expected}; received ${quote(setting)}.`)
}

/** Tests whether a value is a time limit in milliseconds that a timer can have. */
export function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 1 && value <= 2 ** 31 - 1
}

function isAccepted(value: unknown, accepts: ConfigField['accepts']): boolean {
  const isObject = typeof value === 'object' || typeof value === 'function'
  return isObject && value !== null && (accepts?.(value) ?? true)
}

/**
 * Creates the error for a field. For a binding it shows the lines of `wrangler.toml` that set it; for
 * another field such lines would drop the other settings.
 *
 * @param problem the rest of a sentence whose subject is the field
 */
export function invalidField(
  name: string,
  { type, example = '...', toml = '' }: ConfigField,
  problem: string,
  binding: string = example,
): StoreError {
  const lines = `[vars]\nSTORAGE_CONFIG = { ${name} = ${JSON.stringify(binding)} }\n\n${toml.replaceAll('$', binding)}`
  const help = type === 'binding' ? ` In wrangler.toml:\n\n${lines.trimEnd()}` : ''
  return invalidConfig(`STORAGE_CONFIG.${name} ${problem}${help}`)
}
