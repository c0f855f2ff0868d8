import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { StorageRuntime } from '../../src/index.ts'
import { recordCalls } from '../adapters/durable-object/support/objects.ts'
import { countMessage, start } from './sliding-session.ts'
import { countCalls } from './support/count-calls.ts'
import { testRecipes } from './support/test-recipes.ts'

type Sessions = Record<string, { user: string; messages: number }>

function createPlugin(binding: object = env.BOT_STORAGE): DurableObjectStoragePlugin {
  return new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding } })
}

// Each client has a runtime of its own, as a request has.
testRecipes('a Durable Object', createPlugin)

test('each recipe takes as many RPCs to a Durable Object as docs/recipes.md says', async () => {
  const { binding, calls } = recordCalls()
  expect(await countCalls(new StorageRuntime(createPlugin(binding)), calls)).toEqual({
    isAllowed: 1,
    runOnce: 1,
    acquire: 1,
    extend: 2,
    release: 2,
    start: 1,
    countMessage: 2,
    push: 2,
    take: 2,
    addPoints: 4,
    topTen: 1,
  })
})

test('a step with a function takes at most four RPCs, although 50 clients change its key', async () => {
  const clients = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const { binding, calls } = recordCalls()
      const runtime = new StorageRuntime(createPlugin(binding))
      return { calls, store: await runtime.open<Sessions>('contended') }
    }),
  )
  const id = await start(clients[0]!.store, 'ann')
  clients[0]!.calls.length = 0
  await Promise.all(clients.map(({ store }) => countMessage(store, id)))
  expect(Math.max(...clients.map(({ calls }) => calls.length))).toBeLessThanOrEqual(4)
})
