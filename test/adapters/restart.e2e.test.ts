import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { StorageRuntime } from '../../src/index.ts'
import { startMiniflare } from '../support/miniflare.ts'

/** The methods of `HostObject` in `worker.ts`. */
interface Host {
  remember(key: string, value: string): Promise<void>
  recall(key: string): Promise<string | undefined>
}

interface Env {
  readonly BOT_KV: object
  readonly BOT_STORAGE: object
  readonly HOST: { idFromName(name: string): unknown; get(id: unknown): Host }
}

test('entries survive a restart of the Worker runtime', async () => {
  let host: Host | undefined
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-'))
  const runWithEachBackend = async (
    use: (runtime: StorageRuntime, backend: string) => Promise<void>,
  ): Promise<void> => {
    const miniflare = await startMiniflare(folder)
    try {
      const env = await miniflare.getBindings<Env>()
      host = env.HOST.get(env.HOST.idFromName('restart'))
      await use(
        new StorageRuntime(
          new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_KV } }),
        ),
        'KV',
      )
      await use(
        new StorageRuntime(
          new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_STORAGE } }),
        ),
        'object',
      )
    } finally {
      await miniflare.dispose()
    }
  }
  try {
    await runWithEachBackend(async (runtime, backend) => {
      await host?.remember('note', 'from inside')
      const store = await runtime.open('Karma')
      await store.set('ann', { since: new Date(5), by: backend })
      await store.set('gone', 1, { ttl: 1 })
      await runtime.close()
    })
    await runWithEachBackend(async (runtime, backend) => {
      const store = await runtime.open('Karma')
      expect(await store.get('ann')).toEqual({ since: new Date(5), by: backend })
      expect(await store.size()).toBe(1)
      expect(await host?.recall('note')).toBe('from inside')
      const namespaces: string[] = []
      for await (const namespace of runtime.namespaces()) namespaces.push(namespace)
      expect(namespaces).toEqual(['Karma'])
      await runtime.close()
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
