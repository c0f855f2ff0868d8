import type { Check } from './check.ts'
import {
  asStrings,
  asTable,
  asTables,
  describeName,
  formatLines,
  type Table,
  type WranglerConfig,
} from './wrangler-config.ts'

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/**
 * Checks what the Durable Object bindings of a configuration need: the migrations and the exports of
 * the main file.
 *
 * @param main the text of the Worker's main file, if it can be read
 */
export function checkObjects(config: WranglerConfig, main: string | undefined): readonly Check[] {
  const vars = asTable(config.settings['vars'])
  const { bindings } = asTable(config.settings['durable_objects'])
  const used = vars['STORAGE'] === 'DurableObject' ? bindingOf(vars['STORAGE_CONFIG']) : undefined
  // With `script_name` another Worker has the class.
  const own = asTables(bindings).filter(({ script_name }) => script_name === undefined)
  return own.flatMap(({ name, class_name }) => {
    if (typeof class_name !== 'string' || !IDENTIFIER.test(class_name)) {
      return [
        {
          level: 'problem',
          message: `The binding ${describeName(name)} has no class_name that is the name of a class.`,
          advice: 'Set:',
          lines: formatLines(config, `class_name = "StorageObject"`),
        },
      ]
    }
    const isUsed = name === used || class_name === 'StorageObject'
    const checks = [checkMigrations(config, class_name), checkExport(class_name, main)]
    // Other objects may not use botshelf.
    return isUsed ? checks : checks.map(toWarning)
  })
}

function checkMigrations(config: WranglerConfig, className: string): Check {
  const migrations = asTables(config.settings['migrations'])
  const kind = storageOf(className, migrations)
  if (kind === 'sqlite') {
    return { level: 'ok', message: `The class ${className} is listed under new_sqlite_classes.` }
  }
  const tags = migrations.map(({ tag }) => tag)
  let number = migrations.length + 1
  while (tags.includes(`v${number}`)) number++
  if (kind === 'none') {
    const toml = `[[migrations]]\ntag = "v${number}"\nnew_sqlite_classes = ["${className}"]`
    return {
      level: 'problem',
      message: `No migration lists the class ${className} under new_sqlite_classes.`,
      advice: 'Add:',
      lines: formatLines(config, toml),
    }
  }
  return {
    level: 'problem',
    message: `The class ${className} is listed under new_classes, which gives its objects no SQLite.`,
    advice: `If it was never deployed, list it under new_sqlite_classes instead. A deployed class cannot be changed: export and bind a class of another name, and list that one.`,
  }
}

/** Follows a class through the migrations. */
function storageOf(className: string, migrations: readonly Table[]): 'sqlite' | 'legacy' | 'none' {
  const classes = new Map<unknown, 'sqlite' | 'legacy'>()
  for (const migration of migrations) {
    for (const name of asStrings(migration['new_classes'])) classes.set(name, 'legacy')
    for (const name of asStrings(migration['new_sqlite_classes'])) classes.set(name, 'sqlite')
    for (const { from, to } of asTables(migration['renamed_classes'])) {
      const kind = classes.get(from)
      if (kind !== undefined) classes.set(to, kind)
      classes.delete(from)
    }
    for (const name of asStrings(migration['deleted_classes'])) classes.delete(name)
  }
  return classes.get(className) ?? 'none'
}

/** Looks for the export of a class in the text of the main file, without running it. */
function checkExport(className: string, main: string | undefined): Check {
  if (main === undefined) {
    return {
      level: 'warning',
      message: `The main file was not read, so it is unknown whether it exports ${className}.`,
    }
  }
  const code = main.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
  const name = className.replaceAll('$', String.raw`\$`)
  const exported = new RegExp(
    String.raw`export\s+(?:default\s+)?(?:abstract\s+)?(?:class|const|let|var)\s+${name}\b|export\s*\{[^}]*\b${name}\s*[,}]`,
  )
  if (exported.test(code)) {
    return { level: 'ok', message: `The main file exports ${className}.` }
  }
  if (/export\s*\*/.test(code)) {
    return {
      level: 'warning',
      message: `The main file may export ${className} by "export *"; the other file was not read.`,
    }
  }
  const lines =
    className === 'StorageObject' ? `export { StorageObject } from 'botshelf/storage-object'` : ''
  return {
    level: 'problem',
    message: `The text of the main file has no export of ${className}.`,
    advice: lines === '' ? 'Export the class from the main file.' : 'Add to the main file:',
    ...(lines !== '' && { lines }),
  }
}

function toWarning(check: Check): Check {
  if (check.level !== 'problem') return check
  const advice = `This matters only if the class uses botshelf. ${check.advice ?? ''}`.trim()
  return { ...check, level: 'warning', advice }
}

/** Returns the name of the binding in `STORAGE_CONFIG`, which may be JSON text. */
export function bindingOf(storageConfig: unknown): unknown {
  if (typeof storageConfig !== 'string') return asTable(storageConfig)['binding']
  try {
    return asTable(JSON.parse(storageConfig))['binding']
  } catch {
    return undefined
  }
}
