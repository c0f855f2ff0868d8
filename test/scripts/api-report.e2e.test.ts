import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { apiReport } from '../../scripts/api-report.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('docs/api.md is the report on the built package', async () => {
  const written = await readFile(join(root, 'docs', 'api.md'), 'utf8')
  expect(
    written,
    'To accept the change, run npm run api:update, and describe it in a changeset.',
  ).toBe(await apiReport())
})

/** Returns a module for each sub-path: its declarations, and imports of what it says is declared above. */
function modulesOf(report: string): Record<string, string> {
  const modules: Record<string, string> = {}
  const origins = new Map<string, string>()
  for (const [index, section] of report.split(/^## /m).slice(1).entries()) {
    const path = `section-${index}`
    const above = [...section.matchAll(/^(?:Also exported|Declared above): (.+)\.$/gm)]
    const imports = above
      .flatMap(([, list = '']) => list.match(/\w+/g) ?? [])
      .map((name) => `import type { ${name} } from './${origins.get(name)}.js'`)
    const code = [...section.matchAll(/```ts\n(.*?)```/gs)]
      .map(([, block = '']) => block)
      .join('\n')
      // A module may mention a declaration that another does not export.
      .replaceAll(
        /^(?=(?:declare )?(?:abstract )?(?:class|interface|type|function|const) )/gm,
        'export ',
      )
    for (const [, name = ''] of code.matchAll(
      /^export .*?\b(?:class|interface|type|function|const) (\w+)/gm,
    ))
      origins.set(name, path)
    modules[`${path}.ts`] = [...imports, code].join('\n')
  }
  return modules
}

test('the report is complete: its declarations compile without the package', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-'))
  try {
    const modules = modulesOf(await apiReport())
    for (const [name, code] of Object.entries(modules)) await writeFile(join(folder, name), code)
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        lib: ['ES2022', 'ESNext.Disposable'],
        types: ['@cloudflare/workers-types'],
        noEmit: true,
        verbatimModuleSyntax: false,
        noUnusedLocals: false,
        // Not all declarations of the frameworks compile under these settings.
        skipLibCheck: true,
      },
      files: Object.keys(modules),
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const { stdout } = spawnSync('tsc', ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' })
    expect(stdout).toBe('')
  } finally {
    await rm(folder, { recursive: true })
  }
})
