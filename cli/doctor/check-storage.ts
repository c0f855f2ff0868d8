import { cloudflareKV } from '../../adapters/cloudflare-kv.ts'
import { durableObject } from '../../adapters/durable-object.ts'
import { indexeddb } from '../../adapters/indexeddb.ts'
import { memory } from '../../adapters/memory.ts'
import type { BotConfig } from '../../src/config.ts'
import { isStoreError, type StoreError } from '../../src/errors.ts'
import { StorageRuntime } from '../../src/runtime.ts'
import type { Check } from './check.ts'
import { asTable, asTables, formatLines, type WranglerConfig } from './wrangler-config.ts'

const MANIFESTS = [durableObject, cloudflareKV, memory, indexeddb]
const OBJECT_VARS =
  '[vars]\nSTORAGE = "DurableObject"\nSTORAGE_CONFIG = { binding = "BOT_STORAGE" }'

/**
 * Checks `STORAGE` and `STORAGE_CONFIG` as the runtime does in the Worker, with objects in place of the
 * bindings that the configuration names.
 *
 * @param main the text of the Worker's main file, if it can be read
 */
export async function checkStorage(
  config: WranglerConfig,
  main: string | undefined,
): Promise<Check> {
  const vars = asTable(config.settings['vars'])
  const storage = vars['STORAGE']
  if (storage === undefined) return missingStorage(config, main)
  try {
    const runtime = await StorageRuntime.start(createEnv(config), MANIFESTS)
    await runtime.close()
  } catch (error) {
    if (!isStoreError(error)) throw error
    return fromConfigError(config, error)
  }
  switch (storage) {
    case 'Memory':
      return {
        level: 'warning',
        message: 'STORAGE is "Memory", and a Worker may lose its memory at any time.',
        advice: 'Use DurableObject:',
        lines: formatLines(config, OBJECT_VARS),
      }
    case 'IndexedDB':
      return {
        level: 'problem',
        message: 'STORAGE is "IndexedDB", which exists only in a page.',
        advice: 'Use DurableObject:',
        lines: formatLines(config, OBJECT_VARS),
      }
    default:
      return {
        level: 'ok',
        message: `STORAGE and STORAGE_CONFIG are valid: ${JSON.stringify(storage)}.`,
      }
  }
}

function missingStorage(config: WranglerConfig, main: string | undefined): Check {
  const { environment } = config
  const where = environment === undefined ? '[vars]' : `[env.${environment}.vars]`
  const message = `STORAGE is missing in ${where}.`
  const inherits = environment === undefined ? '' : ' An environment does not inherit vars.'
  const lines = formatLines(config, OBJECT_VARS)
  if (config.settings['STORAGE'] !== undefined) {
    const advice = 'It is outside vars, where the Worker does not see it. Move it:'
    return { level: 'problem', message, advice, lines }
  }
  if (main !== undefined && /\bstart\(\s*env\b/.test(main)) {
    const advice = `The main file calls start(env), which reads it.${inherits} Add:`
    return { level: 'problem', message, advice, lines }
  }
  return {
    level: 'warning',
    message,
    advice: `That is right only if the code names the backend itself.${inherits} Otherwise add:`,
    lines,
  }
}

/** Divides the message of the runtime into a sentence and the lines that it suggests. */
function fromConfigError(config: WranglerConfig, { code, message }: StoreError): Check {
  const [sentence = '', toml] = message.split(/ In wrangler\.toml:\n\n/)
  if (toml !== undefined) {
    const lines = formatLines(config, toml)
    return { level: 'problem', message: sentence, advice: 'Add what is missing of:', lines }
  }
  // The Worker may register a backend of its own; a name like one of botshelf's is a typo.
  const isForeign = code === 'PLUGIN_NOT_FOUND' && !sentence.includes('Did you mean')
  if (!isForeign) return { level: 'problem', message: sentence }
  const advice = 'This is right only if the Worker registers a backend of this name.'
  return { level: 'warning', message: sentence, advice }
}

/** Creates the `env` of the Worker, with stubs for its bindings. */
function createEnv({ settings }: WranglerConfig): BotConfig {
  const entries: [name: string, value: unknown][] = Object.entries(asTable(settings['vars']))
  const { bindings } = asTable(settings['durable_objects'])
  const add = (name: unknown, stub: unknown): void => {
    if (typeof name === 'string') entries.push([name, stub])
  }
  for (const { name } of asTables(bindings)) add(name, OBJECTS)
  for (const { binding } of asTables(settings['kv_namespaces'])) add(binding, KV)
  return Object.fromEntries(entries)
}

const OBJECTS = { idFromName: noop, get: noop, jurisdiction: (): unknown => OBJECTS }
const KV = { getWithMetadata: noop, put: noop, list: noop }

function noop(): void {}
