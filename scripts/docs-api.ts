// Writes the API reference of the site into docs/reference, one page for each sub-path, from the
// doc comments and the declarations of the built package: npm run docs:build and docs:dev run it.
import { readFile, rm } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUT_DIR = join(ROOT, 'docs', 'reference')

/**
 * Writes the pages.
 *
 * @throws Error if a link in a doc comment leads nowhere
 */
export async function writeApiPages(): Promise<void> {
  // TypeDoc uses the compiler's API in JavaScript, which TypeScript 7 does not have.
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === 'typescript' ? 'typescript-5.4' : specifier, context),
  })
  const { Application } = await import('typedoc')
  const names = await readEntryPoints()
  const files = [...names.keys()].map((file) => join(ROOT, file))
  const app = await Application.bootstrapWithPlugins(
    {
      entryPoints: files,
      plugin: ['typedoc-plugin-markdown'],
      out: OUT_DIR,
      readme: 'none',
      name: 'API reference',
      router: 'module',
      excludePrivate: true,
      excludeInternal: true,
      disableSources: true,
      githubPages: false,
      // Links to types of other packages become plain text.
      externalSymbolLinkMappings: { '@langchain/langgraph-checkpoint': { '*': '#' } },
      // A type that only a private part of the package can name need not have a page.
      validation: { invalidLink: true, notExported: false },
      // The types of TypeDoc's options lack those of the plugin.
      ...MARKDOWN,
    },
    [],
  )
  app.options.setCompilerOptions(files, COMPILER_OPTIONS, undefined)
  const project = app.converter.convert(
    (app.getEntryPoints() ?? []).map((entry) => ({
      ...entry,
      displayName: names.get(relative(ROOT, entry.sourceFile.fileName)) ?? entry.displayName,
    })),
  )
  app.validate(project)
  await rm(OUT_DIR, { recursive: true, force: true })
  await app.generateOutputs(project)
  hooks.deregister()
  if (app.logger.hasErrors() || app.logger.hasWarnings())
    throw new Error('TypeDoc reported faults.')
}

const COMPILER_OPTIONS = {
  target: 9,
  module: 199,
  moduleResolution: 99,
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  lib: ['lib.esnext.full.d.ts'],
  types: ['node'],
}

const MARKDOWN = {
  entryFileName: 'index',
  fileExtension: '.md',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
  typeDeclarationFormat: 'table',
  indexFormat: 'table',
  useHTMLEncodedBrackets: true,
  sanitizeComments: true,
}

/** The declaration file of each sub-path, and its name. */
async function readEntryPoints(): Promise<Map<string, string>> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly default: string }>
  }
  return new Map(
    Object.entries(manifest.exports).flatMap(([path, target]) =>
      typeof target === 'string'
        ? []
        : [[join(target.default.replace(/\.js$/, '.d.ts')), path.replace('.', 'botshelf')]],
    ),
  )
}

if (import.meta.main) await writeApiPages()
