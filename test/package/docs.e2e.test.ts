import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMPILERS, Consumer, INSTALL_TIMEOUT_MS } from './support/consumer.ts'
import {
  type CodeBlock,
  expectedOutput,
  fileNameOf,
  findPages,
  readCodeBlocks,
} from './support/code-blocks.ts'
import { frameworks } from './support/frameworks.ts'
import { run } from './support/run.ts'

/** Where a code block runs. The first line of a block says so, unless it runs in Node. */
type Platform = 'node' | 'browser' | 'worker'

const FIRST_LINES: Readonly<Record<string, Platform>> = {
  '// Browser only': 'browser',
  '// Worker only': 'worker',
}

const COMPILER_OPTIONS: Readonly<Record<Platform, object>> = {
  node: { module: 'NodeNext', types: ['node'], lib: ['ES2022'] },
  browser: { module: 'NodeNext', types: [], lib: ['ES2022', 'DOM'] },
  worker: {
    module: 'ESNext',
    moduleResolution: 'Bundler',
    types: ['@cloudflare/workers-types'],
    lib: ['ES2022'],
  },
}

const PLATFORMS = Object.keys(COMPILER_OPTIONS) as Platform[]

const pages = await findPages()
const blocks = (await Promise.all(pages.map(readCodeBlocks))).flat()
const modules = blocks.filter((block) => block.language === 'ts' && fileNameOf(block) === undefined)

function platformOf({ code }: CodeBlock): Platform {
  return FIRST_LINES[code.split('\n', 1)[0] ?? ''] ?? 'node'
}

/** Whether a code block is of a bridge's page, which imports a framework. */
function hasFramework({ page }: CodeBlock): boolean {
  return page.startsWith('docs/bridges')
}

/** Returns the folder of a code block: the frameworks need other settings of the compiler. */
function projectOf(block: CodeBlock): string {
  return `${hasFramework(block) ? 'bridges-' : ''}${platformOf(block)}`
}

function pathOf(block: CodeBlock): string {
  const name = block.page.replace(/\.md$/, '').replaceAll('/', '-')
  return `${projectOf(block)}/${name}-line-${block.line}.ts`
}

const projects = PLATFORMS.flatMap((platform) =>
  [platform, `bridges-${platform}`].map((project) => ({
    project,
    // The frameworks' own declarations do not all compile under the strict flags.
    options: { ...COMPILER_OPTIONS[platform], skipLibCheck: project !== platform },
  })),
).filter(({ project }) => modules.some((each) => projectOf(each) === project))

let consumer: Consumer
let folder: string

beforeAll(async () => {
  consumer = await Consumer.start()
  const settings = projects.map(({ project, options }) => [
    `${project}/tsconfig.json`,
    JSON.stringify({ compilerOptions: { target: 'ES2022', ...options }, include: ['*.ts'] }),
  ])
  const sources = modules.map((block) => [pathOf(block), block.code])
  const tools = ['@cloudflare/workers-types', '@types/node', '@types/react', 'react', 'vue']
  folder = await consumer.create('docs', Object.fromEntries([...settings, ...sources]), [
    ...tools,
    ...(await frameworks()),
  ])
})

afterAll(() => consumer.stop())

describe.each(COMPILERS)('with %s', (compiler) => {
  test.each(projects)(
    'every code block for $project compiles under strict flags against the installed package',
    { timeout: INSTALL_TIMEOUT_MS },
    async ({ project }) => {
      await consumer.compile(join(folder, project), compiler)
    },
  )
})

describe('every code block for node prints what its comments say', () => {
  const runnable = modules.filter((block) => platformOf(block) === 'node')
  test.concurrent.each(runnable.map((block) => [pathOf(block), block] as const))(
    '%s',
    async (path, block) => {
      const output = await run(folder, 'node', path)
      expect(output.split('\n').slice(0, -1)).toEqual(expectedOutput(block))
    },
  )
})

test('every TypeScript block is a module or a file of an example', () => {
  expect(modules.length).toBeGreaterThan(20)
  const fences = blocks.map(({ language }) => language)
  // Other names of the language would escape the checks above.
  expect(fences.filter((name) => /^(?:typescript|tsx|js|javascript|mjs)$/.test(name))).toEqual([])
})
