import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import {
  collect,
  createPlugin,
  listNamespaces,
  objectOf,
  openStorage,
  recordCalls,
  setGroup,
  uniqueName,
} from './support/objects.ts'

interface ObjectState {
  readonly keys: readonly string[]
  readonly alarm: number | null
}

function stateOf(namespace: string): Promise<ObjectState> {
  return runInDurableObject(objectOf(namespace), async (_, { storage }) => ({
    keys: [...storage.kv.list()].map(([key]) => key),
    alarm: await storage.getAlarm(),
  }))
}

test('drop() deletes all that the object stores, its alarm, and its name in the index', async () => {
  const namespace = uniqueName()
  const storage = await openStorage(namespace)
  await storage.commit([setGroup('a', 1, { expires: Date.now() + 60_000 }), setGroup('b', 1)])
  expect(await storage.len()).toBe(2)
  expect(await listNamespaces(createPlugin())).toContain(namespace)
  await createPlugin().drop(namespace)
  expect(await stateOf(namespace)).toEqual({ keys: [], alarm: null })
  expect(await listNamespaces(createPlugin())).not.toContain(namespace)
  expect(await storage.len()).toBe(0)
})

test('a write after drop() adds the namespace to the index again, and is counted', async () => {
  const namespace = uniqueName()
  for (let round = 0; round < 3; round++) {
    const storage = await openStorage(namespace)
    const expires = Date.now() + 60_000
    await storage.commit([setGroup('k', round, { expires })])
    expect(await storage.len()).toBe(1)
    expect(await listNamespaces(createPlugin())).toContain(namespace)
    expect((await stateOf(namespace)).alarm).toBe(expires)
    await createPlugin().drop(namespace)
    expect(await listNamespaces(createPlugin())).not.toContain(namespace)
  }
})

test('a write while drop() runs is deleted with the rest, and does not list the namespace', async () => {
  const namespace = uniqueName()
  const storage = await openStorage(namespace)
  await storage.commit([setGroup('k', 1)])
  const { binding, calls } = recordCalls(async (message, call) => {
    if (message.type === 'drop') await storage.commit([setGroup('late', 1)])
    return call()
  })
  await createPlugin(binding).drop(namespace)
  expect(calls).toEqual(['commit', 'drop'])
  expect(await storage.len()).toBe(0)
  expect(await listNamespaces(createPlugin())).not.toContain(namespace)
})

test('a drop() that fails leaves the namespace listed with its data', async () => {
  const namespace = uniqueName()
  const storage = await openStorage(namespace)
  await storage.commit([setGroup('k', 1)])
  const { binding } = recordCalls((message, call) =>
    message.type === 'drop' ? Promise.reject(new Error('boom')) : call(),
  )
  await expect(createPlugin(binding).drop(namespace)).rejects.toMatchObject({
    code: 'BACKEND_ERROR',
    outcome: 'unknown',
  })
  expect(await listNamespaces(createPlugin())).toContain(namespace)
  expect(await storage.len()).toBe(1)
})

test('drop() deletes nothing in an object with data of a later format', async () => {
  const namespace = uniqueName()
  await runInDurableObject(objectOf(namespace), (_, state) =>
    state.storage.kv.put('botshelf/2//:k', 'from the future'),
  )
  await expect(createPlugin().drop(namespace)).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
  expect((await stateOf(namespace)).keys).toEqual(['botshelf/2//:k'])
})

test('drop() rejects a namespace that open() rejects', async () => {
  const { binding, calls } = recordCalls()
  await expect(createPlugin(binding).drop('n'.repeat(3000))).rejects.toMatchObject({
    code: 'INVALID_NAMESPACE',
  })
  expect(calls).toEqual([])
})

test('inside an object, drop() removes the keys of the namespace and nothing else', async () => {
  const host = env.HOST.getByName(uniqueName())
  const left = await runInDurableObject(host, async (_, { storage }) => {
    await storage.setAlarm(Date.now() + 3_600_000)
    storage.kv.put('mine', 1)
    const plugin = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } })
    for (const name of ['n', 'n:', 'other']) {
      await (await plugin.open(name)).commit([setGroup('k', 1)])
    }
    await plugin.drop('n')
    return {
      names: await collect(plugin.namespaces()),
      hasAlarm: (await storage.getAlarm()) !== null,
      mine: storage.kv.get('mine'),
    }
  })
  expect(left).toEqual({
    names: ['n:', 'other'],
    hasAlarm: true,
    mine: 1,
  })
})

test('inside an object, the storages of a namespace share their turns', async () => {
  const host = env.HOST.getByName(uniqueName())
  const isShared = await runInDurableObject(host, async (_, { storage }) => {
    const plugin = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } })
    const [first, second, other] = await Promise.all(
      ['n', 'n', 'm'].map((name) => plugin.open(name)),
    )
    const turn = await first?.turns?.request(['k'], 5000)
    const isContended = second?.turns?.isContended('k')
    await first?.commit([setGroup('k', 1)], { turn })
    return [isContended, second?.turns?.isContended('k'), first?.turns === other?.turns]
  })
  expect(isShared).toEqual([true, false, false])
})
