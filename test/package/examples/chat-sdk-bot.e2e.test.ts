import { expect, test } from 'vitest'
import { INSTALL_TIMEOUT_MS } from '../support/consumer.ts'
import { useDeploy } from '../support/deploy.ts'

const deploy = useDeploy()

test(
  'the Chat SDK example counts messages of a thread that arrive at once, in a Durable Object',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    // Chat imports node:async_hooks.
    const server = await deploy('chat-sdk-bot', { hasNode: true })
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
