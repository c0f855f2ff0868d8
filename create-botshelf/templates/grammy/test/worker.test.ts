import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTestHarness } from 'wrangler'

const secrets = { ADMIN_TOKEN: 'test', BOT_TOKEN: '1:test', WEBHOOK_SECRET: 'secret' }
const server = createTestHarness({ workers: [{ configPath: './wrangler.toml', secrets }] })
await server.listen()
after(() => server.close())

/** Delivers a message as Telegram does. */
function send(id: number, secret = 'secret') {
  const chat = { id: 7, type: 'private', first_name: 'Ann' }
  const message = { message_id: id, date: 1_764_331_200, chat, text: 'hello' }
  return server.fetch('/telegram', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': secret },
    body: JSON.stringify({ update_id: id, message }),
  })
}

/** Returns the reply, which is the body of the response: the bot need not call Telegram. */
async function replyTo(id: number): Promise<unknown> {
  return ((await (await send(id)).json()) as { text: unknown }).text
}

test('the bot counts the messages of a chat, also if two arrive at once', async () => {
  await Promise.all([replyTo(1), replyTo(2)])
  assert.equal(await replyTo(3), 'Message 3')
})

test('an update without the secret of the webhook is refused', async () => {
  assert.equal((await send(4, 'wrong')).status, 401)
})

test('the admin API refuses a request without its token', async () => {
  assert.equal((await server.fetch('/admin/namespaces')).status, 401)
})
