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
    'To accept the change, run npm run api:update, and describe it in CHANGELOG.md.',
  ).toBe(await apiReport())
})

test('the report is complete: its declarations compile without the package', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-'))
  try {
    const code = [...(await apiReport()).matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block)
    await writeFile(join(folder, 'api.d.ts'), code.join('\n'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        lib: ['ES2022', 'ESNext.Disposable'],
        types: ['@cloudflare/workers-types'],
        noEmit: true,
      },
      files: ['api.d.ts'],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const { stdout } = spawnSync('tsc', ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' })
    expect(stdout).toBe('')
  } finally {
    await rm(folder, { recursive: true })
  }
})
