import { describe, expect, test } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import {
  type Change,
  type StorageBase,
  StorageRuntime,
  type Store,
  type StoreError,
} from '../../src/index.ts'

// What the simulator never does but Workers KV does: refuse, limit and leave out. The real thing
// is in the conformance suite; here only the calls are counted and made to fail.

interface Put {
  readonly value: string
  readonly metadata: { x?: number; t?: string }
  readonly expiration?: number
}

class ScriptedKV {
  readonly puts = new Map<string, Put>()
  readonly calls: string[] = []
  fail: (call: string, count: number) => Error | undefined = () => undefined
  hidden: string | undefined
  /** How long a delete takes, in milliseconds. */
  slow = 0
  maxBulk = Infinity

  #called(call: string): void {
    this.calls.push(call)
    const error = this.fail(call, this.calls.filter((each) => each === call).length)
    if (error) throw error
  }

  async get(names: string | string[]): Promise<unknown> {
    if (typeof names === 'string') {
      this.#called('get')
      return this.puts.get(names)?.value ?? null
    }
    this.#called('bulk')
    if (names.length > 100)
      throw new Error('KV GET_BULK failed: 400 You can request a maximum of 100 keys')
    if (names.length > this.maxBulk)
      throw new Error('KV GET_BULK failed: 413 Total size of request exceeds the limit of 25MB')
    return new Map(
      names
        .filter((name) => name !== this.hidden)
        .map((name) => [name, this.puts.get(name)?.value ?? null]),
    )
  }

  async put(name: string, value: string, options: Omit<Put, 'value'>): Promise<void> {
    this.#called('put')
    this.puts.set(name, { value, ...options })
  }

  async delete(name: string): Promise<void> {
    this.#called('delete')
    if (this.slow > 0) await new Promise((resolve) => setTimeout(resolve, this.slow))
    this.puts.delete(name)
  }

  async list({ prefix, cursor }: { prefix: string; cursor?: string }): Promise<unknown> {
    this.#called('list')
    const all = [...this.puts]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { metadata }]) => ({ name, metadata }))
    const start = Number(cursor ?? 0)
    const complete = start + 1000 >= all.length
    return {
      keys: all.slice(start, start + 1000),
      list_complete: complete,
      ...(complete ? {} : { cursor: String(start + 1000) }),
    }
  }

  getWithMetadata(): void {}
}

const LIMIT_MET = 'Too many API requests by single Worker invocation.'
const set = (key: string): Change => ({ key, entry: { value: 1, version: key }, bytes: 2 })
const numbered = (length: number): string[] => Array.from({ length }, (_, i) => `k${i}`)

async function open(kv: ScriptedKV): Promise<{ store: Store; storage: StorageBase }> {
  const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: kv } })
  return { store: await new StorageRuntime(plugin).open('n'), storage: await plugin.open('n') }
}

async function failure(promise: Promise<unknown>): Promise<StoreError> {
  return promise.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as StoreError,
  )
}

describe('Workers KV', () => {
  test('keys are prefix/namespace:key, escaping only the separators and the escape itself', async () => {
    const kv = new ScriptedKV()
    const plugin = new CloudflareKVStoragePlugin({
      STORAGE_CONFIG: { binding: kv, prefix: 'my/bot' },
    })
    const store = await new StorageRuntime(plugin).open('a:b %/é')
    await store.set('k:/%', 1)
    expect([...kv.puts.keys()]).toEqual(['my%2Fbot/a%3Ab %25%2Fé:k:/%'])
  })

  test('a small record is kept in the metadata too, as ASCII, and listing entries then needs no read', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    await store.set('small', 'é'.repeat(50))
    await store.set('large', 'x'.repeat(1100))
    const [small, large] = [...kv.puts.values()]
    expect(small?.metadata.t).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.stringify(small?.metadata).length).toBeLessThanOrEqual(1024)
    expect(large?.metadata).toEqual({})
    kv.calls.length = 0
    const entries = new Map<string, unknown>()
    for await (const [key, value] of store) entries.set(key, value)
    expect(entries).toEqual(
      new Map([
        ['small', 'é'.repeat(50)],
        ['large', 'x'.repeat(1100)],
      ]),
    )
    expect(kv.calls).toEqual(['list', 'get'])
  })

  test('10,000 small entries are listed with 10 calls, 1,000 keys read with 10', async () => {
    const kv = new ScriptedKV()
    const { store, storage } = await open(kv)
    for (let i = 0; i < 10_000; i++) await store.set(`k${i}`, i)
    kv.calls.length = 0
    let count = 0
    for await (const _ of store) count++
    expect(count).toBe(10_000)
    expect(kv.calls).toEqual(Array.from({ length: 10 }, () => 'list'))
    kv.calls.length = 0
    expect((await storage.getMany(Array.from({ length: 1000 }, (_, i) => `k${i}`))).size).toBe(1000)
    expect(kv.calls).toEqual(Array.from({ length: 10 }, () => 'bulk'))
  })

  test('a key that a bulk get leaves out of its answer is asked for alone', async () => {
    const kv = new ScriptedKV()
    kv.hidden = 'botshelf/n:__proto__'
    const { store, storage } = await open(kv)
    await store.set('__proto__', 1)
    await store.set('a', 2)
    expect([...(await storage.getMany(['a', '__proto__', 'b'])).keys()]).toEqual(['a', '__proto__'])
    expect(kv.calls.slice(-2)).toEqual(['bulk', 'get'])
  })

  test('a bulk get that is too large is made in halves', async () => {
    const kv = new ScriptedKV()
    const { store, storage } = await open(kv)
    for (let i = 0; i < 8; i++) await store.set(`k${i}`, i)
    kv.maxBulk = 3
    expect((await storage.getMany(Array.from({ length: 8 }, (_, i) => `k${i}`))).size).toBe(8)
  })

  test('a write that comes too soon after another (429) waits a second, twice at most, then is RATE_LIMITED', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    kv.fail = (_, count) =>
      count < 3 ? new Error('KV PUT failed: 429 Too Many Requests') : undefined
    const before = Date.now()
    await store.set('k', 1)
    expect(kv.calls).toEqual(['put', 'put', 'put'])
    expect(Date.now() - before).toBeGreaterThanOrEqual(2000)
    kv.fail = () => new Error('KV PUT failed: 429 Too Many Requests')
    expect(await failure(store.set('k', 2))).toMatchObject({
      code: 'RATE_LIMITED',
      outcome: 'not-applied',
      retryable: true,
    })
  })

  test.each([
    [
      'KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.',
      'TOO_LARGE',
      'not-applied',
    ],
    [
      'KV PUT failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512.',
      'INVALID_KEY',
      'not-applied',
    ],
    ['KV PUT failed: 400 Invalid expiration', 'BACKEND_ERROR', 'not-applied'],
    ['KV PUT failed: 503 Service Unavailable', 'CONNECTION_LOST', 'unknown'],
    ['something new', 'BACKEND_ERROR', 'unknown'],
  ])('%s is %s, %s', async (message, code, outcome) => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    const cause = new Error(message)
    kv.fail = (call) => (call === 'put' ? cause : undefined)
    const error = await failure(store.set('k', 1))
    expect(error).toMatchObject({ code, outcome, namespace: 'n', key: 'k' })
    expect(error.cause).toBe(cause)
  })

  test('a read that fails is never a missing key', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    kv.fail = () => new Error('KV GET failed: 500 Internal Error')
    expect(await failure(store.get('k'))).toMatchObject({ code: 'CONNECTION_LOST' })
  })

  test('of a group, what was written before a failure is told', async () => {
    const kv = new ScriptedKV()
    const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: kv } })
    const store = await new StorageRuntime(plugin, { allowLostUpdates: true }).open('n')
    kv.fail = (_, count) =>
      count === 2 ? new Error('KV PUT failed: 500 Internal Error') : undefined
    const error = await failure(store.setMany({ a: 1, b: 2, c: 3 }))
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
    expect(error.message).toContain('1 of 3 changes were written')
  })

  test('KV is told to reclaim an entry no earlier than a minute from now', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    await store.set('soon', 1, { ttl: 5 })
    await store.set('later', 1, { ttl: 3_600_000 })
    const [soon, later] = [...kv.puts.values()]
    const now = Date.now() / 1000
    expect(soon?.expiration).toBeGreaterThan(now + 60)
    expect(soon?.expiration).toBeLessThan(now + 63)
    expect(later?.expiration).toBeGreaterThanOrEqual((later?.metadata.x ?? 0) / 1000)
    expect(Number.isInteger(later?.expiration)).toBe(true)
  })

  test('an expiry after 2038, which KV does not take, is kept by the store alone', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    await store.set('k', 1, { ttl: 20 * 365 * 86_400_000 })
    const [put] = [...kv.puts.values()]
    expect(put?.expiration).toBeUndefined()
    expect(put?.metadata.x).toBeGreaterThan(2 ** 31 * 1000)
  })

  test('a clear that fails begins nothing more, and later writes stay', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    for (let i = 0; i < 50; i++) await store.set(`k${i}`, i)
    kv.fail = (call, count) =>
      call === 'delete' && count === 3
        ? new Error('KV DELETE failed: 500 Internal Error')
        : undefined
    kv.slow = 2
    expect(await failure(store.clear())).toMatchObject({ code: 'CONNECTION_LOST' })
    // Those that were on their way with the one that failed, and no more.
    expect(kv.calls.filter((call) => call === 'delete').length).toBeLessThan(12)
    await store.set('k40', 'new')
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(await store.get('k40')).toBe('new')
  })

  test('a record of a later format is VERSION_MISMATCH, one that is none CORRUPT', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    for (const [value, code] of [
      ['2:whatever', 'VERSION_MISMATCH'],
      ['{"v":1}', 'CORRUPT'],
      ['1:[[1],5]', 'CORRUPT'],
      ['1:[', 'CORRUPT'],
    ] as const) {
      kv.puts.set('botshelf/n:k', { value, metadata: {} })
      expect(await failure(store.get('k'))).toMatchObject({ code, key: 'k' })
    }
  })

  test('a namespace that leaves no room for keys is INVALID_NAMESPACE', async () => {
    const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: new ScriptedKV() } })
    await expect(new StorageRuntime(plugin).open('é'.repeat(251))).rejects.toMatchObject({
      code: 'INVALID_NAMESPACE',
    })
    await expect(new StorageRuntime(plugin).open('é'.repeat(250))).resolves.toBeDefined()
  })

  test('a value over 25 MiB as text is TOO_LARGE before it is sent', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    const error = await failure(store.set('k', '\u0000'.repeat(5_000_000)))
    expect(error).toMatchObject({ code: 'TOO_LARGE', outcome: 'not-applied' })
    expect(error.message).toContain('26214400')
    expect(kv.calls).toEqual([])
  })

  test('a thousand writes at once are made; one more, and none is: RATE_LIMITED', async () => {
    const kv = new ScriptedKV()
    const { storage } = await open(kv)
    const writes = numbered(1001).map((key) => [set(key)])
    const refused = await storage.commit(writes)
    expect(refused).toHaveLength(1001)
    for (const outcome of refused)
      expect(outcome).toMatchObject({
        code: 'RATE_LIMITED',
        outcome: 'not-applied',
        retryable: false,
      })
    expect(kv.calls).toEqual([])
    expect(await storage.commit([numbered(1001).map(set)])).toMatchObject([
      { code: 'RATE_LIMITED' },
    ])
    expect(kv.calls).toEqual([])
    expect(await storage.commit(writes.slice(1))).toEqual(writes.slice(1).map(() => 'applied'))
  })

  test('what is issued at once and is too much is not made one by one instead', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    const twice = numbered(1001).flatMap((key) => [store.set(key, 1), store.set(key, 2)])
    const writes = await Promise.allSettled(twice)
    expect(new Set(writes.map(({ status }) => status))).toEqual(new Set(['rejected']))
    expect(kv.calls).toEqual([])
    const reads = await Promise.allSettled(numbered(100_001).map((key) => store.get(key)))
    expect(new Set(reads.map(({ status }) => status))).toEqual(new Set(['rejected']))
    expect(kv.calls).toEqual([])
  })

  test('a read of more keys than a thousand bulk gets answer for is RATE_LIMITED before any is made', async () => {
    const kv = new ScriptedKV()
    const { storage } = await open(kv)
    await storage.set('k0', { value: 1, version: 'v' })
    kv.calls.length = 0
    expect(await failure(storage.getMany(numbered(100_001)))).toMatchObject({
      code: 'RATE_LIMITED',
    })
    expect(kv.calls).toEqual([])
    expect([...(await storage.getMany(numbered(100_000))).keys()]).toEqual(['k0'])
  })

  test('a clear of more keys than one invocation can delete is RATE_LIMITED and deletes none; in parts it works', async () => {
    const kv = new ScriptedKV()
    const { store, storage } = await open(kv)
    for (const part of [0, 900]) {
      const keys = numbered(1800).slice(part, part + 900)
      await storage.commit(keys.map((key) => [set(key)]))
    }
    kv.calls.length = 0
    const refused = await failure(store.clear())
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', outcome: 'not-applied' })
    expect(refused.message).toContain('900 in a request')
    expect(kv.calls).toEqual(['list'])
    expect(kv.puts.size).toBe(1800)
    const some: string[] = []
    for await (const key of store.keys()) if (some.push(key) === 900) break
    await Promise.all(some.map((key) => store.delete(key)))
    await store.clear()
    expect(kv.puts.size).toBe(0)
  })

  test('what KV refuses since the invocation has used up its operations is RATE_LIMITED, and not tried again', async () => {
    const kv = new ScriptedKV()
    const { store, storage } = await open(kv)
    for (const key of ['a', 'b']) await store.set(key, 1)
    kv.calls.length = 0
    kv.fail = () => new Error(LIMIT_MET)
    const spent = { code: 'RATE_LIMITED', outcome: 'not-applied', retryable: false }
    const refused = await failure(store.set('k', 1))
    expect(refused).toMatchObject(spent)
    expect(refused.message).toContain(LIMIT_MET)
    expect(await failure(storage.getMany(['a', 'b']))).toMatchObject(spent)
    expect(await failure(store.clear())).toMatchObject(spent)
    expect(kv.calls).toEqual(['put', 'bulk', 'list'])
  })

  test('a listing that KV refuses in its midst has told what it could, and ends with the error', async () => {
    const kv = new ScriptedKV()
    const { store, storage } = await open(kv)
    for (const part of [0, 1000])
      await storage.commit(
        numbered(2000)
          .slice(part, part + 1000)
          .map((key) => [set(key)]),
      )
    kv.fail = (call, count) => (call === 'list' && count === 2 ? new Error(LIMIT_MET) : undefined)
    let told = 0
    const listing = async (): Promise<void> => {
      for await (const _ of store) told++
    }
    expect(await failure(listing())).toMatchObject({ code: 'RATE_LIMITED', namespace: 'n' })
    expect(told).toBe(1000)
  })

  test('values that are not in the metadata are read ahead of a listing, by three bulk gets at most', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    for (const key of numbered(1000)) await store.set(key, 'x'.repeat(1100))
    kv.calls.length = 0
    const ahead: number[] = []
    let told = 0
    for await (const _ of store) {
      const asked = kv.calls.filter((call) => call === 'bulk').length
      if (told++ % 100 === 0) ahead.push(asked - told / 100)
    }
    expect(told).toBe(1000)
    expect(ahead.map(Math.ceil)).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 2, 1])
  })

  test('a listing that is left early leaves no failed read behind', async () => {
    const kv = new ScriptedKV()
    const { store } = await open(kv)
    for (const key of numbered(400)) await store.set(key, 'x'.repeat(1100))
    kv.fail = (call, count) => (call === 'bulk' && count > 1 ? new Error('late') : undefined)
    for await (const _ of store) break
    // An unhandled rejection would fail the run.
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(kv.calls.filter((call) => call === 'bulk')).toHaveLength(3)
  })

  test('opening does no I/O', async () => {
    const kv = new ScriptedKV()
    await open(kv)
    expect(kv.calls).toEqual([])
  })
})
