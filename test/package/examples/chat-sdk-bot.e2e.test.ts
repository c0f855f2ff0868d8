import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Consumer, INSTALL_TIMEOUT_MS } from '../support/consumer.ts'
import { deploy } from '../support/deploy.ts'

let consumer: Consumer

beforeAll(async () => {
  // Otherwise Miniflare requests its location from the network.
  vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
  consumer = await Consumer.start()
})

afterAll(async () => {
  await consumer.stop()
  vi.unstubAllEnvs()
})

test(
  'the Chat SDK example counts messages of a thread that arrive at once, in a Durable Object',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    // Chat imports node:async_hooks.
    const server = await deploy(consumer, 'chat-sdk-bot', { hasNode: true })
    try {
      const send = async (thread: string, id: number): Promise<readonly string[]> => {
        const body = JSON.stringify({ id: `${id}`, thread, text: 'hello' })
        const response = await server.fetch('/', { method: 'POST', body })
        return (await response.json()) as string[]
      }
      await Promise.all(Array.from({ length: 20 }, (_, index) => send('a', index)))
      // It also handles a message that was queued just before the last handler ended.
      expect((await send('a', 20)).at(-1)).toBe('21 so far')
      expect(await send('b', 21)).toEqual(['1 so far'])
    } finally {
      await server.close()
    }
  },
)
