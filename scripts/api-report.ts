// Writes docs/api.md: the public declarations of each sub-path of the built package.
// npm run api:update
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FILE = join(ROOT, 'docs', 'api.md')

const INTRODUCTION = `# The public API

The declarations of each sub-path of the package, without comments and private members. \`npm run api:update\` writes this file, and a test compares it with the build: a change here is a change that users can see.

The exports of a sub-path come first. The types that they mention, and that no sub-path exports, follow. Each declaration is shown once, in the first sub-path that needs it.
`

/** What a name refers to. `module` is the path of a file, or the name of another package. */
interface Target {
  readonly module: string
  /** `default` and `*` are those of another package. */
  readonly name: string
}

interface Exported extends Target {
  /** Whether it is exported as a type only, so that users cannot construct it. */
  readonly typeOnly: boolean
}

/** The contents of a declaration file that the compiler wrote. */
interface Declarations {
  readonly imports: ReadonlyMap<string, Target>
  readonly exports: ReadonlyMap<string, Exported>
  /** The declarations by name; a function has one for each overload. */
  readonly texts: ReadonlyMap<string, readonly string[]>
}

/**
 * Creates the report on the package in a folder, which must have been built.
 *
 * @throws Error if a declaration has an unknown form, or two declarations have the same name
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
  const mentioned = new Map<string, string[]>()
  const foreignImports = new Set<string>()
  const reexported = new Set<string>()
  const shownAbove = new Set<string>()
  const pending: {
    target: Target
    /** The name by which the declarations refer to it. */
    local: string
    typeOnly: boolean
    into: Map<string, string[]>
  }[] = []
  for (const { typeOnly, ...target } of (await load(entry)).exports.values()) {
    pending.push({ target, local: target.name, typeOnly, into: exported })
  }
  // The exports come first, so that none of them is listed among the mentioned types.
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const { target, local, typeOnly, into } = next
    const { module, name } = target
    if (!isAbsolute(module)) {
      foreignImports.add(importOf(target, local))
      continue
    }
    if (name !== local) throw new Error(`Aliases are not supported: ${name} as ${local}`)
    const { imports, exports, texts } = await load(module)
    const declared = texts.get(name)
    if (declared === undefined) {
      const origin = exports.get(name) ?? imports.get(name)
      if (origin === undefined) throw new Error(`${module} does not declare ${name}.`)
      pending.unshift({ target: origin, local, typeOnly, into })
      continue
    }
    const id = `${module} ${name}`
    if (shown.has(id)) {
      if (into === exported) reexported.add(name)
      else if (!exported.has(name) && !mentioned.has(name)) shownAbove.add(name)
      continue
    }
    shown.add(id)
    if (exported.has(name) || mentioned.has(name))
      throw new Error(`Two declarations have the name ${name}; rename one.`)
    const lines = declared.map((text) => publicText(text, typeOnly))
    into.set(name, lines)
    for (const other of lines.flatMap(namesIn)) {
      const found = texts.has(other) ? { module, name: other } : imports.get(other)
      if (found !== undefined && other !== name)
        pending.push({ target: found, local: other, typeOnly: true, into: mentioned })
    }
  }
  return [
    codeBlock([...foreignImports].toSorted()),
    codeBlock(sorted(exported).map((text) => text.replace(/^(?!export )/, 'export '))),
    codeBlock(sorted(mentioned).map((text) => text.replace(/^export /, ''))),
    nameList('Also exported', reexported),
    nameList('Declared above', shownAbove),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function importOf({ module, name }: Target, local: string): string {
  if (name === 'default') return `import ${local} from '${module}'`
  if (name === '*') return `import * as ${local} from '${module}'`
  return `import { ${name === local ? name : `${name} as ${local}`} } from '${module}'`
}

function codeBlock(texts: readonly string[]): string {
  return texts.length === 0 ? '' : `\`\`\`ts\n${texts.join('\n')}\n\`\`\`\n`
}

function nameList(label: string, names: ReadonlySet<string>): string {
  const quoted = [...names].toSorted().map((name) => `\`${name}\``)
  return quoted.length === 0 ? '' : `${label}: ${quoted.join(', ')}.\n`
}

function sorted(texts: ReadonlyMap<string, readonly string[]>): string[] {
  return [...texts].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, lines]) => lines)
}

/** Returns the names of the types in a declaration, and of the values in its `typeof`. */
function namesIn(text: string): string[] {
  const code = text.replaceAll(/'[^']*'|"[^"]*"/g, '')
  return [...code.matchAll(/\btypeof (\w+)|\b([A-Z]\w*)/g)].map(
    ([, value, type]) => value ?? type ?? '',
  )
}

/** Removes private members, and the constructor of a class that is exported as a type only. */
function publicText(text: string, typeOnly: boolean): string {
  if (!text.endsWith('\n}')) return text
  // The compiler indents members by four spaces, and their contents by more.
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
    const whole = /^import(?: type)? (\* as )?(\w+) from '([^']+)';$/.exec(statement)
    if (whole !== null) {
      const [, namespace, local = '', from = ''] = whole
      const name = namespace === undefined ? 'default' : '*'
      imports.set(local, { module: resolve(from), name })
      continue
    }
    const [, keyword, type, list, from] =
      /^(import|export)( type)? \{([^}]*)\}(?: from '([^']+)')?;$/.exec(statement) ?? []
    if (keyword !== undefined) {
      for (const { name, local, typeOnly } of specifiers(list ?? '')) {
        const module = from === undefined ? file : resolve(from)
        if (keyword === 'import') imports.set(local, { module, name })
        else if (name !== local) throw new Error(`Aliases are not supported: ${name} as ${local}`)
        else exports.set(local, { module, name, typeOnly: typeOnly || type !== undefined })
      }
      continue
    }
    const [, isExported, kind, name] =
      /^(export )?(?:declare )?(?:abstract )?(class|interface|type|function|const) (\w+)/.exec(
        statement,
      ) ?? []
    if (name === undefined || /\bimport\(/.test(statement)) {
      throw new Error(`${relative(ROOT, file)} has a statement of an unknown form: ${statement}`)
    }
    texts.set(name, [...(texts.get(name) ?? []), statement])
    const typeOnly = kind === 'interface' || kind === 'type'
    if (isExported !== undefined) exports.set(name, { module: file, name, typeOnly })
  }
  return { imports, exports, texts }
}

/** Parses the text between the braces of an import or an export. */
function specifiers(list: string): { name: string; local: string; typeOnly: boolean }[] {
  const parts = list.split(',').map((part) => part.trim())
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const [, type, name = '', alias] = /^(type )?(\w+)(?: as (\w+))?$/.exec(part) ?? []
      return { name, local: alias ?? name, typeOnly: type !== undefined }
    })
}

/** Splits a declaration file into statements, which begin where a line is not indented. */
function statements(source: string): string[] {
  // The pattern matches strings first, so that it finds no comment inside a string.
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
