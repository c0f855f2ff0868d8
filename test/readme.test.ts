import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type BuildOptions } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cloudflareKV } from '../adapters/cloudflare-kv.js'
import { durableObject } from '../adapters/durable-object.js'
import { memory } from '../adapters/memory.js'
import { conformance } from '../src/conformance.js'
import type { StoragePluginBase, StoreErrorCode } from '../src/index.js'

// README's samples are run as they stand, against the built package.

const root = new URL('..', import.meta.url).pathname
const readme = await readFile(join(root, 'README.md'), 'utf8')
let folder: string

beforeAll(async () => {
  // Within the package, so that `botshelf` means this one.
  await mkdir(join(root, 'node_modules/.cache'), { recursive: true })
  folder = await mkdtemp(join(root, 'node_modules/.cache/readme-'))
})

afterAll(() => rm(folder, { recursive: true }))

/** The sample that begins with a comment naming its file. */
function sample(file: string): string {
  const found = [...readme.matchAll(/```(?:ts|toml)\n(.*?)```/gs)].find(
    ([, code]) => /^(?:\/\/|#) (\S+)/.exec(code ?? '')?.[1] === file,
  )
  return found?.[1] ?? expect.fail(`README has no sample ${file}`)
}

async function bundle(file: string, options: BuildOptions = {}): Promise<string> {
  const path = join(folder, file)
  await writeFile(path, sample(file))
  const alias = {
    botshelf: join(root, 'src/index.ts'),
    'botshelf/codec': join(root, 'src/codec.ts'),
    'botshelf/durable-object': join(root, 'adapters/durable-object.ts'),
    'botshelf/storage-object': join(root, 'adapters/storage-object.ts'),
  }
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    alias,
    ...options,
  })
  return outputFiles?.[0]?.text ?? ''
}

test('the Worker sample counts a hundred requests at once to a hundred', async () => {
  const toml = sample('wrangler.toml')
  expect(toml).toContain('class_name = "StorageObject"')
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: await bundle('worker.ts', { external: ['cloudflare:workers'] }),
      compatibilityDate: /compatibility_date = "(.*)"/.exec(toml)?.[1] ?? '',
      bindings: { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'BOT_STORAGE' } },
      durableObjects: { BOT_STORAGE: { className: 'StorageObject', useSQLite: true } },
    }),
  )
  try {
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () =>
        (await miniflare.dispatchFetch('http://bot/')).text(),
      ),
    )
    expect(new Set(answers).size).toBe(100)
    expect(answers).toContain('ann: 100')
  } finally {
    await miniflare.dispose()
  }
})

test('the adapter sample passes the suite', async () => {
  const path = join(folder, 'redis.mjs')
  await writeFile(path, await bundle('redis.ts', { platform: 'node' }))
  const { RedisStoragePlugin } = (await import(pathToFileURL(path).href)) as {
    RedisStoragePlugin: new (config: object) => StoragePluginBase
  }
  const hashes = new Map<string, Map<string, string>>()
  const hash = (name: string): Map<string, string> =>
    hashes.get(name) ?? hashes.set(name, new Map()).get(name) ?? new Map()
  const client = {
    hget: async (name: string, field: string) => hash(name).get(field) ?? null,
    hset: async (name: string, field: string, text: string) => hash(name).set(field, text),
    hdel: async (name: string, field: string) => hash(name).delete(field),
    hlen: async (name: string) => hash(name).size,
    hkeys: async (name: string) => [...hash(name).keys()],
  }
  for (const { id, run } of conformance({
    plugin: () => new RedisStoragePlugin({ STORAGE_CONFIG: { client } }),
  })) {
    await run().catch((error: unknown) => expect.fail(`${id}: ${String(error)}`))
  }
})

test('the table of STORAGE_CONFIG says what the manifests say', () => {
  for (const { name, config = {} } of [durableObject, cloudflareKV, memory]) {
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

test('every error code has its line', async () => {
  const source = await readFile(join(root, 'src/errors.ts'), 'utf8')
  const codes = [
    ...source.slice(0, source.indexOf('export type WriteOutcome')).matchAll(/\| '([A-Z_]+)'/g),
  ].map(([, code]) => code as StoreErrorCode)
  expect(codes).toHaveLength(20)
  for (const code of codes) expect(readme).toMatch(new RegExp(`\\|.*\`${code}\`.*\\|`))
})
