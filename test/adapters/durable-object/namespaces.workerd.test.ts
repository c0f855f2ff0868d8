import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import { StorageRuntime } from '../../../src/index.ts'
import {
  createPlugin,
  listNamespaces,
  open,
  openStorage,
  recordCalls,
  stepGroup,
  uniqueName,
} from './support/objects.ts'

/** The longest key. */
const key = 'k'.repeat(2048)

/** Returns the longest namespace: 2,048 bytes with the prefix, a slash, `%3A` and `é`. */
function longest(prefix: string): string {
  return `:é${'n'.repeat(2048 - prefix.length - 1 - 3 - 2)}`
}

test('opening a namespace sends no message', async () => {
  const { binding, calls } = recordCalls()
  await open(uniqueName(), {}, binding)
  expect(calls).toEqual([])
})

test('from a Worker, the longest namespace accepts the longest key and is listed', async () => {
  const prefix = uniqueName()
  const runtime = new StorageRuntime(createPlugin(env.BOT_STORAGE, prefix))
  const store = await runtime.open(longest(prefix))
  await store.set(key, 1)
  expect(await store.get(key)).toBe(1)
  expect(await listNamespaces(runtime)).toEqual([longest(prefix)])
})

test('inside an object, the longest namespace accepts the longest key and is listed', async () => {
  const host = env.HOST.getByName(uniqueName())
  const found = await runInDurableObject(host, async (_, { storage }) => {
    const plugin = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage, prefix: 'p' } })
    const runtime = new StorageRuntime(plugin)
    const store = await runtime.open(longest('p'))
    await store.set(key, 1)
    return {
      value: await store.get(key),
      size: await store.size(),
      listed: await listNamespaces(runtime),
    }
  })
  expect(found).toEqual({ value: 1, size: 1, listed: [longest('p')] })
})

test('a longer namespace rejects with INVALID_NAMESPACE, which names the limit, and sends and writes nothing', async () => {
  const { binding, calls } = recordCalls()
  const prefix = uniqueName()
  const host = env.HOST.getByName(uniqueName())
  for (const name of [`${longest(prefix)}n`, 'n'.repeat(5_000_000)]) {
    const expected = { code: 'INVALID_NAMESPACE', message: expect.stringContaining('2048') }
    const runtime = new StorageRuntime(createPlugin(binding, prefix))
    await expect(runtime.open(name)).rejects.toMatchObject(expected)
    const insideResult = await runInDurableObject(host, async (_, { storage }) => {
      const plugin = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage, prefix } })
      const opened = new StorageRuntime(plugin).open(name)
      const { code, message } = await opened.then(
        () => ({ code: 'none', message: '' }),
        (error: { code: string; message: string }) => error,
      )
      return { code, message, keys: [...storage.kv.list()].length }
    })
    expect(insideResult).toMatchObject({ ...expected, keys: 0 })
  }
  expect(calls).toEqual([])
})

test('only the first write to a namespace adds it to the index', async () => {
  const namespace = uniqueName()
  const { binding, calls } = recordCalls()
  const store = await open(namespace, {}, binding)
  await store.set('a', 1)
  expect(calls).toEqual(['commit', 'commit', 'markIndexed'])
  await store.set('b', 1)
  await (await open(namespace, {}, binding)).set('c', 1)
  expect(calls).toEqual(['commit', 'commit', 'markIndexed', 'commit', 'commit'])
})

test('if adding a namespace to the index fails, the write succeeds and the next write adds it', async () => {
  const prefix = uniqueName()
  let isBroken = true
  const { binding } = recordCalls((message, call) =>
    isBroken && message.type === 'markIndexed'
      ? Promise.reject(new Error('connection lost'))
      : call(),
  )
  const runtime = new StorageRuntime(createPlugin(binding, prefix))
  const store = await runtime.open('later')
  await store.set('a', 1)
  isBroken = false
  await store.set('b', 1)
  expect(await listNamespaces(runtime)).toEqual(['later'])
})

test('a write that stores nothing does not add its namespace to the index', async () => {
  const { binding, calls } = recordCalls()
  const storage = await openStorage(uniqueName(), binding)
  await storage.perform([stepGroup('k', { kind: 'pop' })])
  await storage.remove('k')
  await storage.commit([[{ key: 'k', check: true, ifVersion: null }]])
  expect(calls).toEqual(['perform', 'commit', 'perform'])
})

test('workerd takes a locationHint, and has no jurisdictions', async () => {
  const config = { binding: env.BOT_STORAGE, locationHint: 'apac-ne' }
  const storage = await new DurableObjectStoragePlugin({ STORAGE_CONFIG: config }).open(
    uniqueName(),
  )
  await storage.set('k', { value: 1, version: 'v' })
  expect((await storage.get('k'))?.value).toBe(1)
  const restricted = { binding: env.BOT_STORAGE, jurisdiction: 'eu' }
  expect(() => new DurableObjectStoragePlugin({ STORAGE_CONFIG: restricted })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})
