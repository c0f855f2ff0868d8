import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { StorageRuntime } from 'botshelf'
import { durableObject } from 'botshelf/durable-object'
import { createTestHarness } from 'wrangler'

const secrets = { ADMIN_TOKEN: 'test' }
const server = createTestHarness({ workers: [{ configPath: './wrangler.toml', secrets }] })
await server.listen()
after(() => server.close())

test('the admin API shows what the bot stores, if the request has the token', async () => {
  const runtime = await StorageRuntime.start(await server.getWorker().getEnv(), [durableObject])
  const notes = await runtime.open<Record<string, string>>('Notes')
  await notes.set('ann', 'call Ben')
  await runtime.close()

  const read = (token: string) =>
    server.fetch('/admin/namespaces', { headers: { authorization: `Bearer ${token}` } })
  assert.equal((await read('wrong')).status, 401)
  assert.match(await (await read('test')).text(), /"Notes"/)
})
