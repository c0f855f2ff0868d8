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
      groupOrder: ['Functions', 'Classes', 'Variables', '*'],
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
  // They are shown where they are declared, which the page names.
  for (const member of Object.values(project.reflections)) {
    if (member.flags.isInherited) project.removeReflection(member)
  }
  app.validate(project)
  app.renderer.on('endPage', (page: { contents?: string; readonly url: string }) => {
    page.contents = withoutRepetition(page.contents ?? '').replace(
      /^(?:## Modules$|(?=## ))/m,
      INTRODUCTIONS[page.url] ?? '',
    )
  })
  await rm(OUT_DIR, { recursive: true, force: true })
  await app.generateOutputs(project)
  hooks.deregister()
  if (app.logger.hasErrors() || app.logger.hasWarnings())
    throw new Error('TypeDoc reported faults.')
}

/** What comes before the first section of a page, instead of the heading of the list of modules. */
const INTRODUCTIONS: Readonly<Record<string, string>> = {
  'index.md':
    'Each sub-path of the package with its exports and their doc comments, generated from the declarations of the build. To learn the methods of a store by example, read [The store](../store.md).',
  'botshelf.md':
    'A bot needs [StorageRuntime](#api-storageruntime), [Store](#api-store), [StoreError](#api-storeerror) and perhaps [StoreMixin](#api-storemixin). Most of the rest is for authors of [adapters](../writing-an-adapter.md).\n\n',
}

/** Sections that say no more than the signature above them. */
const REPETITIONS = [
  /^#+ (?:Implementation of|Inherited from|Overrides)\n\n.*\n\n/gm,
  // A type without a link to its page.
  /^#+ Returns\n\n(?!.*\]\().*\n\n(?=#|\*|$)/gm,
  // Parameters without a constraint, a default or a description.
  /^#+ Type Parameters\n\n\| Type Parameter \|\n\| -+ \|\n(?:\| (?:<a .*?><\/a> )?`\w+` \|\n)+\n/gm,
]

function withoutRepetition(contents: string): string {
  return REPETITIONS.reduce((text, pattern) => text.replaceAll(pattern, ''), contents)
}

/** The values of TypeScript's enums: it cannot be imported before the hook above. */
const COMPILER_OPTIONS = {
  target: 9, // ES2022
  module: 199, // NodeNext
  moduleResolution: 99, // NodeNext
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
  // VitePress gives some headings other anchors, such as those of Store.record and StoreRecord.
  useCustomAnchors: true,
  // A property may be called like a section, such as `example`.
  anchorPrefix: 'api-',
  expandParameters: true,
  parametersFormat: 'table',
  typeDeclarationFormat: 'table',
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
