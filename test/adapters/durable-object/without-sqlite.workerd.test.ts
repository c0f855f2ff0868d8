import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import { isStoreError } from '../../../src/index.ts'
import { createPlugin, listNamespaces, open, uniqueName } from './support/objects.ts'

const LINES = '[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["StorageObject"]'

const rejected = {
  code: 'CONFIG_INVALID',
  outcome: 'not-applied',
  retryable: false,
  message: expect.stringContaining(LINES),
}

test('inside an object whose class is under new_classes, the constructor throws CONFIG_INVALID with the lines of wrangler.toml', async () => {
  const error: unknown = await runInDurableObject(
    env.LEGACY.getByName(uniqueName()),
    (_, { storage }) => {
      try {
        return new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } })
      } catch (thrown) {
        return isStoreError(thrown) ? thrown.toJSON() : thrown
      }
    },
  )
  expect(error).toMatchObject(rejected)
})

test('from a Worker, each call of such an object rejects with CONFIG_INVALID and the lines of wrangler.toml', async () => {
  const store = await open(uniqueName(), {}, env.LEGACY)
  await expect(store.set('k', 1)).rejects.toMatchObject(rejected)
  await expect(store.get('k')).rejects.toMatchObject(rejected)
  await expect(store.increment('k', 1)).rejects.toMatchObject(rejected)
  await expect(store.update('k', () => 1)).rejects.toMatchObject(rejected)
  await expect(store.setMany({ a: 1, b: 2 })).rejects.toMatchObject(rejected)
  await expect(store.keys().next()).rejects.toMatchObject(rejected)
  await expect(store.size()).rejects.toMatchObject(rejected)
  await expect(store.clear()).rejects.toMatchObject(rejected)
  await expect(listNamespaces(createPlugin(env.LEGACY))).rejects.toMatchObject(rejected)
})
