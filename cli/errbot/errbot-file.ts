import { readLiteral } from './python-literal.ts'
import { countCharacters, PythonLiteralError } from './scanner.ts'

/** What a file of Errbot holds: values by namespace and key. */
export type ErrbotContents = ReadonlyMap<string, ReadonlyMap<string, unknown>>

/** The namespaces of Errbot's own stores, by the objects that `backup.py` fills. */
const CORE_NAMESPACES: Readonly<Record<string, string>> = {
  plugin_manager: 'core',
  repo_manager: 'repomgr',
}

const PLUGIN = /^pobj = bot\.plugin_manager\.plugins\["(.*)"\]$/
const ASSIGNMENT = /^(?:pobj|bot\.(plugin_manager|repo_manager))\["/
/** The statements of `backup.py` that hold no data. */
const OTHER_STATEMENT =
  /^(?:#.*|log\.info\(.*\)|if "installed_repos" in bot\.repo_manager:| {2}for repo in bot\.repo_manager\["installed_repos"\]:| {4}log\.error\(bot\.repo_manager\.install_repo\(repo\)\)|bot\.plugin_manager\.update_(?:plugin_places|dynamic_plugins)\(.*\)|pobj\.(?:init_storage|close_storage)\(\)|)$/

/** Options of {@link readBackup}. */
export interface ReadBackupOptions {
  /** Reads only these namespaces. Default: all. */
  readonly only?: readonly string[] | undefined
  /** Leaves these namespaces out, and does not look at their values. Default: none. */
  readonly skip?: readonly string[] | undefined
}

/**
 * Reads what `errbot --storage-get NAMESPACE` prints: one dict, whose keys are strings.
 *
 * @throws PythonLiteralError for anything else
 */
export function readStorageGet(text: string): ReadonlyMap<string, unknown> {
  const value = readLiteral(text)
  const entries = isDict(value)
    ? Object.entries(value)
    : value instanceof Map
      ? [...value]
      : undefined
  if (entries?.every(isEntry)) return new Map(entries)
  throw new PythonLiteralError(
    'expected a dict whose keys are strings. Pass what errbot --storage-get prints.',
    { line: 1, column: 1 },
  )
}

/**
 * Reads the file `backup.py` that Errbot's command `!backup` writes, as data. Its statements are
 * matched, line by line; none is executed. The stores of the bot itself are the namespaces `core` and
 * `repomgr`, those of plugins have their names.
 *
 * @throws PythonLiteralError with line and column, for a value that is no literal and for a
 * statement that `!backup` does not write
 */
export function readBackup(text: string, options: ReadBackupOptions = {}): ErrbotContents {
  const { only, skip = [] } = options
  const contents = new Map<string, Map<string, unknown>>()
  let plugin: string | undefined
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const position = { line: index + 1, column: 1 }
    const started = PLUGIN.exec(line)?.[1]
    if (started !== undefined) {
      plugin = started
      continue
    }
    const assignment = ASSIGNMENT.exec(line)
    if (assignment === null) {
      if (OTHER_STATEMENT.test(line)) continue
      throw new PythonLiteralError(
        `expected a statement that !backup writes; received ${JSON.stringify(line.slice(0, 60))}. Import the file as Errbot wrote it.`,
        position,
      )
    }
    const [start, object] = assignment
    const namespace = object === undefined ? plugin : CORE_NAMESPACES[object]
    if (namespace === undefined) {
      throw new PythonLiteralError(
        'this entry belongs to no plugin. Import the whole file.',
        position,
      )
    }
    if (skip.includes(namespace) || only?.includes(namespace) === false) continue
    const entries = contents.get(namespace) ?? new Map<string, unknown>()
    contents.set(namespace, entries)
    const [key, value] = readEntry(line, start.length, position.line)
    entries.set(key, value)
  }
  return contents
}

/** Reads `key"] = value`. Errbot does not escape the key, so it may hold `"] = ` itself. */
function readEntry(line: string, start: number, number: number): [key: string, value: unknown] {
  const position = { line: number, column: 1 }
  const entries: [key: string, value: unknown][] = []
  let firstError: unknown
  // Counted from one end of a key to the next: a value may hold thousands of them.
  let [counted, column] = [0, 1]
  for (let end = line.indexOf('"] = ', start); end >= 0; end = line.indexOf('"] = ', end + 1)) {
    const at = end + '"] = '.length
    column += countCharacters(line.slice(counted, at))
    counted = at
    try {
      const value = readLiteral(line.slice(at), { line: number, column })
      entries.push([line.slice(start, end), value])
    } catch (error) {
      firstError ??= error
    }
  }
  const [entry, other] = entries
  if (entry !== undefined && other === undefined) return entry
  if (other !== undefined) {
    throw new PythonLiteralError(
      'the key of this entry can be read in two ways. Leave out the entry.',
      position,
    )
  }
  throw (
    firstError ??
    new PythonLiteralError(
      'expected "] = and a value after the key. Import the whole file.',
      position,
    )
  )
}

function isDict(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  )
}

function isEntry(pair: readonly [key: unknown, value: unknown]): pair is [string, unknown] {
  return typeof pair[0] === 'string'
}
