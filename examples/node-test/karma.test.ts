// karma.test.ts
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { StorageRuntime } from 'botshelf'
import { durableObject } from 'botshelf/durable-object'
import { createTestHarness } from 'wrangler'
import { Karma } from './karma.js'

const server = createTestHarness({ workers: [{ configPath: './wrangler.toml' }] })
await server.listen()
after(() => server.close())

test('two praises at once count twice', async () => {
  const runtime = await StorageRuntime.start(await server.getWorker().getEnv(), [durableObject])
  const karma = new Karma()
  await karma.openStorage(runtime, 'Karma')
  await Promise.all([karma.praise('ann'), karma.praise('ann')])
  assert.equal(await karma.get('ann'), 2)
  await runtime.close()
})

test('the Worker counts praise by path', async () => {
  assert.equal(await (await server.fetch('/ben')).text(), 'ben: 1\n')
})
