import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ParseError, parse as parseJsonc, printParseErrorCode } from 'jsonc-parser'
import { parse as parseToml, TomlError } from 'smol-toml'
import { CliError, createReadError, EXIT } from '../errors.ts'
import { formatName, toJsonText } from '../text.ts'

/** The files that wrangler looks for, in its order. */
const FILE_NAMES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml']
/** The settings that an environment does not inherit, of those that botshelf needs. */
const NOT_INHERITED = ['vars', 'durable_objects', 'kv_namespaces']

/** Any table of a configuration. Its values are of unknown types. */
export type Table = Readonly<Record<string, unknown>>

/** A configuration of wrangler, for one environment. */
export interface WranglerConfig {
  readonly file: string
  readonly settings: Table
  /** The name of the environment; absent at the top level. */
  readonly environment?: string | undefined
}

/** Selects a configuration. */
export interface WranglerConfigOptions {
  /** The file. Default: the first of wrangler's names in the working directory. */
  readonly config?: string | undefined
  /** The name of an environment. */
  readonly env?: string | undefined
}

/**
 * Reads a configuration of wrangler; `undefined` if no file is named and there is none.
 *
 * @throws CliError if it cannot be read or parsed, or has no such environment
 */
export async function readWranglerConfig({
  config,
  env,
}: WranglerConfigOptions): Promise<WranglerConfig | undefined> {
  for (const file of config === undefined ? FILE_NAMES : [config]) {
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (config === undefined && isMissing) continue
      throw createReadError(file, error)
    }
    return selectEnvironment(file, parse(file, text), env)
  }
  return undefined
}

/** Returns the path of a file that a configuration names. */
export function resolveFile({ file }: WranglerConfig, path: string): string {
  return join(dirname(file), path)
}

function parse(file: string, text: string): Table {
  if (file.endsWith('.toml')) {
    try {
      return parseToml(text)
    } catch (error) {
      if (!(error instanceof TomlError)) throw error
      const [reason = ''] = error.message.split('\n')
      throw invalidFile(file, `line ${error.line}, column ${error.column}: ${reason}`)
    }
  }
  const errors: ParseError[] = []
  let settings: unknown
  try {
    settings = parseJsonc(text, errors, { allowTrailingComma: true })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw invalidFile(file, 'it is nested too deep')
  }
  const [error] = errors
  if (error !== undefined) {
    const before = text.slice(0, error.offset).split('\n')
    const column = (before.at(-1) ?? '').length + 1
    throw invalidFile(
      file,
      `line ${before.length}, column ${column}: ${printParseErrorCode(error.error)}`,
    )
  }
  if (isTable(settings)) return settings
  throw invalidFile(file, 'it must be an object')
}

function invalidFile(file: string, reason: string): CliError {
  return new CliError(EXIT.input, `${file} is invalid, ${reason}.`)
}

function selectEnvironment(
  file: string,
  settings: Table,
  environment: string | undefined,
): WranglerConfig {
  if (environment === undefined) return { file, settings }
  const environments = asTable(settings['env'])
  const own = Object.hasOwn(environments, environment) ? environments[environment] : undefined
  if (!isTable(own)) {
    const names = Object.keys(environments).join(', ') || 'none'
    throw new CliError(
      EXIT.notFound,
      `${file} has no environment ${JSON.stringify(environment)}. It has: ${names}.`,
    )
  }
  const inherited = Object.entries(settings).filter(([name]) => !NOT_INHERITED.includes(name))
  return { file, environment, settings: { ...Object.fromEntries(inherited), ...own } }
}

/**
 * Converts lines of `wrangler.toml` to the format of a configuration, and to its environment.
 *
 * @param toml tables, without a setting before the first one
 */
export function formatLines({ file, environment }: WranglerConfig, toml: string): string {
  if (file.endsWith('.toml')) {
    if (environment === undefined) return toml
    // Migrations are inherited.
    return toml.replaceAll(/^(\[+)(?!\[|migrations)/gm, `$1env.${environment}.`)
  }
  const members = JSON.stringify(parseToml(toml), null, 2)
  return members.split('\n').slice(1, -1).join('\n')
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns a table, or an empty one for any other value. */
export function asTable(value: unknown): Table {
  return isTable(value) ? value : {}
}

/** Returns the tables of a list; none for any other value. */
export function asTables(value: unknown): readonly Table[] {
  return Array.isArray(value) ? value.filter(isTable) : []
}

/** Returns the strings of a list; none for any other value. */
export function asStrings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

/** Formats a value that should be a name; one that is no string as JSON. */
export function describeName(name: unknown): string {
  return typeof name === 'string' ? formatName(name) : toJsonText(name ?? null)
}
