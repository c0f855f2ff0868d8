import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { cloudflareKV } from '../../adapters/cloudflare-kv.ts'
import { durableObject } from '../../adapters/durable-object.ts'
import { indexeddb } from '../../adapters/indexeddb.ts'
import { memory } from '../../adapters/memory.ts'
import type { StoreErrorCode } from '../../src/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = await readFile(join(root, 'README.md'), 'utf8')

/** The samples that README shows, in its order; `test/package` installs the package in each and runs it. */
const SAMPLES = [
  'page/page.ts',
  'worker/worker.ts',
  'worker/wrangler.toml',
  'node-test/karma.ts',
  'object/counter.ts',
  'node-test/karma.test.ts',
  'adapter/redis.ts',
  'adapter/redis.test.ts',
]

test('every sample of TypeScript, and every other that names its file, is a file of samples, character for character', async () => {
  const shown = [...readme.matchAll(/```(\w+)\n(.*?)```/gs)]
    .filter(([, language, code]) => language === 'ts' || /^(?:\/\/|#) [\w-]+\.\w/.test(code ?? ''))
    .map(([, , code]) => code)
  const files = SAMPLES.map((file) => readFile(join(root, 'samples', file), 'utf8'))
  expect(shown).toEqual(await Promise.all(files))
})

test('the table of STORAGE_CONFIG says what the manifests say', () => {
  for (const { name, config = {} } of [durableObject, cloudflareKV, indexeddb, memory]) {
    expect(readme).toContain(
      `| \`${name}\` | ${Object.keys(config).length ? `\`${Object.keys(config)[0]}\`` : '–'} |`,
    )
    for (const [field, { doc, default: standard }] of Object.entries(config)) {
      const row = readme
        .split('\n')
        .find((line) => line.includes(`| \`${field}\` |`) && line.includes(doc))
      expect(row, `${name}.${field}: ${doc}`).toBeDefined()
      if (typeof standard === 'string') expect(row).toContain(`default \`${standard}\``)
    }
  }
})

test('the table of sizes has the budgets that size-limit keeps', async () => {
  const budgets = JSON.parse(await readFile(join(root, '.size-limit.json'), 'utf8')) as {
    readonly name: string
    readonly limit: string
  }[]
  const rows = [...readme.matchAll(/^\| ([^|]+) \| ([\d,]+) \|$/gm)]
  expect(rows.map(([, name, bytes]) => [name, `${bytes?.replaceAll(',', '')} B`])).toEqual(
    budgets.map(({ name, limit }) => [name, limit]),
  )
})

test('every error code has its line', async () => {
  const source = await readFile(join(root, 'src/errors.ts'), 'utf8')
  const codes = [
    ...source.slice(0, source.indexOf('export type WriteOutcome')).matchAll(/\| '([A-Z_]+)'/g),
  ].map(([, code]) => code as StoreErrorCode)
  expect(codes).toHaveLength(20)
  for (const code of codes) expect(readme).toMatch(new RegExp(`\\|.*\`${code}\`.*\\|`))
})
