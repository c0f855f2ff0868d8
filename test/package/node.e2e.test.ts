import { afterAll, beforeAll, expect, test } from 'vitest'
import { Consumer, WITHIN } from './support/consumer.ts'
import { run } from './support/run.ts'

let consumer: Consumer

beforeAll(async () => {
  consumer = await Consumer.start()
})

afterAll(() => consumer.stop())

async function testsPassed(sample: string): Promise<number> {
  const folder = await consumer.install(sample)
  await consumer.compile(folder)
  const said = await run(folder, 'npm', 'test')
  expect(said).toMatch(/^. fail 0$/m)
  return Number(/^. pass (\d+)$/m.exec(said)?.[1])
}

test(
  "a bot's plugin is tested from Node, against its Worker's own binding",
  { timeout: WITHIN },
  async () => {
    expect(await testsPassed('node-test')).toBe(1)
  },
)

test(
  'the adapter of six methods passes the suite under the runner of Node',
  { timeout: WITHIN },
  async () => {
    expect(await testsPassed('adapter')).toBeGreaterThan(100)
  },
)
