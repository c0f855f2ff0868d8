import { expect, test } from 'vitest'
import { INSTALL_TIMEOUT_MS } from '../support/consumer.ts'
import { useDeploy } from '../support/deploy.ts'

const SECRET = 'secret'

const deploy = useDeploy()

/** Creates the request by which Telegram delivers a message. */
function createWebhook(
  id: number,
  secret = SECRET,
): { method: string; headers: Record<string, string>; body: string } {
  const update = {
    update_id: id,
    message: { message_id: id, date: 1_764_331_200, chat: { id: 7, type: 'private' }, text: 'hi' },
  }
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-telegram-bot-api-secret-token': secret,
    },
    body: JSON.stringify(update),
  }
}

test(
  'the grammY example, without nodejs_compat, counts messages of a chat that arrive at once',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const secrets = { BOT_TOKEN: '1:token', WEBHOOK_SECRET: SECRET }
    const server = await deploy('grammy-bot', { secrets })
    try {
      const send = async (id: number): Promise<string> => {
        const response = await server.fetch('/', createWebhook(id))
        // The reply is the body of the response, so that Telegram need not be called.
        const { text } = (await response.json()) as { text: string }
        return text
      }
      const two = await Promise.all([send(1), send(2)])
      expect(two.toSorted()).toEqual(['Message 1', 'Message 2'])
      const more = Array.from({ length: 20 }, (_, index) => send(index + 3))
      expect(new Set(await Promise.all(more)).size).toBe(20)
      expect(await send(23)).toBe('Message 23')
      const forged = await server.fetch('/', createWebhook(24, 'wrong'))
      expect(forged.status).toBe(401)
    } finally {
      await server.close()
    }
  },
)

test(
  'the grammY example refuses every update until it has a secret',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const server = await deploy('grammy-bot', { secrets: { BOT_TOKEN: '1:token' } })
    try {
      expect((await server.fetch('/', createWebhook(1, ''))).status).toBe(500)
    } finally {
      await server.close()
    }
  },
)
