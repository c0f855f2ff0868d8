import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMPILERS, Consumer, INSTALL_TIMEOUT_MS } from './support/consumer.ts'
import {
  type CodeBlock,
  expectedOutput,
  fileNameOf,
  findPages,
  readCodeBlocks,
} from './support/examples.ts'
import { frameworks } from './support/frameworks.ts'
import { run } from './support/run.ts'

/** Where an example runs. The first line of a block says so, unless it runs in Node. */
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
const examples = blocks.filter(
  (block) => block.language === 'ts' && fileNameOf(block) === undefined,
)

function platformOf({ code }: CodeBlock): Platform {
  return FIRST_LINES[code.split('\n', 1)[0] ?? ''] ?? 'node'
}

/** Whether an example is of a bridge's page, which imports a framework. */
function hasFramework({ page }: CodeBlock): boolean {
  return page.startsWith('docs/bridges')
}

/** Returns the folder of an example: the frameworks need other settings of the compiler. */
function projectOf(example: CodeBlock): string {
  return `${hasFramework(example) ? 'bridges-' : ''}${platformOf(example)}`
}

function pathOf(example: CodeBlock): string {
  const name = example.page.replace(/\.md$/, '').replaceAll('/', '-')
  return `${projectOf(example)}/${name}-line-${example.line}.ts`
}

const projects = PLATFORMS.flatMap((platform) =>
  [platform, `bridges-${platform}`].map((project) => ({
    project,
    // The frameworks' own declarations do not all compile under the strict flags.
    options: { ...COMPILER_OPTIONS[platform], skipLibCheck: project !== platform },
  })),
).filter(({ project }) => examples.some((each) => projectOf(each) === project))

let consumer: Consumer
let folder: string

beforeAll(async () => {
  consumer = await Consumer.start()
  const settings = projects.map(({ project, options }) => [
    `${project}/tsconfig.json`,
    JSON.stringify({ compilerOptions: { target: 'ES2022', ...options }, include: ['*.ts'] }),
  ])
  const sources = examples.map((example) => [pathOf(example), example.code])
  const tools = ['@cloudflare/workers-types', '@types/node', '@types/react', 'react', 'vue']
  folder = await consumer.create('docs', Object.fromEntries([...settings, ...sources]), [
    ...tools,
    ...(await frameworks()),
  ])
})

afterAll(() => consumer.stop())

describe.each(COMPILERS)('with %s', (compiler) => {
  test.each(projects)(
    'every example for $project compiles under strict flags against the installed package',
    { timeout: INSTALL_TIMEOUT_MS },
    async ({ project }) => {
      await consumer.compile(join(folder, project), compiler)
    },
  )
})

describe('every example for node prints what its comments say', () => {
  const runnable = examples.filter((example) => platformOf(example) === 'node')
  test.concurrent.each(runnable.map((example) => [pathOf(example), example] as const))(
    '%s',
    async (path, example) => {
      const output = await run(folder, 'node', path)
      expect(output.split('\n').slice(0, -1)).toEqual(expectedOutput(example))
    },
  )
})

test('every TypeScript block is an example or a file of a sample', () => {
  expect(examples.length).toBeGreaterThan(20)
  const fences = blocks.map(({ language }) => language)
  // Other names of the language would escape the checks above.
  expect(fences.filter((name) => /^(?:typescript|tsx|js|javascript|mjs)$/.test(name))).toEqual([])
})
