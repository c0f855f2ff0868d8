import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { cloudflareKV } from '../../adapters/cloudflare-kv.ts'
import { durableObject } from '../../adapters/durable-object.ts'
import { indexeddb } from '../../adapters/indexeddb.ts'
import { memory } from '../../adapters/memory.ts'
import { withSizes, sizeTable } from '../../scripts/size-table.ts'
import type { StoreErrorCode } from '../../src/index.ts'
import { Store } from '../../src/store.ts'
import { fileNameOf, findPages, readCodeBlocks } from '../package/support/code-blocks.ts'
import { ROOT } from '../package/support/run.ts'

const MAX_README_WORDS = 1600

/** The files of examples that each page shows, in its order. */
const SHOWN: Readonly<Record<string, readonly string[]>> = {
  'README.md': ['page/page.ts', 'page/index.html', 'worker/worker.ts', 'worker/wrangler.toml'],
  'docs/start.md': [
    'worker/worker.ts',
    'worker/wrangler.toml',
    'page/page.ts',
    'page/index.html',
    'object/counter.ts',
    'object/worker.ts',
    'object/wrangler.toml',
  ],
  'docs/browser.md': ['page/watch.ts', 'page/watch.html'],
  'docs/workers.md': ['object/counter.ts', 'object/worker.ts', 'object/wrangler.toml'],
  'docs/testing.md': [
    'node-test/karma.ts',
    'node-test/worker.ts',
    'node-test/wrangler.toml',
    'node-test/karma.test.ts',
    'node-test/tsconfig.json',
    'fault-test/bot.ts',
    'fault-test/bot.test.ts',
    'fault-test/wrangler.toml',
  ],
  'docs/writing-an-adapter.md': [
    'adapter/redis.ts',
    'adapter/redis.test.ts',
    'adapter/client.ts',
    'adapter/tsconfig.json',
  ],
}

/** Files of examples that no page shows: they only serve editors, or hold the commands of a page. */
const NOT_SHOWN = [
  'package.json',
  'page/tsconfig.json',
  'worker/tsconfig.json',
  'object/tsconfig.json',
  'fault-test/tsconfig.json',
]

/** Examples that no page shows: examples/README.md describes them. */
const WITH_FRAMEWORKS: readonly string[] = [
  'grammy-bot',
  'chat-sdk-bot',
  'hono-app',
  'zustand-page',
]

const pages = await findPages()

function read(path: string): Promise<string> {
  return readFile(join(ROOT, path), 'utf8')
}

async function readBudgets(): Promise<{ name: string; limit: string }[]> {
  return JSON.parse(await read('.size-limit.json')) as { name: string; limit: string }[]
}

test.each(pages)(
  'every block of %s that names its file equals that file of an example',
  async (page) => {
    const blocks = (await readCodeBlocks(page)).filter((block) => fileNameOf(block) !== undefined)
    const files = SHOWN[page] ?? []
    expect(blocks.map(fileNameOf)).toEqual(files.map((file) => file.split('/').at(-1)))
    for (const [index, file] of files.entries()) {
      expect(blocks[index]?.code, file).toBe(await read(`examples/${file}`))
    }
  },
)

test('every file of an example without a framework is shown', async () => {
  const shown = Object.values(SHOWN).flat()
  for (const folder of await readdir(join(ROOT, 'examples'), { withFileTypes: true })) {
    if (!folder.isDirectory() || WITH_FRAMEWORKS.includes(folder.name)) continue
    for (const entry of await readdir(join(ROOT, 'examples', folder.name), {
      withFileTypes: true,
    })) {
      const file = `${folder.name}/${entry.name}`
      if (!entry.isFile() || NOT_SHOWN.includes(entry.name) || NOT_SHOWN.includes(file)) continue
      if (entry.name === 'package-lock.json') continue
      expect(shown).toContain(file)
    }
  }
})

test('README has at most 1,600 words', async () => {
  const words = (await read('README.md')).split(/\s+/).filter((word) => word !== '')
  expect(words.length).toBeLessThanOrEqual(MAX_README_WORDS)
})

test('the settings in docs/backends.md are those of the manifests', async () => {
  const lines = (await read('docs/backends.md')).split('\n')
  const options = lines.slice(lines.indexOf('## Settings'), lines.indexOf('## Limits'))
  for (const { name, config = {} } of [durableObject, cloudflareKV, indexeddb, memory]) {
    const [first] = Object.keys(config)
    const start = options.findIndex((line) =>
      line.startsWith(`| \`${name}\` | ${first === undefined ? '–' : `\`${first}\``} |`),
    )
    expect(start, name).toBeGreaterThan(0)
    for (const [index, [field, { doc, default: fallback }]] of Object.entries(config).entries()) {
      const row = options[start + index]
      expect(row).toContain(`| \`${field}\` |`)
      expect(row).toContain(doc)
      if (typeof fallback === 'string') expect(row).toContain(`default \`${fallback}\``)
      if (typeof fallback === 'number')
        expect(row).toContain(`default ${fallback.toLocaleString('en')}`)
    }
  }
})

test('the sizes in docs/performance.md and README are the budgets of size-limit', async () => {
  const budgets = await readBudgets()
  expect(await read('docs/performance.md')).toContain(`\n\n${sizeTable(budgets)}\n`)
  const readme = await read('README.md')
  expect(readme).toMatch(
    /The core takes [\d,]+ bytes.*; with IndexedDB [\d,]+; with DurableObject [\d,]+\./,
  )
  expect(withSizes(readme, budgets)).toBe(readme)
})

test('every error code has a heading in docs/errors.md that says when, what became of the write, and what to do', async () => {
  const source = await read('src/errors.ts')
  const union = /export type StoreErrorCode =((?:\s+\| '[A-Z_]+')+)/.exec(source)?.[1] ?? ''
  const codes = [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code as StoreErrorCode)
  const text = await read('docs/errors.md')
  const sections = text.split(/^## (?=[A-Z_]+$)/m).slice(1)
  expect(sections.map((section) => section.split('\n', 1)[0])).toEqual(
    expect.arrayContaining(codes),
  )
  expect(sections).toHaveLength(codes.length)
  for (const section of sections) {
    expect(section).toMatch(
      /^- \*\*When\*\*: .+\n- \*\*The write\*\*: .+\n- \*\*What to do\*\*: .+$/m,
    )
  }
  expect(await read('README.md')).toContain(`[${codes.length} codes]`)
})

test('every public method of Store has a heading in docs/store.md', async () => {
  const headings = (await read('docs/store.md')).match(/^### .+$/gm) ?? []
  for (const name of Object.getOwnPropertyNames(Store.prototype)) {
    if (name === 'constructor') continue
    expect(
      headings.some((heading) => new RegExp(`^### ${name}\\b`).test(heading)),
      name,
    ).toBe(true)
  }
})

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(text: string): string[] {
  const headings = text.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.+)$/gm)
  return Array.from(headings, ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test.each([...pages, 'CHANGELOG.md', 'docs/api.md'])(
  'every relative link of %s leads to a file and a heading that exist',
  async (page) => {
    const text = (await read(page)).replaceAll(/^```.*?^```$/gms, '')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      await expect(stat(join(ROOT, target)), link).resolves.toBeDefined()
      if (anchor !== undefined) expect(anchorsOf(await read(target)), link).toContain(anchor)
    }
  },
)

test('every npm script that the docs name exists', async () => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: object }
  const own = pages.filter((page) => page !== 'examples/README.md')
  const text = (await Promise.all(own.map(read))).join('\n')
  const named = [...text.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, name]) => name)
  expect(named.length).toBeGreaterThan(10)
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named))
})
