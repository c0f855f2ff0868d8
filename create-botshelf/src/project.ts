import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Choices, UsageError } from './choices.ts'

const TEMPLATES_FOLDER = fileURLToPath(new URL('../templates', import.meta.url))

/** The longest name of a Worker whose address is below workers.dev. */
const MAX_NAME_LENGTH = 63
/** The names of devices, which Windows opens in place of a folder. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/
const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/

/** The parts of package.json that npm, or a reader, expects in alphabetical order. */
const SORTED = new Set(['scripts', 'dependencies', 'devDependencies', 'allowScripts'])

/** The contents of a project's files by their paths. */
type Files = Map<string, string>

/**
 * Checks that a project can be created in a folder, and returns the name of the project.
 *
 * @throws UsageError
 */
export function checkFolder(folder: string): string {
  const path = resolve(folder)
  const name = basename(path)
  if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) {
    throw new UsageError(
      `"${name}" cannot name a project: use 1 to ${MAX_NAME_LENGTH} lower-case letters and digits, with single hyphens between them.`,
    )
  }
  if (DEVICE.test(name)) {
    throw new UsageError(`"${name}" cannot name a project: Windows has no folder of this name.`)
  }
  let existing: string[]
  try {
    existing = readdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return name
    throw new UsageError(`${folder} cannot be read as a folder: ${(error as Error).message}.`)
  }
  if (existing.some((file) => file !== '.git')) {
    throw new UsageError(`The folder ${folder} is not empty: choose another one.`)
  }
  return name
}

/**
 * Creates the project. Either all its files are written or none.
 *
 * @param version the version of botshelf
 * @throws UsageError if the folder or its name cannot be used
 */
export function createProject(choices: Choices, version: string): void {
  const name = checkFolder(choices.folder)
  const files: Files = new Map()
  for (const layer of layersOf(choices)) addLayer(files, join(TEMPLATES_FOLDER, layer))
  const values = { name, version }
  for (const [path, text] of files) {
    files.set(
      path,
      text.replaceAll(/\{\{(name|version)\}\}/g, (_, key: 'name') => values[key]),
    )
  }
  writeAll(resolve(choices.folder), files)
}

/** Returns the folders of `templates` that make the project, in the order of their text in README.md. */
function layersOf({ template, framework }: Choices): string[] {
  if (template === 'page') return ['base', 'karma', 'page']
  if (framework === 'grammy') return ['base', 'worker', 'grammy'] // wrangler.toml ends with grammY's part
  if (framework === 'chat-sdk') return ['base', 'chat-sdk', 'worker']
  return ['base', 'karma', 'none', 'worker']
}

/** Adds the files of a layer. JSON of several layers is merged; other files are joined. */
function addLayer(files: Files, layer: string): void {
  for (const entry of readdirSync(layer, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8')
    const folder = entry.parentPath.slice(layer.length + 1).split(sep)
    // npm leaves .gitignore out of packages, so such files are stored as _gitignore.
    const path = join(...folder, entry.name.replace(/^_/, '.'))
    const before = files.get(path)
    if (before === undefined) files.set(path, text)
    else files.set(path, path.endsWith('.json') ? mergeJson(before, text) : before + text)
  }
}

function mergeJson(before: string, added: string): string {
  const merged = merge(JSON.parse(before) as object, JSON.parse(added) as object)
  return `${JSON.stringify(merged, undefined, 2)}\n`
}

/** Merges objects at any depth. Other values, such as lists, replace what was before. */
function merge(before: object, added: object): object {
  const result = new Map<string, unknown>(Object.entries(before))
  for (const [key, value] of Object.entries(added)) {
    const old = result.get(key)
    if (!isObject(old) || !isObject(value)) result.set(key, value)
    else result.set(key, SORTED.has(key) ? sortKeys(merge(old, value)) : merge(old, value))
  }
  return Object.fromEntries(result)
}

function sortKeys(object: object): object {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Writes all files, or none. Synchronous, so that Ctrl-C takes effect before it or after it. */
function writeAll(folder: string, files: Files): void {
  const created: string[] = []
  try {
    for (const [path, text] of files) {
      const file = join(folder, path)
      const newFolder = mkdirSync(dirname(file), { recursive: true })
      if (newFolder !== undefined) created.push(newFolder)
      const descriptor = openSync(file, 'wx')
      created.push(file)
      writeFileSync(descriptor, text)
      closeSync(descriptor)
    }
  } catch (error) {
    for (const path of created.toReversed()) rmSync(path, { recursive: true, force: true })
    throw error
  }
}
