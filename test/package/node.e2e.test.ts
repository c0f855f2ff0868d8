import { afterAll, beforeAll, expect, test } from 'vitest'
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

test('a CommonJS module loads the package by import() and by require()', async () => {
  const check = `({ StorageRuntime }, { memory }) =>
    StorageRuntime.start({ STORAGE: 'Memory' }, [memory]).then(() => console.log('started'))`
  const folder = await consumer.create(
    'commonjs',
    {
      'import.cjs': `Promise.all([import('botshelf'), import('botshelf/memory')]).then((modules) => (${check})(...modules))`,
      'require.cjs': `(${check})(require('botshelf'), require('botshelf/memory'))`,
    },
    [],
  )
  expect(await run(folder, 'node', 'import.cjs')).toBe('started\n')
  expect(await run(folder, 'node', 'require.cjs')).toBe('started\n')
})
