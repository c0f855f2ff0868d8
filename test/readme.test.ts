import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildOptions } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { chromium } from 'playwright'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { cloudflareKV } from '../adapters/cloudflare-kv.js'
import { durableObject } from '../adapters/durable-object.js'
import { indexeddb } from '../adapters/indexeddb.js'
import { memory } from '../adapters/memory.js'
import { chromiumLaunch } from '../scripts/chromium.js'
import type { StoreErrorCode } from '../src/index.js'

// README's samples are compiled and run as they stand, against the built package (`npm run build`).

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(join(root, 'README.md'), 'utf8')
let folder: string

beforeAll(async () => {
  // Within the package, so that `botshelf` is the package itself.
  folder = await mkdtemp(join(root, '.readme-'))
  for (const file of [
    'page.ts',
    'worker.ts',
    'wrangler.toml',
    'karma.ts',
    'counter.ts',
    'redis.ts',
    'redis.test.ts',
  ]) {
    await writeFile(join(folder, file), sample(file))
  }
  await writeFile(
    join(folder, 'bot-plugin.ts'),
    `export class BotPlugin {\n  readonly name: string\n  constructor(name: string) {\n    this.name = name\n  }\n}\n`,
  )
  // A client in the shape that the adapter sample wants, over maps.
  await writeFile(
    join(folder, 'client.ts'),
    `const hashes = new Map<string, Map<string, string>>()
function hash(name: string): Map<string, string> {
  const found = hashes.get(name) ?? new Map<string, string>()
  hashes.set(name, found)
  return found
}
export const client = {
  hget: async (name: string, field: string) => hash(name).get(field) ?? null,
  hset: async (name: string, field: string, text: string) => hash(name).set(field, text),
  hdel: async (name: string, field: string) => hash(name).delete(field),
  hlen: async (name: string) => hash(name).size,
  hkeys: async (name: string) => [...hash(name).keys()],
}
`,
  )
  const config = {
    extends: '../tsconfig.base.json',
    compilerOptions: {
      lib: ['ES2023', 'ESNext.Disposable', 'ESNext.Float16'],
      types: ['@cloudflare/workers-types'],
      noEmit: true,
      isolatedDeclarations: false,
    },
    // They are for Node and for a page; the others are for a Worker.
    exclude: ['redis.test.ts', 'page.ts'],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { types: _, ...compilerOptions } = config.compilerOptions
  const page = {
    ...config,
    compilerOptions: { ...compilerOptions, lib: [...compilerOptions.lib, 'DOM'] },
    include: ['page.ts'],
    exclude: [],
  }
  await writeFile(join(folder, 'tsconfig.page.json'), JSON.stringify(page))
})

afterAll(() => rm(folder, { recursive: true }))

/** The sample that begins with a comment naming its file. */
function sample(file: string): string {
  const found = [...readme.matchAll(/```(?:ts|toml)\n(.*?)```/gs)].find(
    ([, code]) => /^(?:\/\/|#) ([\w.-]+)/.exec(code ?? '')?.[1] === file,
  )
  return found?.[1] ?? expect.fail(`README has no sample ${file}`)
}

async function bundle(
  entry: { contents: string } | string,
  options: BuildOptions = {},
): Promise<string> {
  const source: BuildOptions =
    typeof entry === 'string'
      ? { entryPoints: [join(folder, entry)] }
      : { stdin: { ...entry, resolveDir: folder, loader: 'ts' } }
  const { outputFiles } = await build({
    ...source,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['cloudflare:workers'],
    ...options,
  })
  return outputFiles?.[0]?.text ?? ''
}

test.each(['tsconfig.json', 'tsconfig.page.json'])(
  'the samples compile under every strict flag, with declarations: %s',
  (project) => {
    const { status, stdout } = spawnSync('tsc', ['-p', join(folder, project)], { encoding: 'utf8' })
    expect(stdout).toBe('')
    expect(status).toBe(0)
  },
)

test('the page sample keeps what it stored, and watches what another tab does', async () => {
  const script = await bundle('page.ts', { target: 'es2022' })
  const browser = await chromium.launch(chromiumLaunch())
  try {
    const context = await browser.newContext()
    await context.route('http://readme.localhost/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: '' }),
    )
    const open = async (): Promise<string[]> => {
      const said: string[] = []
      const page = await context.newPage()
      page.on('console', (message) => said.push(message.text()))
      page.on('pageerror', (error) => said.push(String(error)))
      await page.goto('http://readme.localhost/')
      await page.addScriptTag({ content: script, type: 'module' })
      return said
    }
    const first = await open()
    await vi.waitFor(() => expect(first).toHaveLength(2), { timeout: 20_000 })
    expect(first).toEqual(['bl_plugins [Todo]', 'configs {Karma: Object}'])
    const second = await open()
    await vi.waitFor(() => expect(second).toHaveLength(2), { timeout: 20_000 })
    expect(second[0]).toBe('bl_plugins [Todo, Todo]')
    await vi.waitFor(() => expect(first.slice(2)).toContain('set bl_plugins'), { timeout: 20_000 })
    expect(first.slice(2)).toContain('set configs')
  } finally {
    await browser.close()
  }
})

test('the Worker sample, under its own wrangler.toml, counts a hundred requests at once to a hundred', async () => {
  const { modulesRules: _, ...workerOptions } = unstable_getMiniflareWorkerOptions(
    join(folder, 'wrangler.toml'),
  ).workerOptions
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      modules: true,
      script: await bundle('worker.ts'),
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

test('the samples of a class and of an object with storage inside it work', async () => {
  const contents = `
    export { Counter } from './counter.js'
    import { Karma } from './karma.js'
    import { StorageRuntime } from 'botshelf'
    import { MemoryStoragePlugin } from 'botshelf/memory'
    export default {
      async fetch(request, env) {
        const karma = new Karma('karma')
        await karma.openStorage(new StorageRuntime(new MemoryStoragePlugin()), 'Karma')
        await karma.praise('ann')
        const counter = env.COUNTER.getByName('c')
        await counter.up()
        return Response.json([await karma.praise('ann'), await counter.up()])
      },
    }`
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: await bundle({ contents }),
      compatibilityDate: '2026-10-01',
      durableObjects: { COUNTER: { className: 'Counter', useSQLite: true } },
    }),
  )
  try {
    expect(await (await miniflare.dispatchFetch('http://bot/')).json()).toEqual([2, 2])
  } finally {
    await miniflare.dispose()
  }
})

test('the adapter sample passes the suite under the runner of the test sample', async () => {
  const file = join(folder, 'redis.test.mjs')
  await writeFile(file, await bundle('redis.test.ts', { platform: 'node' }))
  const { status, stdout } = spawnSync('node', ['--test', '--test-reporter=tap', file], {
    encoding: 'utf8',
  })
  expect(stdout).toMatch(/^# pass [1-9]\d\d$/m)
  expect(stdout).toMatch(/^# fail 0$/m)
  expect(status).toBe(0)
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

test('every error code has its line', async () => {
  const source = await readFile(join(root, 'src/errors.ts'), 'utf8')
  const codes = [
    ...source.slice(0, source.indexOf('export type WriteOutcome')).matchAll(/\| '([A-Z_]+)'/g),
  ].map(([, code]) => code as StoreErrorCode)
  expect(codes).toHaveLength(20)
  for (const code of codes) expect(readme).toMatch(new RegExp(`\\|.*\`${code}\`.*\\|`))
})
