import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMemoryBot, TOKEN } from '../cli/support/memory-bot.ts'
import { COMPILERS, Consumer, INSTALL_TIMEOUT_MS } from './support/consumer.ts'
import { run } from './support/run.ts'

let consumer: Consumer

beforeAll(async () => {
  consumer = await Consumer.start()
})

afterAll(() => consumer.stop())

/** Installs and compiles an example, runs its tests, and resolves to how many passed. */
async function countPassed(example: string): Promise<number> {
  const folder = await consumer.install(example)
  for (const compiler of COMPILERS) await consumer.compile(folder, compiler)
  const output = await run(folder, 'npm', 'test')
  expect(output).toMatch(/^. fail 0$/m)
  return Number(/^. pass (\d+)$/m.exec(output)?.[1])
}

test(
  "the node-test example tests a bot's plugin and its Worker from Node",
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    expect(await countPassed('node-test')).toBe(2)
  },
)

test(
  'the fault-test example finds the mistakes of a naive bot, and none in a careful one',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    expect(await countPassed('fault-test')).toBe(4)
  },
)

test(
  "the adapter example passes the conformance suite under Node's test runner",
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    expect(await countPassed('adapter')).toBeGreaterThan(100)
  },
)

const CHECK = `({ StorageRuntime }, { memory }) =>
  StorageRuntime.start({ STORAGE: 'Memory' }, [memory]).then(() => console.log('started'))`
let plainFolder: Promise<string> | undefined

/** Installs the package without an example, once for several tests. */
function installPlain(): Promise<string> {
  plainFolder ??= consumer.create(
    'plain',
    {
      'import.cjs': `Promise.all([import('botshelf'), import('botshelf/memory')]).then((modules) => (${CHECK})(...modules))`,
      'require.cjs': `(${CHECK})(require('botshelf'), require('botshelf/memory'))`,
    },
    [],
  )
  return plainFolder
}

test('a CommonJS module loads the package by import() and by require()', async () => {
  const folder = await installPlain()
  expect(await run(folder, 'node', 'import.cjs')).toBe('started\n')
  expect(await run(folder, 'node', 'require.cjs')).toBe('started\n')
})

test("the installed command runs under the machine's own Node", async () => {
  const bot = await startMemoryBot()
  await (await bot.runtime.open('Karma')).set('ann', 7)
  const folder = await installPlain()
  const command = join(folder, 'node_modules/botshelf/dist/cli/main.js')
  const env = { BOTSHELF_URL: bot.url, BOTSHELF_TOKEN: TOKEN }
  expect(await run(folder, 'npx', 'botshelf', '--version')).toMatch(/^\d+\.\d+\.\d+/)
  expect(await run(folder, 'env', ...toArguments(env), findNode(), command, 'ls')).toBe(
    '1  Karma\n',
  )
  await bot.stop()
})

/** Returns the first `node` of the machine, which may be older than the one that runs the tests. */
function findNode(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = folders
    .filter((folder) => !folder.includes('node_modules'))
    .map((folder) => join(folder, 'node'))
    .find((file) => existsSync(file))
  return found ?? process.execPath
}

function toArguments(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`)
}
