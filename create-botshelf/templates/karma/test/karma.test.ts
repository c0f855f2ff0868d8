import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageRuntime } from 'botshelf'
import { memory } from 'botshelf/memory'
import { type Karma, reply } from '../src/karma.ts'

test('each praise counts, also if two arrive at once', async () => {
  const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  const karma = await runtime.open<Karma>('Karma')
  await Promise.all([reply(karma, 'ann++'), reply(karma, 'ann++')])
  assert.equal(await reply(karma, 'ann++'), 'ann: 3')
  assert.equal(await reply(karma, 'ben++'), 'ben: 1')
  await runtime.close()
})

test('another message is answered with what the bot understands', async () => {
  const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  const karma = await runtime.open<Karma>('Karma')
  assert.match(await reply(karma, 'hello'), /ann\+\+/)
  assert.equal(await karma.size(), 0)
  await runtime.close()
})
