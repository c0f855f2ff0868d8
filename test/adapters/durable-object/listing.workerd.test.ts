import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import type { KeysOptions, StorageBase } from '../../../src/index.ts'
import { collect, openStorage, recordCalls, setGroup, uniqueName } from './support/objects.ts'

/** In the order of their bytes in UTF-8. By UTF-16 code unit the last two are the other way round. */
const KEYS = ['', 'a', 'a\0', 'a\0b', 'a:b', 'aa', 'b', 'z', '\uFFFF', '😀']

const SELECTIONS: readonly [options: KeysOptions, expected: readonly string[]][] = [
  [{}, KEYS],
  [{ reverse: true }, KEYS.toReversed()],
  [{ prefix: 'a' }, ['a', 'a\0', 'a\0b', 'a:b', 'aa']],
  [{ prefix: 'a', reverse: true }, ['aa', 'a:b', 'a\0b', 'a\0', 'a']],
  [{ prefix: 'a\0', reverse: true }, ['a\0b', 'a\0']],
  [{ after: 'b' }, ['z', '\uFFFF', '😀']],
  [{ after: 'b', reverse: true }, ['aa', 'a:b', 'a\0b', 'a\0', 'a', '']],
  [{ after: '' }, KEYS.slice(1)],
  [{ after: '', reverse: true }, []],
  [{ prefix: 'a', after: 'a\0b' }, ['a:b', 'aa']],
  [{ prefix: 'a', after: 'a\0b', reverse: true }, ['a\0', 'a']],
  // A key that comes before or after all that have the prefix.
  [{ prefix: 'a', after: '' }, ['a', 'a\0', 'a\0b', 'a:b', 'aa']],
  [{ prefix: 'a', after: 'b' }, []],
  [{ prefix: 'a', after: '', reverse: true }, []],
  [{ prefix: 'a', after: 'b', reverse: true }, ['aa', 'a:b', 'a\0b', 'a\0', 'a']],
  [{ prefix: '😀', reverse: true }, ['😀']],
  [{ prefix: 'none' }, []],
]

/** Returns what every selection lists, also in pages. */
async function listAll(storage: StorageBase): Promise<unknown[]> {
  await storage.commit(KEYS.toReversed().map((key) => setGroup(key, key)))
  const listed: unknown[] = []
  for (const [options] of SELECTIONS) {
    const keys = await collect(storage.keys(options))
    for (const limit of [1, 2, 100]) {
      const entries = await collect(storage.entries({ ...options, limit }))
      expect(entries.map(([key, { value }]) => [key, value])).toEqual(keys.map((key) => [key, key]))
    }
    listed.push(keys)
  }
  return listed
}

test('from a Worker, listings select and order keys by byte of UTF-8', async () => {
  const listed = await listAll(await openStorage(uniqueName()))
  expect(listed).toEqual(SELECTIONS.map(([, expected]) => expected))
})

test('inside an object, listings do the same and find no key of another namespace', async () => {
  const host = env.HOST.getByName(uniqueName())
  const listed = await runInDurableObject(host, async (_, { storage }) => {
    const plugin = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } })
    for (const name of ['m', 'n:', 'n0', 'o']) {
      await (await plugin.open(name)).set('a', { value: 1, version: 'v' })
    }
    return listAll(await plugin.open('n'))
  })
  expect(listed).toEqual(SELECTIONS.map(([, expected]) => expected))
})

test('a listing with a limit transfers about as many entries as it needs, with one message', async () => {
  const namespace = uniqueName()
  const sizes: number[] = []
  const { binding } = recordCalls(async (_, call) => {
    const reply = (await call()) as { page?: { keys: readonly string[] } }
    if (reply.page) sizes.push(reply.page.keys.length)
    return reply
  })
  const storage = await openStorage(namespace, binding)
  await storage.commit(Array.from({ length: 100 }, (_, i) => setGroup(`k${i}`, i)))
  for (const reverse of [false, true]) {
    let left = 10
    for await (const _ of storage.entries({ limit: 10, reverse })) if (--left === 0) break
  }
  expect(sizes).toEqual([10, 10])
  sizes.length = 0
  // The core leaves out what has expired, so it may need more.
  expect(await collect(storage.entries({ limit: 10 }))).toHaveLength(100)
  expect(sizes).toEqual([10, 20, 40, 30])
})

test('a page of live keys has as many as the limit, however many have expired', async () => {
  const storage = await openStorage(uniqueName())
  await storage.commit(
    Array.from({ length: 50 }, (_, i) => setGroup(`k${i}`, i, i < 40 ? { expires: 1 } : {})),
  )
  const keys: string[] = []
  for await (const key of storage.liveKeys(5, { limit: 2, reverse: true })) keys.push(key)
  expect(keys).toEqual(Array.from({ length: 10 }, (_, i) => `k${49 - i}`))
})

test('clearPrefix() removes these keys with one message, and the count stays right', async () => {
  const { binding, calls } = recordCalls()
  const storage = await openStorage(uniqueName(), binding)
  await storage.commit(
    ['a', 'ab', 'ab\0', 'ab😀', 'ac', 'b'].map((key) => setGroup(key, 1, { expires: 1e15 })),
  )
  expect(await storage.len()).toBe(6)
  calls.length = 0
  await storage.clearPrefix('ab')
  expect(calls).toEqual(['clearPrefix'])
  expect(await storage.len()).toBe(3)
  expect(await collect(storage.keys())).toEqual(['a', 'ac', 'b'])
  await storage.commit([setGroup('ab', 1)])
  expect(await storage.len()).toBe(4)
})

test('inside an object, clearPrefix() removes keys of its namespace only', async () => {
  const host = env.HOST.getByName(uniqueName())
  const left = await runInDurableObject(host, async (_, { storage }) => {
    const plugin = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } })
    const opened = await plugin.open('n')
    const other = await plugin.open('other')
    for (const each of [opened, other]) {
      await each.commit(['a', 'ab', 'b'].map((key) => setGroup(key, 1)))
    }
    await opened.clearPrefix('a')
    return [await collect(opened.keys()), await collect(other.keys())]
  })
  expect(left).toEqual([['b'], ['a', 'ab', 'b']])
})
