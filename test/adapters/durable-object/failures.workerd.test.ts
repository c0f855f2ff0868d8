import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import {
  collect,
  createPlugin,
  objectOf,
  open,
  recordCalls,
  uniqueName,
} from './support/objects.ts'

test('entries survive an eviction of the object', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  await store.set('k', new Map([['a', 1]]))
  await evictDurableObject(objectOf(namespace))
  expect(await store.get('k')).toEqual(new Map([['a', 1]]))
  expect(await store.size()).toBe(1)
})

test('after a reset during a read, the read is retried with a new stub', async () => {
  const namespace = uniqueName()
  let resets = 0
  const { binding, calls } = recordCalls(async (message, call) => {
    if (message.type !== 'get' || resets++ > 0) return call()
    await runInDurableObject(objectOf(namespace), (_, state) =>
      state.abort('reset for the test'),
    ).catch(() => {})
    throw Object.assign(new Error('reset for the test'), { durableObjectReset: true })
  })
  const store = await open(namespace, {}, binding)
  await store.set('k', 1)
  expect(await store.get('k')).toBe(1)
  expect(calls.filter((type) => type === 'get')).toHaveLength(2)
  expect(await store.update('k', (n) => (n as number) + 1)).toBe(2)
})

test('a commit whose reply is lost is sent again, and applied once', async () => {
  const namespace = uniqueName()
  const { binding, calls } = recordCalls(async (message, call) => {
    const reply = await call()
    if (message.type === 'commit' && calls.filter((type) => type === 'commit').length === 2) {
      throw Object.assign(new Error('Network connection lost.'), { retryable: true })
    }
    return reply
  })
  const store = await open(namespace, {}, binding)
  await store.set('k', 1)
  calls.length = 1
  expect(await store.update('k', (n) => (n as number) + 1)).toBe(2)
  expect(calls).toEqual(['commit', 'get', 'commit', 'resend'])
  expect(await store.get('k')).toBe(2)
})

test.each([
  [
    'overloaded',
    { overloaded: true, retryable: true },
    'OVERLOADED',
    'Durable Object is overloaded. Too many requests queued.',
  ],
  ['full', { durableObjectReset: true }, 'QUOTA_EXCEEDED', 'database or disk is full: SQLITE_FULL'],
  [
    'without the method',
    { remote: true },
    'VERSION_MISMATCH',
    'The RPC receiver does not implement the method "call".',
  ],
  ['gone', { retryable: true }, 'CONNECTION_LOST', 'Network connection lost.'],
  ['called too often', {}, 'RATE_LIMITED', 'Too many subrequests.'],
  ['faulty', { remote: true }, 'BACKEND_ERROR', 'boom'],
])('an error of an object that is %s, with %o, becomes %s', async (_, flags, code, message) => {
  const cause = Object.assign(new Error(message), flags)
  const { binding } = recordCalls(() => Promise.reject(cause))
  const store = await open(uniqueName(), {}, binding)
  await expect(store.set('k', 1)).rejects.toMatchObject({ code, cause })
  await expect(store.get('k')).rejects.toMatchObject({ code })
})

test('a call that fails with an unknown text is repeated, unless the object itself threw it', async () => {
  const namespace = uniqueName()
  let thrown = Object.assign(new Error('boom'), {})
  const { binding, calls } = recordCalls((message, call) =>
    message.type === 'resend' || calls.filter((type) => type === message.type).length > 1
      ? call()
      : Promise.reject(thrown),
  )
  const store = await open(namespace, {}, binding)
  expect(await store.get('k')).toBeUndefined()
  await store.set('k', 1)
  expect(await store.increment('n')).toBe(1)
  expect(calls).toContain('resend')
  calls.length = 0
  thrown = Object.assign(new Error('boom'), { remote: true })
  await expect(store.increment('n')).rejects.toMatchObject({
    code: 'BACKEND_ERROR',
    outcome: 'unknown',
    retryable: false,
  })
  expect(calls).toEqual(['perform'])
})

test('a call that the platform refuses is sent once, and the write is not applied', async () => {
  const { binding, calls } = recordCalls(() => Promise.reject(new Error('Too many subrequests.')))
  const store = await open(uniqueName(), {}, binding)
  const refused = { code: 'RATE_LIMITED', outcome: 'not-applied', retryable: false }
  await expect(store.set('k', 1)).rejects.toMatchObject(refused)
  await expect(store.increment('k')).rejects.toMatchObject(refused)
  const both = await Promise.allSettled([store.set('a', 1), store.set('b', 2)])
  for (const each of both) expect(each).toMatchObject({ reason: refused })
  expect(calls).toEqual(['commit', 'perform', 'commit'])
})

test('an error that an object sends as data rejects the call', async () => {
  const error = {
    name: 'StoreError',
    code: 'TOO_LARGE',
    message: 'Split it.',
    key: 'k',
    outcome: 'not-applied',
    retryable: false,
    cause: { name: 'RangeError', message: 'SQLITE_TOOBIG' },
  }
  const { binding } = recordCalls(async () => ({ v: 5, error }))
  const namespace = uniqueName()
  const store = await open(namespace, {}, binding)
  await expect(store.set('k', 1)).rejects.toMatchObject({
    ...error,
    message: `Split it. (in "${namespace}", key "k")`,
  })
})

test('inside an object, an error of its storage is converted, also in a read', async () => {
  const host = env.HOST.getByName(uniqueName())
  const codes = await runInDurableObject(host, async (_, { storage }) => {
    const plugin = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } })
    const store = await new StorageRuntime(plugin).open('n')
    await store.set('k', 1)
    for (const method of ['get', 'put', 'list', 'delete'] as const) {
      Object.defineProperty(storage.kv, method, {
        configurable: true,
        value: () => {
          throw new Error('Exceeded allowed rows read in Durable Objects free tier.')
        },
      })
    }
    const calls = [
      () => store.get('k'),
      () => store.set('k', 2),
      () => store.update('k', () => 3),
      () => store.keys().next(),
      () => store.size(),
      () => store.clear(),
      () => plugin.namespaces()[Symbol.asyncIterator]().next(),
    ]
    return Promise.all(
      calls.map((call) => call().then(String, (error: { code: string }) => error.code)),
    )
  })
  expect(codes).toEqual(Array(7).fill('RATE_LIMITED'))
})

test.each([
  ['clear()', (store: Store) => store.clear()],
  ['clear({ prefix })', (store: Store) => store.clear({ prefix: '' })],
])('%s that fails halfway removes nothing, and size() stays right', async (_name, clear) => {
  const namespace = uniqueName()
  const store = await open(namespace)
  for (const key of ['a', 'b', 'c']) await store.set(key, 1, { ttl: 60_000 })
  expect(await store.size()).toBe(3)
  await runInDurableObject(objectOf(namespace), (_, { storage }) => {
    const remove = storage.kv.delete.bind(storage.kv)
    let deletes = 0
    Object.defineProperty(storage.kv, 'delete', {
      configurable: true,
      value: (key: string) => {
        if (++deletes === 2) throw new Error('disk trouble')
        return remove(key)
      },
    })
  })
  await expect(clear(store)).rejects.toMatchObject({
    code: 'BACKEND_ERROR',
    outcome: 'not-applied',
  })
  expect(await collect(store.keys())).toEqual(['a', 'b', 'c'])
  expect(await store.size()).toBe(3)
  await clear(store)
  expect(await store.size()).toBe(0)
})

test('a group whose last write fails is rolled back, and size() stays right', async () => {
  const namespace = uniqueName()
  const store = await open(namespace)
  await store.set('old', 1)
  expect(await store.size()).toBe(1)
  const storage = await createPlugin().open(namespace)
  // SQLite rejects this value; the given size is wrong, so that the value is sent at all.
  const value = new Uint8Array(20_000_000)
  const [outcome] = await storage.commit([
    [
      { key: 'new', entry: { value: 1, version: 'v1' }, bytes: 1 },
      { key: 'old', remove: true },
      { key: 'huge', entry: { value, version: 'v2' }, bytes: 1 },
    ],
  ])
  expect(outcome).toMatchObject({ code: 'TOO_LARGE', outcome: 'not-applied' })
  expect(await store.get('old')).toBe(1)
  expect(await store.has('new')).toBe(false)
  expect(await store.size()).toBe(1)
  await store.clear()
  expect(await store.size()).toBe(0)
})

test('inside an object, size() rejects if an expired entry cannot be removed', async () => {
  const host = env.HOST.getByName(uniqueName())
  const code = await runInDurableObject(host, async (_, { storage }) => {
    let time = Date.now()
    const runtime = new StorageRuntime(
      new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } }),
      { now: () => time },
    )
    const store = await runtime.open('n')
    await store.set('k', 1, { ttl: 5 })
    time += 5
    Object.defineProperty(storage.kv, 'delete', {
      configurable: true,
      value: () => {
        throw new Error('disk trouble')
      },
    })
    return store.size().catch((error: { code: string }) => error.code)
  })
  expect(code).toBe('BACKEND_ERROR')
})
