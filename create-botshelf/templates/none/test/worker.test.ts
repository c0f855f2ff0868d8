import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTestHarness } from 'wrangler'

const secrets = { ADMIN_TOKEN: 'test' }
const server = createTestHarness({ workers: [{ configPath: './wrangler.toml', secrets }] })
await server.listen()
after(() => server.close())

async function send(text: string): Promise<string> {
  const response = await server.fetch('/', { method: 'POST', body: text })
  return response.text()
}

test('the Worker counts praise, also in requests at the same time', async () => {
  await Promise.all(Array.from({ length: 10 }, () => send('ann++')))
  assert.equal(await send('ann++'), 'ann: 11\n')
})

test('the admin API refuses a request without its token', async () => {
  assert.equal((await server.fetch('/admin/namespaces')).status, 401)
})
