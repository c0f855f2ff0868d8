// redis.test.ts
import { test } from 'node:test'
import { conformance } from 'botshelf/conformance'
import { client } from './client.js'
import { RedisStoragePlugin } from './redis.js'

const config = { STORAGE_CONFIG: { client } }
for (const { id, run } of conformance({ plugin: () => new RedisStoragePlugin(config) })) {
  test(id, async (t) => {
    const exempt = await run()
    if (exempt !== undefined) t.skip(exempt)
  })
}
