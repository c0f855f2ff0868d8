// bot.test.ts
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { isStoreError, StorageRuntime, type Store } from 'botshelf'
import { CloudflareKVStoragePlugin } from 'botshelf/cloudflare-kv'
import { MemoryStoragePlugin } from 'botshelf/memory'
import { eachFault, type FaultContext, staleKV } from 'botshelf/testing'
import { getPlatformProxy } from 'wrangler'
import { greet, Karma, naiveGreet, NaiveKarma } from './bot.js'

/** Delivers one message until the bot has handled it. */
async function deliver({ runtime }: FaultContext, karma: Karma | NaiveKarma): Promise<void> {
  await karma.openStorage(runtime, 'Karma')
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return await karma.praise('ann', 7)
    } catch (error) {
      if (!isStoreError(error)) throw error
    }
  }
}

test('the naive bot counts a message twice if a call is applied after its time limit', async () => {
  const { reports } = await eachFault(
    () => new MemoryStoragePlugin(),
    async (context) => {
      await deliver(context, new NaiveKarma())
      return (contents) => assert.equal(contents.get('Karma')?.get('ann'), 1)
    },
  )
  assert.deepEqual(
    reports.map(({ fault }) => fault),
    ['late'],
  )
})

test('the careful bot counts a message once with each fault', async () => {
  const { reports, runs } = await eachFault(
    () => new MemoryStoragePlugin(),
    async (context) => {
      await deliver(context, new Karma())
      return (contents) =>
        assert.deepEqual(contents.get('Karma')?.get('ann'), { count: 1, messageIds: [7] })
    },
  )
  assert.deepEqual(reports, [])
  assert.ok(runs > 20)
})

let time = Date.now()
const { env, dispose } = await getPlatformProxy<{ BOT_KV: KVNamespace }>({ persist: false })
after(() => dispose())
const here = staleKV(env.BOT_KV, { now: () => time })
const there = here.location()

function open(binding: object): Promise<Store> {
  return new StorageRuntime(new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding } }), {
    now: () => time,
  }).open('Greeted')
}

test('on Workers KV the naive bot greets a person twice, from two locations', async () => {
  const [one, two] = [await open(here), await open(there)]
  assert.equal(await two.has('ann'), false)
  assert.equal(await naiveGreet(one, 'ann'), 'Welcome, ann!')
  time += 30_000
  assert.equal(await naiveGreet(two, 'ann'), 'Welcome, ann!')
  time += 60_000
  assert.equal(await naiveGreet(two, 'ann'), undefined)
})

test('the careful bot refuses to run on Workers KV, and greets once elsewhere', async () => {
  await assert.rejects(greet(await open(here), 'ben'), { code: 'NOT_ATOMIC' })
  const greeted = await new StorageRuntime(new MemoryStoragePlugin()).open('Greeted')
  const greetings = await Promise.all([greet(greeted, 'ben'), greet(greeted, 'ben')])
  assert.deepEqual(greetings, ['Welcome, ben!', undefined])
})
