import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { deferred } from '../../../src/async.ts'
import { staleKV, type StaleKVOptions } from '../../../src/testing/stale-kv.ts'

let time = Date.now()
let count = 0

type KV = KVNamespace & { nextRequest(): void; location(): KV }

/** Creates a location over Miniflare's namespace, and a prefix that no other test uses. */
function create(options: StaleKVOptions = {}): { here: KV; there: KV; prefix: string } {
  const here = staleKV(env.BOT_KV, { now: () => time, ...options })
  return { here, there: here.location(), prefix: `stale-${count++}/` }
}

async function listNames(kv: KVNamespace, prefix: string): Promise<string[]> {
  return (await kv.list({ prefix })).keys.map(({ name }) => name)
}

test('a location reads the value of another location late, by at most staleMs', async () => {
  const { here, there, prefix } = create({ staleMs: 30_000 })
  const key = `${prefix}k`
  await here.put(key, 'old')
  expect(await there.get(key)).toBe('old')
  time += 29_999
  await here.put(key, 'new')
  expect(await here.get(key)).toBe('new')
  expect(await there.get(key)).toBe('old')
  time += 1
  expect(await there.get(key)).toBe('new')
})

test('a key that a location read as absent stays absent for 60 seconds, unless that location writes it', async () => {
  const { here, there, prefix } = create()
  const key = `${prefix}k`
  expect(await here.get(key)).toBeNull()
  expect(await there.get(key)).toBeNull()
  await here.put(key, 'v', { metadata: { size: 1 } })
  time += 59_999
  expect(await there.getWithMetadata(key)).toMatchObject({ value: null, metadata: null })
  const other = `${prefix}other`
  const absent = new Map([key, other].map((each) => [each, null]))
  expect(await there.get([key, other], 'text')).toEqual(absent)
  expect(await there.getWithMetadata([key, other], 'text')).toEqual(absent)
  expect(await here.getWithMetadata(key)).toMatchObject({ value: 'v', metadata: { size: 1 } })
  time += 1
  expect(await there.getWithMetadata(key)).toMatchObject({ value: 'v', metadata: { size: 1 } })
})

test('a deleted key is still read by another location', async () => {
  const { here, there, prefix } = create()
  const key = `${prefix}k`
  await here.put(key, 'v')
  await there.get([key, `${prefix}other`], 'text')
  time += 1000
  await here.delete(key)
  expect([await here.get(key), await there.get(key)]).toEqual([null, 'v'])
  expect(await there.get([key], 'text')).toEqual(new Map([[key, 'v']]))
})

test('without seesOwnWrites, a location reads a key as before its own write', async () => {
  const { here, prefix } = create({ seesOwnWrites: false })
  const key = `${prefix}k`
  await here.put(key, '1')
  expect(await here.get(key)).toBeNull()
  time += 60_000
  expect(await here.get(key)).toBe('1')
  await here.put(key, '2')
  await here.get(key)
  time += 1000
  await here.delete(key)
  expect(await here.get(key)).toBe('1')
  time += 60_000
  expect(await here.get(key)).toBeNull()
})

test('a longer cacheTtl of a read applies instead of staleMs', async () => {
  const { here, there, prefix } = create()
  const key = `${prefix}k`
  await there.get(key, { type: 'text', cacheTtl: 120 })
  await here.put(key, 'v')
  time += 119_999
  expect(await there.get(key)).toBeNull()
  time += 1
  expect(await there.get(key)).toBe('v')
})

test('a listing shows the keys, the metadata and the order from before writes of the last 60 seconds', async () => {
  const { here, there, prefix } = create()
  // U+FFFF comes before U+1F600 by byte of UTF-8, but not by UTF-16 code unit.
  const names = ['a', 'b', '\uffff', '😀'].map((name) => prefix + name)
  const [a = '', b = '', high = '', last = ''] = names
  for (const name of names) await here.put(name, 'v', { metadata: 'old' })
  expect(await listNames(here, prefix)).toEqual([])
  time += 60_000
  expect(await listNames(here, prefix)).toEqual(names)
  await here.delete(a)
  await there.put(b, 'w', { metadata: 'new' })
  await here.delete(high)
  await here.put(`${prefix}new`, 'v')
  await here.delete(last)
  for (const kv of [here, there]) {
    expect((await kv.list({ prefix })).keys).toEqual(
      names.map((name) => ({ name, metadata: 'old' })),
    )
  }
  time += 59_999
  expect(await listNames(there, prefix)).toEqual(names)
  time += 1
  expect(await listNames(there, prefix)).toEqual([b, `${prefix}new`])
  expect((await here.list({ prefix })).keys[0]?.metadata).toBe('new')
})

test('of several writes within the lag, a listing shows the state before the first', async () => {
  const { here, prefix } = create()
  const key = `${prefix}k`
  await here.put(key, '1', { metadata: 1 })
  time += 30_000
  await here.put(key, '2', { metadata: 2 })
  time += 29_999
  expect(await listNames(here, prefix)).toEqual([])
  time += 1
  expect((await here.list({ prefix })).keys).toMatchObject([{ name: key, metadata: 1 }])
  time += 30_000
  expect((await here.list({ prefix })).keys).toMatchObject([{ name: key, metadata: 2 }])
})

test('pages have at most limit keys, and together every key once', async () => {
  const { here, prefix } = create()
  const names = Array.from({ length: 7 }, (_, i) => `${prefix}${i}`)
  for (const name of names) await here.put(name, 'v')
  time += 60_000
  await here.delete(`${prefix}3`)
  await here.put(`${prefix}35`, 'v')
  const found: string[] = []
  let cursor: string | null = null
  do {
    const page: KVNamespaceListResult<unknown> = await here.list({ prefix, limit: 3, cursor })
    expect(page.keys.length).toBeLessThanOrEqual(3)
    found.push(...page.keys.map(({ name }) => name))
    cursor = page.list_complete ? null : page.cursor
  } while (cursor !== null)
  expect(found).toEqual(names)
  await expect(here.list({ limit: 1001 })).rejects.toThrow('400')
})

test('a second write to a key within a second rejects with 429, wherever it is made', async () => {
  const { here, there, prefix } = create()
  const key = `${prefix}k`
  await here.put(key, '1')
  await expect(there.put(key, '2')).rejects.toThrow(/^KV PUT failed: 429 Too Many Requests$/)
  await expect(here.delete(key)).rejects.toThrow(/^KV DELETE failed: 429 Too Many Requests$/)
  await here.put(`${prefix}other`, '1')
  expect(await env.BOT_KV.get(key)).toBe('1')
  time += 1000
  await there.put(key, '2')
  const settled = await Promise.allSettled([1, 2, 3].map((i) => here.put(`${prefix}new`, `${i}`)))
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
})

test('a location rejects each call after the last of a request, until the next request', async () => {
  const { here, there, prefix } = create({ operationsPerRequest: 4 })
  const key = `${prefix}k`
  await here.put(key, 'v')
  await here.get([key, `${prefix}2`], 'text')
  await here.list({ prefix })
  await here.delete(`${prefix}2`)
  const text = /^Too many API requests by single Worker invocation\.$/
  await expect(here.get(key)).rejects.toThrow(text)
  await expect(here.getWithMetadata([key], 'text')).rejects.toThrow(text)
  await expect(here.put(`${prefix}3`, 'v')).rejects.toThrow(text)
  await expect(here.delete(key)).rejects.toThrow(text)
  await expect(here.list()).rejects.toThrow(text)
  expect(await there.get(key)).toBe('v')
  here.nextRequest()
  expect(await here.get(key)).toBe('v')
})

test('a request has 1,000 operations by default, and any number with Infinity', async () => {
  for (const [options, rejected] of [
    [{}, 1],
    [{ operationsPerRequest: Infinity }, 0],
  ] as const) {
    const { here, prefix } = create(options)
    await here.get(prefix)
    const reads = Array.from({ length: 1000 }, () => here.get(prefix))
    const settled = await Promise.allSettled(reads)
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(rejected)
  }
})

test('Infinity lifts the limit of writes, and 0 a delay', async () => {
  const { here, there, prefix } = create({ staleMs: 0, listLagMs: 0, writesPerSecond: Infinity })
  const key = `${prefix}k`
  expect(await there.get(key)).toBeNull()
  for (let i = 0; i < 5; i++) {
    await here.put(key, `${i}`)
    expect(await there.get(key)).toBe(`${i}`)
  }
  expect(await listNames(there, prefix)).toEqual([key])
})

test('values have the type that is asked for, fresh and from the cache, and are copies', async () => {
  const { here, there, prefix } = create({ writesPerSecond: Infinity })
  const key = `${prefix}k`
  const text = '{"n":1}'
  const bytes = new TextEncoder().encode(text)
  const stream = new Response(text).body as ReadableStream
  const values = [text, bytes, bytes.buffer as ArrayBuffer, stream]
  for (const value of values) {
    await here.put(key, value, { metadata: { m: [1] } })
    for (const kv of [here, there.location()]) {
      for (let round = 0; round < 2; round++) {
        expect(await kv.get(key)).toBe(text)
        expect(await kv.get(key, 'json')).toEqual({ n: 1 })
        const read = await kv.get(key, { type: 'arrayBuffer' })
        expect(new Uint8Array(read as ArrayBuffer)).toEqual(bytes)
        new Uint8Array(read as ArrayBuffer).fill(0)
        expect(await new Response(await kv.get(key, 'stream')).text()).toBe(text)
        const { value: json, metadata } = await kv.getWithMetadata<unknown, { m: unknown[] }>(
          key,
          'json',
        )
        expect([json, metadata]).toEqual([{ n: 1 }, { m: [1] }])
        metadata?.m.push(2)
        expect(await kv.get([key], 'json')).toEqual(new Map([[key, { n: 1 }]]))
      }
    }
  }
  await here.put(key, 'no JSON')
  await expect(here.get(key, 'json')).rejects.toThrow(SyntaxError)
  // Miniflare stores what is no object as text.
  await here.put(key, null as unknown as string)
  expect([await here.get(key), await env.BOT_KV.get(key)]).toEqual(['null', 'null'])
})

test('errors of the binding stay as they are', async () => {
  const { here, prefix } = create()
  await expect(here.put('', 'v')).rejects.toThrow('Key name cannot be empty.')
  await expect(here.get(prefix + 'k'.repeat(512))).rejects.toThrow('414')
  await expect(here.put(`${prefix}k`, {} as string)).rejects.toThrow('KV put() accepts only')
  const keys = Array.from({ length: 101 }, (_, i) => `${prefix}${i}`)
  await expect(here.get(keys, 'text')).rejects.toThrow('400')
})

test('a read that a write of the location overtakes does not replace what was written', async () => {
  const gate = deferred()
  const get = async (key: string): Promise<unknown> => {
    const read = await env.BOT_KV.getWithMetadata(key, 'arrayBuffer')
    await gate.promise
    return read
  }
  const slow = new Proxy(env.BOT_KV, {
    get: (kv, name: keyof KVNamespace) =>
      name === 'getWithMetadata' ? get : (kv[name].bind(kv) as unknown),
  })
  const here = staleKV(slow, { now: () => time })
  const key = `stale-${count++}/k`
  const reading = here.get(key)
  await here.put(key, 'v')
  gate.resolve()
  expect(await reading).toBeNull()
  expect(await here.get(key)).toBe('v')
})

test.each([
  [{ staleMs: -1 }, 'options.staleMs must be a number of milliseconds, 0 or more; received -1.'],
  [{ writesPerSecond: 0 }, 'options.writesPerSecond must be a positive integer or Infinity'],
  [{ seesOwnWrites: 1 }, 'options.seesOwnWrites must be true or false; received 1.'],
  [{ now: 5 }, 'options.now must be a function; received 5.'],
  [{ staleMS: 1 }, 'Did you mean "staleMs"?'],
])('the options %o are rejected with INVALID_VALUE', (options, message) => {
  let error: unknown
  try {
    staleKV(env.BOT_KV, options as StaleKVOptions)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code: 'INVALID_VALUE' })
  expect((error as Error).message).toContain(message)
})

test('what is no KV namespace is rejected with INVALID_VALUE', () => {
  for (const binding of [undefined, {}, env.BOT_STORAGE]) {
    expect(() => staleKV(binding as object)).toThrow('Pass the binding itself, such as env.BOT_KV.')
  }
})
