import { expect, test } from 'vitest'
import type { TestHarness } from 'wrangler'
import { INSTALL_TIMEOUT_MS } from './support/consumer.ts'
import { useDeploy } from './support/deploy.ts'

const deploy = useDeploy()

/** Sends a hundred concurrent requests and resolves to the responses' texts. */
async function fetchHundred(server: TestHarness, path: string): Promise<string[]> {
  const requests = Array.from({ length: 100 }, async () => (await server.fetch(path)).text())
  return Promise.all(requests)
}

test(
  'the worker example, without nodejs_compat, counts a hundred concurrent requests to a hundred',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const server = await deploy('worker')
    try {
      const answers = await fetchHundred(server, '/')
      expect(new Set(answers).size).toBe(100)
      expect(answers).toContain('ann: 100\n')
    } finally {
      await server.close()
    }
  },
)

test(
  'the object example counts a hundred concurrent requests, and keeps the count when it is evicted',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const server = await deploy('object')
    try {
      const answers = await fetchHundred(server, '/a')
      expect(new Set(answers).size).toBe(100)
      expect(answers).toContain('100')
      await server.getWorker().evictDurableObject('COUNTER', { name: '/a' })
      expect(await (await server.fetch('/a')).text()).toBe('101')
      expect(await (await server.fetch('/b')).text()).toBe('1')
    } finally {
      await server.close()
    }
  },
)
