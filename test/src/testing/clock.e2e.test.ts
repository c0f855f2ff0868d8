import { expect, test } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../../adapters/cloudflare-kv.ts'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { testClock } from '../../../src/testing/clock.ts'
import { startMiniflare } from '../../support/miniflare.ts'

interface Env {
  readonly BOT_KV: object
  readonly BOT_STORAGE: object
}

test('stores over Miniflare follow the clock of their runtime, ahead of the real time', async () => {
  const miniflare = await startMiniflare()
  const clock = testClock()
  try {
    const env = await miniflare.getBindings<Env>()
    for (const plugin of [
      new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_STORAGE } }),
      new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_KV } }),
    ]) {
      const runtime = new StorageRuntime(plugin, { allowLostUpdates: true })
      const store = await runtime.open<Record<string, string>>('Sessions')
      await store.set('ann', 'open', { ttl: 3_600_000 })
      await clock.advance(3_599_999)
      expect(await store.get('ann')).toBe('open')
      await clock.advance(1)
      expect(await store.get('ann')).toBe(undefined)
      expect(await store.insert('ann', 'again')).toBe(true)
      // Conflicts wait for timers, and each call waits for the object.
      const updates = Promise.all(
        Array.from({ length: 20 }, () => store.update('n', (n = '') => `${n}+`)),
      )
      expect((await clock.advanceUntil(updates)).at(-1)).toBe('+'.repeat(20))
      await runtime.close()
    }
  } finally {
    clock.restore()
    await miniflare.dispose()
  }
})
