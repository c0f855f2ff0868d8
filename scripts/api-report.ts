// Writes docs/api.md: what each sub-path of the built package declares for its users.
// npm run build && node scripts/api-report.ts
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FILE = join(ROOT, 'docs', 'api.md')

const INTRODUCTION = `# The public API

What each sub-path of the package declares, without comments and private members. It is written by \`npm run build && node scripts/api-report.ts\`, and a test holds it against the build: a change here is a change that users can see.

What a sub-path exports stands first; what its signatures mention besides stands after it and is exported nowhere. A declaration is shown once, where it is first reached.
`

/** Where a name leads: to a declaration in a file of ours, or to somebody else's module. */
interface Target {
  readonly module: string
  readonly name: string
}

interface Exported extends Target {
  /** Exported as a type: nobody can construct it. */
  readonly typeOnly: boolean
}

/** A declaration file as the compiler writes it. */
interface Declarations {
  readonly imports: ReadonlyMap<string, Target>
  readonly exports: ReadonlyMap<string, Exported>
  /** By name; a function has a text for each of its overloads. */
  readonly texts: ReadonlyMap<string, readonly string[]>
}

/**
 * The report on the package in a folder, which must be built.
 *
 * @throws Error if a declaration has a form that this does not understand, or two have one name
 */
export async function apiReport(root: string = ROOT): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly default: string }>
  }
  const files = new Map<string, Declarations>()
  const shown = new Set<string>()
  const sections: string[] = [INTRODUCTION]
  for (const [path, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue
    const entry = join(root, target.default.replace(/\.js$/, '.d.ts'))
    sections.push(
      `## \`${path.replace('.', 'botshelf')}\`\n\n${await section(entry, files, shown)}`,
    )
  }
  return sections.join('\n')
}

async function section(
  entry: string,
  files: Map<string, Declarations>,
  shown: Set<string>,
): Promise<string> {
  const load = async (file: string): Promise<Declarations> => {
    const loaded = files.get(file) ?? parse(file, await readFile(file, 'utf8'))
    files.set(file, loaded)
    return loaded
  }
  const exported = new Map<string, string[]>()
  const reached = new Map<string, string[]>()
  const foreign = new Set<string>()
  const again = new Set<string>()
  const above = new Set<string>()
  const waiting: { target: Target; typeOnly: boolean; into: Map<string, string[]> }[] = []
  for (const { typeOnly, ...target } of (await load(entry)).exports.values()) {
    waiting.push({ target, typeOnly, into: exported })
  }
  // Those that are exported come first, so that none of them is taken for one that is only reached.
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { target, typeOnly, into } = next
    const { module, name } = target
    if (!isAbsolute(module)) {
      foreign.add(`import { ${name} } from '${module}'`)
      continue
    }
    const { imports, exports, texts } = await load(module)
    const declared = texts.get(name)
    if (declared === undefined) {
      const onward = exports.get(name) ?? imports.get(name)
      if (onward === undefined) throw new Error(`${module} declares no ${name}.`)
      waiting.unshift({ target: onward, typeOnly, into })
      continue
    }
    const id = `${module} ${name}`
    if (shown.has(id)) {
      if (into === exported) again.add(name)
      else if (!exported.has(name) && !reached.has(name)) above.add(name)
      continue
    }
    shown.add(id)
    if (exported.has(name) || reached.has(name)) throw new Error(`There are two of ${name}.`)
    const lines = declared.map((text) => publicText(text, typeOnly))
    into.set(name, lines)
    for (const mentioned of lines.flatMap(mentions)) {
      const found = texts.has(mentioned) ? { module, name: mentioned } : imports.get(mentioned)
      if (found !== undefined && mentioned !== name)
        waiting.push({ target: found, typeOnly: true, into: reached })
    }
  }
  return [
    block([...foreign].toSorted()),
    block(sorted(exported).map((text) => text.replace(/^(?!export )/, 'export '))),
    block(sorted(reached).map((text) => text.replace(/^export /, ''))),
    names('Exported as well', again),
    names('Declared above', above),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function block(texts: readonly string[]): string {
  return texts.length === 0 ? '' : `\`\`\`ts\n${texts.join('\n')}\n\`\`\`\n`
}

function names(what: string, list: ReadonlySet<string>): string {
  const quoted = [...list].toSorted().map((name) => `\`${name}\``)
  return quoted.length === 0 ? '' : `${what}: ${quoted.join(', ')}.\n`
}

function sorted(texts: ReadonlyMap<string, readonly string[]>): string[] {
  return [...texts].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, lines]) => lines)
}

/** The types that a declaration mentions, and the values whose types it does. */
function mentions(text: string): string[] {
  const code = text.replaceAll(/'[^']*'|"[^"]*"/g, '')
  return [...code.matchAll(/\btypeof (\w+)|\b([A-Z]\w*)/g)].map(
    ([, value, type]) => value ?? type ?? '',
  )
}

/** A declaration without what its users cannot reach; of a class exported as a type, no constructor. */
function publicText(text: string, typeOnly: boolean): string {
  if (!text.endsWith('\n}')) return text
  // The compiler indents members by four spaces, and what they hold by more.
  const [head = '', ...members] = text.slice(0, -'\n}'.length).split(/\n(?= {4}[^\s)}\]])/)
  const hidden = typeOnly
    ? /^ {4}(?:#private|private |(?:protected )?constructor\()/
    : /^ {4}(?:#private|private )/
  return [head, ...members.filter((member) => !hidden.test(member)), '}'].join('\n')
}

function parse(file: string, source: string): Declarations {
  const imports = new Map<string, Target>()
  const exports = new Map<string, Exported>()
  const texts = new Map<string, string[]>()
  const resolve = (specifier: string): string =>
    specifier.startsWith('.') ? join(dirname(file), specifier.replace(/\.ts$/, '.d.ts')) : specifier
  for (const statement of statements(source)) {
    const [, keyword, type, list, from] =
      /^(import|export)( type)? \{([^}]*)\}(?: from '([^']+)')?;$/.exec(statement) ?? []
    if (keyword !== undefined) {
      for (const { name, local, typeOnly } of specifiers(list ?? '')) {
        const module = from === undefined ? file : resolve(from)
        if (keyword === 'import') imports.set(local, { module, name })
        else exports.set(local, { module, name, typeOnly: typeOnly || type !== undefined })
      }
      continue
    }
    const [, isExported, kind, name] =
      /^(export )?(?:declare )?(?:abstract )?(class|interface|type|function|const) (\w+)/.exec(
        statement,
      ) ?? []
    if (name === undefined || /\bimport\(/.test(statement)) {
      throw new Error(`${relative(ROOT, file)} has a form unknown here: ${statement}`)
    }
    texts.set(name, [...(texts.get(name) ?? []), statement])
    const typeOnly = kind === 'interface' || kind === 'type'
    if (isExported !== undefined) exports.set(name, { module: file, name, typeOnly })
  }
  return { imports, exports, texts }
}

/** What stands between the braces of an import or an export. */
function specifiers(list: string): { name: string; local: string; typeOnly: boolean }[] {
  const parts = list.split(',').map((part) => part.trim())
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const [, type, name = '', alias] = /^(type )?(\w+)(?: as (\w+))?$/.exec(part) ?? []
      if (alias !== undefined) throw new Error(`An alias is a form unknown here: ${part}`)
      return { name, local: name, typeOnly: type !== undefined }
    })
}

/** The statements of a declaration file: each begins a line, and what belongs to it does not. */
function statements(source: string): string[] {
  // Texts come first in the pattern, so that none of them is taken for a comment.
  const code = source.replaceAll(
    /('[^'\n]*'|"[^"\n]*"|`[^`]*`)|[ \t]*\/\*[^]*?\*\/\n?|[ \t]*\/\/[^\n]*\n?/g,
    (_, text: string | undefined) => text ?? '',
  )
  return code.split(/^(?=[a-z])/m).map((statement) => statement.trim())
}

if (import.meta.main) {
  await writeFile(FILE, await apiReport())
  console.log(`Wrote ${relative(process.cwd(), FILE)}.`)
}
