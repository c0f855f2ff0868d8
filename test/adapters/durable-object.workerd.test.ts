import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import type { StorageObject } from '../../adapters/storage-object.ts'
import { type Change, type RuntimeOptions, StorageRuntime, type Store } from '../../src/index.ts'

let names = 0
const fresh = (): string => `n${names++}-${crypto.randomUUID()}`

function plugin(binding: object = env.BOT_STORAGE, prefix?: string): DurableObjectStoragePlugin {
  return new DurableObjectStoragePlugin({
    STORAGE_CONFIG: { binding, ...(prefix === undefined ? {} : { prefix }) },
  })
}

async function open(namespace: string, options?: RuntimeOptions, binding?: object): Promise<Store> {
  return new StorageRuntime(plugin(binding), options).open(namespace)
}

const object = (namespace: string): DurableObjectStub<StorageObject> =>
  env.BOT_STORAGE.getByName(`botshelf/${namespace}`)

/** The binding, with every call counted and a chance to meddle with it. */
function watched(
  meddle: (message: { op: string }, call: () => Promise<unknown>) => Promise<unknown>,
): { binding: object; calls: string[] } {
  const calls: string[] = []
  const binding = {
    idFromName: (name: string) => env.BOT_STORAGE.idFromName(name),
    get: (id: DurableObjectId) => ({
      call: (message: { op: string }) => {
        calls.push(message.op)
        const stub = env.BOT_STORAGE.get(id)
        return meddle(message, () => stub.call(message as never))
      },
    }),
  }
  return { binding, calls }
}

describe('many requests', () => {
  test('100 requests at once, each with a runtime of its own, lose no update', async () => {
    const key = fresh()
    const counts = await Promise.all(
      Array.from({ length: 100 }, async () =>
        Number(await (await exports.default.fetch(`http://bot/?key=${key}`)).text()),
      ),
    )
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  })
})

describe('an expiry that no alarm can be set for', () => {
  test.each([0, -5, 1e300, Date.UTC(2500, 0)])(
    'leaves what is stored with it as it is, and the namespace is listed: %d',
    async (expires) => {
      const namespace = fresh()
      const store = await open(namespace)
      const [, popped] = await Promise.all([
        store.set('kept', 1),
        store.pop('nothing'),
        store.set('odd', 2, { expires }),
      ])
      expect(popped).toBeUndefined()
      expect(await store.get('kept')).toBe(1)
      expect(await store.get('odd')).toBe(expires > Date.now() ? 2 : undefined)
      const namespaces: string[] = []
      for await (const name of plugin().namespaces()) namespaces.push(name)
      expect(namespaces).toContain(namespace)
      const both = await Promise.all([store.set('odd', 3, { expires }), store.pop('kept')])
      expect(both).toEqual([undefined, 1])
    },
  )
})

describe('an object that goes away', () => {
  test('what was stored is there after the object was evicted', async () => {
    const namespace = fresh()
    const store = await open(namespace)
    await store.set('k', new Map([['a', 1]]))
    await evictDurableObject(object(namespace))
    expect(await store.get('k')).toEqual(new Map([['a', 1]]))
    expect(await store.size()).toBe(1)
  })

  test('after a reset in the middle of a call the next one takes a new stub, and a read is made again', async () => {
    const namespace = fresh()
    let resets = 0
    const { binding, calls } = watched(async (message, call) => {
      if (message.op !== 'get' || resets++ > 0) return call()
      await runInDurableObject(object(namespace), (_, state) =>
        state.abort('reset for the test'),
      ).catch(() => {})
      throw Object.assign(new Error('reset for the test'), { durableObjectReset: true })
    })
    const store = await open(namespace, {}, binding)
    await store.set('k', 1)
    expect(await store.get('k')).toBe(1)
    expect(calls.filter((op) => op === 'get')).toHaveLength(2)
    expect(await store.update('k', (n) => (n as number) + 1)).toBe(2)
  })

  test('a commit whose reply is lost is found to be applied, and is not made twice', async () => {
    const namespace = fresh()
    const { binding, calls } = watched(async (message, call) => {
      const reply = await call()
      if (message.op === 'commit' && calls.filter((op) => op === 'commit').length === 2) {
        throw Object.assign(new Error('Network connection lost.'), { retryable: true })
      }
      return reply
    })
    const store = await open(namespace, {}, binding)
    await store.set('k', 1)
    calls.length = 1
    expect(await store.update('k', (n) => (n as number) + 1)).toBe(2)
    expect(calls).toEqual(['commit', 'get', 'commit', 'get'])
  })

  test('a message that is delivered twice is applied once', async () => {
    const namespace = fresh()
    const { binding } = watched(async (message, call) => {
      if (message.op === 'commit') await call()
      return call()
    })
    const store = await open(namespace, {}, binding)
    let runs = 0
    expect(await store.update('n', (n) => (runs++, ((n ?? 0) as number) + 1))).toBe(1)
    expect(runs).toBe(1)
  })

  test.each([
    [
      'overloaded',
      { overloaded: true, retryable: true },
      'OVERLOADED',
      'Durable Object is overloaded. Too many requests queued.',
    ],
    [
      'full',
      { durableObjectReset: true },
      'QUOTA_EXCEEDED',
      'database or disk is full: SQLITE_FULL',
    ],
    [
      'without the method',
      { remote: true },
      'VERSION_MISMATCH',
      'The RPC receiver does not implement the method "call".',
    ],
    ['gone', { retryable: true }, 'CONNECTION_LOST', 'Network connection lost.'],
    ['broken', { remote: true }, 'BACKEND_ERROR', 'boom'],
  ])('an object that is %s is told by %o as %s', async (_, flags, code, message) => {
    const cause = Object.assign(new Error(message), flags)
    const { binding } = watched(() => Promise.reject(cause))
    const store = await open(fresh(), {}, binding)
    await expect(store.set('k', 1)).rejects.toMatchObject({ code, cause })
    await expect(store.get('k')).rejects.toMatchObject({ code })
  })
})

const len = (v: number): object => ({ v, op: 'len', now: 0 })

/** What an object says to a message that no client of ours would send. */
async function ask(
  message: object,
): Promise<{ code?: string | undefined; len?: number | undefined }> {
  const stub = object('protocol') as unknown as {
    call(message: object): Promise<{ error?: { code: string }; len?: number }>
  }
  const { error, len: count } = await stub.call(message)
  return { code: error?.code, len: count }
}

/** Changes that are said to take 1,900,000 bytes each. */
const groupOf = (name: string, count: number): Change[] =>
  Array.from({ length: count }, (_, i) => ({
    key: `${name}${i}`,
    entry: { value: i, version: `${name}${i}` },
    bytes: 1_900_000,
  }))

describe('the protocol', () => {
  test('an object answers the version before its own and the one after', async () => {
    for (const v of [0, 1, 2]) expect(await ask(len(v))).toEqual({ code: undefined, len: 0 })
  })

  test('a version further off, or an operation it does not know, is VERSION_MISMATCH and changes nothing', async () => {
    for (const message of [len(3), len(-1), { op: 'len', now: 0 }, { v: 1, op: 'shred' }]) {
      expect((await ask(message)).code).toBe('VERSION_MISMATCH')
    }
  })

  test('a client takes a reply of the version after its own, and none further off', async () => {
    for (const [v, code] of [
      [2, undefined],
      [3, 'VERSION_MISMATCH'],
    ] as const) {
      const { binding } = watched(async (_, call) => ({ ...((await call()) as object), v }))
      const set = (await open(fresh(), {}, binding)).set('k', 1)
      await (code
        ? expect(set).rejects.toMatchObject({ code })
        : expect(set).resolves.toBeUndefined())
    }
  })

  test('data of a later format is VERSION_MISMATCH, and stays as it is', async () => {
    const namespace = fresh()
    await runInDurableObject(object(namespace), (_, state) =>
      state.storage.kv.put('botshelf/2//:k', 'from the future'),
    )
    const store = await open(namespace)
    await expect(store.get('k')).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
    await expect(store.set('k', 1)).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
    await expect(store.clear()).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
    const kept = await runInDurableObject(object(namespace), (_, state) => [
      ...state.storage.kv.list(),
    ])
    expect(kept).toEqual([['botshelf/2//:k', 'from the future']])
  })

  test('replies stay under the limit of a message: what does not fit is asked for again', async () => {
    const namespace = fresh()
    const { binding, calls } = watched((_, call) => call())
    const store = await open(namespace, {}, binding)
    for (let i = 0; i < 24; i++) await store.set(`k${i}`, new Uint8Array(1_500_000).fill(i))
    calls.length = 0
    const storage = await plugin(binding).open(namespace)
    const found = await storage.getMany(Array.from({ length: 24 }, (_, i) => `k${i}`))
    expect(found.size).toBe(24)
    expect(calls.length).toBeGreaterThan(2)
    calls.length = 0
    let sum = 0
    for await (const [, value] of store) sum += (value as Uint8Array)[0] ?? 0
    expect(sum).toBe((23 * 24) / 2)
    expect(calls.length).toBeGreaterThan(2)
  })

  test('keys that do not fit into one message together are asked for in several', async () => {
    const namespace = fresh()
    const { binding, calls } = watched((_, call) => call())
    const storage = await plugin(binding).open(namespace)
    // Together 36 MB, where a message takes 32 MiB: the platform would refuse them.
    const keys = Array.from({ length: 18_000 }, (_, i) => `${i}-`.padEnd(2000, 'k'))
    const there = [0, 9_000, 17_999].map((i) => keys[i] ?? '')
    for (const key of there) await storage.set(key, { value: key.length, version: 'v' })
    calls.length = 0
    const found = await storage.getMany(keys)
    expect([...found.keys()]).toEqual(there)
    expect(calls.length).toBeGreaterThan(1)
    expect(new Set(calls)).toEqual(new Set(['get']))
  })

  test('many small entries are paged too', async () => {
    const namespace = fresh()
    const storage = await plugin().open(namespace)
    const total = 150_000
    for (let i = 0; i < total; i += 25_000) {
      const group = Array.from({ length: 25_000 }, (_, j) => ({
        key: `k${i + j}`,
        entry: { value: true, version: `version-${i + j}` },
        bytes: 8,
      }))
      expect(await storage.commit([group])).toEqual(['applied'])
    }
    const { binding, calls } = watched((_, call) => call())
    let count = 0
    for await (const _ of (await plugin(binding).open(namespace)).entries()) count++
    expect(count).toBe(total)
    expect(calls.length).toBeGreaterThan(1)
  })

  test('groups that do not fit into one message together go in several', async () => {
    const { binding, calls } = watched((_, call) => call())
    const storage = await plugin(binding).open(fresh())
    const value = new Uint8Array(1_900_000)
    const groups = Array.from({ length: 15 }, (_, i) => [
      { key: `k${i}`, entry: { value, version: `v${i}` }, bytes: 1_900_100 },
    ])
    expect(await storage.commit(groups)).toEqual(groups.map(() => 'applied'))
    expect(calls.filter((op) => op === 'commit').length).toBeGreaterThan(2)
    expect(await storage.len()).toBe(15)
  })

  test('no message carries more than 24 MiB, its first group counted too', async () => {
    const sizes: number[] = []
    const { binding } = watched(
      (message: { op: string; changes?: readonly (readonly unknown[])[] }, call) => {
        const bytes = message.changes?.map((change) => Number(change[4])) ?? []
        sizes.push(bytes.reduce((sum, each) => sum + each, 0))
        return call()
      },
    )
    const storage = await plugin(binding).open(fresh())
    await storage.commit([groupOf('a', 7), groupOf('b', 7)])
    // Beside these goes the name of the namespace, to the index.
    expect(sizes.reduce((sum, each) => sum + each)).toBeGreaterThanOrEqual(14 * 1_900_000)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(24 * 1024 * 1024)
  })

  test('an object that does not answer for every group says nothing of any: outcome unknown', async () => {
    const { binding } = watched(async (message, call) => {
      const reply = await call()
      return message.op === 'commit' ? { ...Object(reply), done: 1 } : reply
    })
    const storage = await plugin(binding).open(fresh())
    const unknown = expect.objectContaining({ code: 'BACKEND_ERROR', outcome: 'unknown' })
    expect(await storage.commit([groupOf('a', 1), groupOf('b', 1)])).toEqual([unknown, unknown])
  })

  test('a group that does not fit into one message is TOO_LARGE before it is sent', async () => {
    const { binding, calls } = watched((_, call) => call())
    const store = await open(fresh(), {}, binding)
    const group = Object.fromEntries(
      Array.from({ length: 17 }, (_, i) => [`k${i}`, new Uint8Array(1_500_000)]),
    )
    await expect(store.setMany(group)).rejects.toMatchObject({
      code: 'TOO_LARGE',
      outcome: 'not-applied',
    })
    expect(calls).toEqual([])
  })

  test('opening does no I/O', async () => {
    const { binding, calls } = watched((_, call) => call())
    await open(fresh(), {}, binding)
    expect(calls).toEqual([])
  })
})

// 2,048 bytes with the prefix and the slash, of which a colon takes three and an é two.
const longest = (prefix: string): string => `:é${'n'.repeat(2048 - prefix.length - 1 - 3 - 2)}`

describe('the names of namespaces', () => {
  const key = 'k'.repeat(2048)

  test('from a Worker the longest namespace takes the longest key and is listed', async () => {
    const prefix = fresh()
    const runtime = new StorageRuntime(plugin(env.BOT_STORAGE, prefix))
    const store = await runtime.open(longest(prefix))
    await store.set(key, 1)
    expect(await store.get(key)).toBe(1)
    const listed: string[] = []
    for await (const namespace of runtime.namespaces()) listed.push(namespace)
    expect(listed).toEqual([longest(prefix)])
  })

  test('inside an object the longest namespace takes the longest key and is listed', async () => {
    const host = env.HOST.getByName(fresh())
    const found = await runInDurableObject(host, async (_, { storage }) => {
      const inside = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage, prefix: 'p' } })
      const runtime = new StorageRuntime(inside)
      const store = await runtime.open(longest('p'))
      await store.set(key, 1)
      const listed: string[] = []
      for await (const namespace of runtime.namespaces()) listed.push(namespace)
      return { value: await store.get(key), size: await store.size(), listed }
    })
    expect(found).toEqual({ value: 1, size: 1, listed: [longest('p')] })
  })

  test('a longer one is INVALID_NAMESPACE with the limit, before any message or write', async () => {
    const { binding, calls } = watched((_, call) => call())
    const prefix = fresh()
    const host = env.HOST.getByName(fresh())
    for (const name of [`${longest(prefix)}n`, 'n'.repeat(5_000_000)]) {
      const refused = { code: 'INVALID_NAMESPACE', message: expect.stringContaining('2048') }
      const runtime = new StorageRuntime(plugin(binding, prefix))
      await expect(runtime.open(name)).rejects.toMatchObject(refused)
      const said = await runInDurableObject(host, async (_, { storage }) => {
        const inside = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage, prefix } })
        const opened = new StorageRuntime(inside).open(name)
        const { code, message } = await opened.then(
          () => ({ code: 'none', message: '' }),
          (error: { code: string; message: string }) => error,
        )
        return { code, message, keys: [...storage.kv.list()].length }
      })
      expect(said).toMatchObject({ ...refused, keys: 0 })
    }
    expect(calls).toEqual([])
  })
})

describe('what an object keeps', () => {
  test('a namespace is told to the index once in its life', async () => {
    const namespace = fresh()
    const { binding, calls } = watched((_, call) => call())
    const store = await open(namespace, {}, binding)
    await store.set('a', 1)
    expect(calls).toEqual(['commit', 'commit', 'listed'])
    await store.set('b', 1)
    await (await open(namespace, {}, binding)).set('c', 1)
    expect(calls).toEqual(['commit', 'commit', 'listed', 'commit', 'commit'])
  })

  test('a namespace whose listing failed is listed with the next write, and no write fails for it', async () => {
    const prefix = fresh()
    let broken = true
    const { binding } = watched((message, call) =>
      broken && message.op === 'listed' ? Promise.reject(new Error('lost')) : call(),
    )
    const runtime = new StorageRuntime(plugin(binding, prefix))
    const store = await runtime.open('later')
    await store.set('a', 1)
    broken = false
    await store.set('b', 1)
    const listed: string[] = []
    for await (const namespace of runtime.namespaces()) listed.push(namespace)
    expect(listed).toEqual(['later'])
  })

  test('len scans the object once in its life, and keeps count through every kind of write', async () => {
    const namespace = fresh()
    const store = await open(namespace)
    for (let i = 0; i < 10; i++) await store.set(`k${i}`, i)
    expect(await store.size()).toBe(10)
    let scans = 0
    await runInDurableObject(object(namespace), (_, { storage }) => {
      const list = storage.kv.list.bind(storage.kv)
      Object.defineProperty(storage.kv, 'list', {
        value: (options: SyncKvListOptions) => {
          scans++
          return list(options)
        },
      })
    })
    await store.set('k0', 'again')
    await store.set('new', 1, { ttl: 60_000 })
    await store.delete('k1')
    await store.delete('missing')
    await store.setMany({ k2: 0, x: 1, y: 2 })
    await store.pop('k3')
    expect(await store.size()).toBe(11)
    expect(scans).toBe(0)
  })

  test('once an object counts, a write to a key that it knows reads no value', async () => {
    const namespace = fresh()
    const store = await open(namespace)
    for (const key of ['a', 'b']) await store.set(key, 'x'.repeat(1_000_000))
    expect(await store.size()).toBe(2)
    const reads: string[] = []
    await runInDurableObject(object(namespace), (_, { storage }) => {
      const get = storage.kv.get.bind(storage.kv)
      Object.defineProperty(storage.kv, 'get', {
        value: (key: string) => {
          reads.push(key)
          return get(key)
        },
      })
    })
    await store.set('a', 1)
    await store.set('new', 1)
    await store.set('new', 2)
    await store.delete('b')
    expect(reads.filter((name) => name.startsWith('botshelf/1//:'))).toEqual(['botshelf/1//:new'])
    expect(await store.size()).toBe(2)
  })

  test('an object that holds more keys than it remembers keeps the right count', async () => {
    const storage = await plugin().open(fresh())
    const write = (version: string): Promise<unknown> =>
      storage.commit(
        Array.from({ length: 10_500 }, (_, i) => [
          { key: `k${i}`, entry: { value: i, version: `${version}${i}` }, bytes: 4 },
        ]),
      )
    await write('a')
    expect(await storage.len()).toBe(10_500)
    await write('b')
    await storage.remove('k0')
    await storage.remove('k10499')
    await storage.set('k0', { value: 0, version: 'c' })
    expect(await storage.len()).toBe(10_499)
  })

  test('an object remembers no more than 10,000 keys: one of more is read again as it is written', async () => {
    const namespace = fresh()
    const storage = await plugin().open(namespace)
    await storage.commit(
      Array.from({ length: 10_500 }, (_, i) => [
        { key: `k${i}`, entry: { value: i, version: `${i}` }, bytes: 4 },
      ]),
    )
    expect(await storage.len()).toBe(10_500)
    const reads: string[] = []
    await runInDurableObject(object(namespace), (_, state) => {
      const { kv } = state.storage
      const get = kv.get.bind(kv)
      Object.defineProperty(kv, 'get', {
        value: (key: string) => {
          reads.push(key)
          return get(key)
        },
      })
    })
    // It was counted first, and so forgotten.
    await storage.set('k0', { value: 0, version: 'again' })
    expect(reads).toContain('botshelf/1//:k0')
  })

  test('a clear or a sweep that fails half-way is told, and the count stays right', async () => {
    const namespace = fresh()
    const store = await open(namespace)
    for (const key of ['a', 'b', 'c']) await store.set(key, 1, { ttl: 60_000 })
    expect(await store.size()).toBe(3)
    await runInDurableObject(object(namespace), (_, { storage }) => {
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
    await expect(store.clear()).rejects.toMatchObject({ code: 'BACKEND_ERROR', outcome: 'unknown' })
    const keys: string[] = []
    for await (const key of store.keys()) keys.push(key)
    expect(await store.size()).toBe(keys.length)
    expect(keys.length).toBeGreaterThan(0)
    await store.clear()
    expect(await store.size()).toBe(0)
  })

  test('the alarm reclaims what has expired and leaves the rest', async () => {
    const namespace = fresh()
    const store = await open(namespace)
    await store.set('stays', 1)
    await store.set('late', 1, { ttl: 120_000 })
    await store.set('soon', 1, { ttl: 60_000 })
    const alarm = await runInDurableObject(object(namespace), (_, state) =>
      state.storage.getAlarm(),
    )
    expect(alarm).toBeLessThan(Date.now() + 61_000)
    expect(alarm).toBeGreaterThan(Date.now() + 50_000)
    await store.set('sooner', 1, { ttl: 1 })
    await new Promise((resolve) => setTimeout(resolve, 5))
    await runDurableObjectAlarm(object(namespace))
    const kept = await runInDurableObject(object(namespace), (_, state) =>
      [...state.storage.kv.list({ prefix: 'botshelf/1//:' })].map(([key]) => key),
    )
    expect(kept).toEqual(['botshelf/1//:late', 'botshelf/1//:soon', 'botshelf/1//:stays'])
    expect(
      await runInDurableObject(object(namespace), (_, state) => state.storage.getAlarm()),
    ).toBeGreaterThan(Date.now() + 50_000)
    expect(await store.size()).toBe(3)
  })

  test('a group whose last write fails is rolled back whole, and the count stays right', async () => {
    const namespace = fresh()
    const store = await open(namespace)
    await store.set('old', 1)
    expect(await store.size()).toBe(1)
    const storage = await plugin().open(namespace)
    // More than SQLite takes, under a size that says otherwise.
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

  test('inside an object a removal of what has expired that fails is told, and nothing is guessed', async () => {
    const host = env.HOST.getByName(fresh())
    const told = await runInDurableObject(host, async (_, { storage }) => {
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
    expect(told).toBe('BACKEND_ERROR')
  })

  test('inside an object its alarm and its other data are left alone, whatever a store does', async () => {
    const host = env.HOST.getByName(fresh())
    const left = await runInDurableObject(host, async (_, { storage }) => {
      await storage.setAlarm(Date.now() + 3_600_000)
      storage.kv.put('mine', 1)
      storage.sql.exec('CREATE TABLE notes (text TEXT)')
      const before = await storage.getAlarm()
      const runtime = new StorageRuntime(
        new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } }),
      )
      const store = await runtime.open('n')
      await store.set('k', 1, { ttl: 5 })
      await store.clear()
      await runtime.close()
      return {
        alarm: (await storage.getAlarm()) === before,
        mine: storage.kv.get('mine'),
        tables: storage.sql.exec('SELECT * FROM notes').toArray(),
      }
    })
    expect(left).toEqual({ alarm: true, mine: 1, tables: [] })
  })
})
