import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTestHarness } from 'wrangler'

const secrets = { ADMIN_TOKEN: 'test' }
const server = createTestHarness({ workers: [{ configPath: './wrangler.toml', secrets }] })
await server.listen()
after(() => server.close())

/** Sends a message, and returns what the bot posts meanwhile. */
async function send(thread: string, id: number): Promise<unknown> {
  const body = JSON.stringify({ id: `${id}`, thread, text: 'hello' })
  const response = await server.fetch('/', { method: 'POST', body })
  return response.json()
}

test('the bot counts the messages of a thread', async () => {
  assert.deepEqual(await send('a', 1), ['Message 1'])
  assert.deepEqual(await send('a', 2), ['Message 2'])
  assert.deepEqual(await send('b', 3), ['Message 1'])
})

test('the admin API refuses a request without its token', async () => {
  assert.equal((await server.fetch('/admin/namespaces')).status, 401)
})
