import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { type OpenOptions, StorageRuntime, type Store } from '../../src/index.ts'
import { keepStamp, stampOf, withoutStamp } from '../../src/stamp.ts'
import { positive } from '../support/schemas.ts'

type Numbers = Store<Record<string, number>>

interface Opened {
  readonly runtime: StorageRuntime
  readonly raw: Store
  readonly open: (options: OpenOptions<Record<string, number>>) => Promise<Numbers>
  /** Reads the version string of an entry as the backend has it. */
  readonly versionOf: (key: string) => Promise<string | undefined>
}

async function start(): Promise<Opened> {
  const plugin = new MemoryStoragePlugin()
  const runtime = new StorageRuntime(plugin)
  return {
    runtime,
    raw: await runtime.open('ns'),
    open: (options) => runtime.open('ns', options),
    versionOf: async (key) => (await (await plugin.open('ns')).get(key))?.version,
  }
}

/** Every method that writes `k`, and what it needs. */
const WRITES: Readonly<Record<string, (store: Numbers) => Promise<unknown>>> = {
  update: (store) => store.update('k', (n = 0) => n),
  mutable: (store) => store.mutable('k', () => {}, 1),
  touch: (store) => store.touch('k', { ttl: 60_000 }),
  increment: (store) => store.increment('k', 0),
  getOrInsert: (store) => store.getOrInsert('k', 5, { ttl: 60_000 }),
  transaction: (store) => store.transaction(['k'], (tx) => tx.set('k', tx.get('k') ?? 0)),
}
const REPLACING: typeof WRITES = {
  set: (store) => store.set('k', 1),
  setMany: (store) => store.setMany({ k: 1 }),
}

describe('a store with a version', () => {
  test.each(Object.entries({ ...WRITES, ...REPLACING }))(
    'stamps what %s() writes',
    async (_, write) => {
      const { open, raw, versionOf } = await start()
      await raw.set('k', 1)
      const store = await open({ version: 12 })
      await write(store)
      expect(await versionOf('k')).toMatch(/^[^@]+@12$/)
      expect(await raw.record('k')).toMatchObject({ value: 1, version: 12 })
      expect(await store.record('k')).not.toHaveProperty('version')
    },
  )

  test('stamps what insert() and append() write', async () => {
    const { runtime, raw } = await start()
    const store = await runtime.open<{ a: number; b: number[] }>('ns', { version: 2 })
    await store.insert('a', 1)
    await store.append('b', 1)
    expect(await raw.record('a')).toEqual({ value: 1, version: 2 })
    expect(await raw.record('b')).toEqual({ value: [1], version: 2 })
  })

  const READS: typeof WRITES = {
    get: (store) => store.get('k'),
    record: async (store) => (await store.record('k'))?.value,
    getMany: async (store) => (await store.getMany(['k'])).get('k'),
    values: async (store) => (await store.values().next()).value,
    entries: async (store) => (await store.entries().next()).value?.[1],
    records: async (store) => (await store.records().next()).value?.[1].value,
    'tx.get': (store) => store.transaction(['k'], (tx) => (tx.get('k'), tx.get('k'))),
    getOrInsert: (store) => store.getOrInsert('k', 1),
  }
  test.each(Object.entries(READS))(
    'converts an entry of an earlier version in %s(), and stores nothing',
    async (_, read) => {
      const { open, raw } = await start()
      await raw.set('k', 1)
      const calls: unknown[] = []
      const migrate = (...args: readonly unknown[]): number => (calls.push(args), 100)
      const store = await open({ version: 2, migrate })
      expect(await read(store)).toBe(100)
      expect(calls).toEqual([[1, 0, 'k']])
      expect(await raw.record('k')).toEqual({ value: 1 })
    },
  )

  test.each(Object.entries(WRITES))('stores the converted value with %s()', async (_, write) => {
    const { open, raw } = await start()
    await raw.set('k', 1, { version: 3 })
    const store = await open({
      version: 4,
      migrate: (value, fromVersion) => (value as number) * 10 + fromVersion,
    })
    await write(store)
    expect(await raw.record('k')).toMatchObject({ value: 13, version: 4 })
    expect(await store.get('k')).toBe(13)
  })

  test('converts a value that pop() removes', async () => {
    const { open, raw } = await start()
    await raw.set('k', 1)
    const store = await open({ version: 1, migrate: () => 7 })
    expect(await store.pop('k')).toBe(7)
    expect(await raw.has('k')).toBe(false)
  })

  test('reads earlier entries as they are without migrate', async () => {
    const { open, raw } = await start()
    await raw.set('k', 1)
    const store = await open({ version: 2 })
    expect(await store.update('k', (n = 0) => n + 1)).toBe(2)
    expect(await raw.record('k')).toEqual({ value: 2, version: 2 })
  })

  test('gives migrate() a private copy, and callers private copies of its result', async () => {
    const { runtime, raw } = await start()
    await raw.set('k', [0])
    const shared = [1]
    const migrate = (value: unknown): number[] => {
      ;(value as number[]).push(9)
      return shared
    }
    const store = await runtime.open<Record<string, number[]>>('ns', { version: 1, migrate })
    ;(await store.get('k'))?.push(2)
    expect(await store.get('k')).toEqual([1])
    expect(await raw.get('k')).toEqual([0])
  })

  test('validates a converted value when it is stored, and with checkReads when it is read', async () => {
    const { open, raw } = await start()
    await raw.set('k', 1)
    const options = { schema: positive, version: 1, migrate: () => -1 }
    const store = await open(options)
    expect(await store.get('k')).toBe(-1)
    await expect(store.touch('k', { ttl: 1 })).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    const strict = await open({ ...options, checkReads: true })
    await expect(strict.get('k')).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(await raw.record('k')).toEqual({ value: 1 })
  })

  test.each<[what: string, migrate: () => number]>([
    [
      'throws',
      () => {
        throw new Error('Boom.')
      },
    ],
    ['returns a promise', () => Promise.reject(new Error('late')) as unknown as number],
    ['returns undefined', () => undefined as unknown as number],
    ['returns a function', () => (() => {}) as unknown as number],
  ])('rejects with CORRUPT if migrate() %s', async (_, migrate) => {
    const { open, raw } = await start()
    await raw.set('k', 1)
    const store = await open({ version: 1, migrate })
    for (const call of [store.get('k'), store.update('k', () => 1)]) {
      await expect(call).rejects.toMatchObject({
        code: 'CORRUPT',
        key: 'k',
        cause: expect.any(Error) as Error,
        message: expect.stringContaining('migrate() from version 0 failed: ') as string,
      })
    }
    expect(await raw.record('k')).toEqual({ value: 1 })
  })

  const atomic: typeof WRITES = {
    ...WRITES,
    ...READS,
    insert: (store) => store.insert('k', 1),
    pop: (store) => store.pop('k'),
    'tx.set': (store) => store.transaction(['k'], (tx) => tx.set('k', 1)),
    'tx.delete': (store) => store.transaction(['k'], (tx) => tx.delete('k')),
  }
  test.each(Object.entries(atomic))(
    'rejects %s() of an entry of a newer version with VERSION_MISMATCH, and stores nothing',
    async (_, call) => {
      const { open, raw } = await start()
      await raw.set('k', 1, { version: 3 })
      const store = await open({ version: 2, migrate: () => 5 })
      await expect(call(store)).rejects.toMatchObject({
        code: 'VERSION_MISMATCH',
        key: 'k',
        message:
          'The entry has version 3; this store has version 2. Deploy the newer code everywhere. (in "ns", key "k")',
      })
      expect(await raw.record('k')).toEqual({ value: 1, version: 3 })
    },
  )

  test.each(Object.entries(REPLACING))('replaces a newer entry with %s()', async (_, write) => {
    const { open, raw } = await start()
    await raw.set('k', 2, { version: 3 })
    await write(await open({ version: 2 }))
    expect(await raw.record('k')).toEqual({ value: 1, version: 2 })
  })

  test('lists, counts and finds the keys of newer entries', async () => {
    const { open, raw } = await start()
    await raw.set('k', 1, { version: 3 })
    const store = await open({ version: 2 })
    expect((await store.keys().next()).value).toBe('k')
    expect([await store.size(), await store.has('k'), await store.has('l')]).toEqual([
      1,
      true,
      false,
    ])
  })

  test('refuses the option version of a write', async () => {
    const { open, raw } = await start()
    const store = await open({ version: 2 })
    const options = { version: 2 }
    for (const call of [
      store.set('k', 1, options),
      store.insert('k', 1, options),
      store.setMany({ k: 1 }, options),
      store.setMany([['k', 1, options]]),
    ]) {
      await expect(call).rejects.toMatchObject({
        code: 'INVALID_VALUE',
        message: expect.stringContaining('must be left out in a store that has one') as string,
      })
    }
    expect(await raw.size()).toBe(0)
  })
})

describe('a store without a version', () => {
  test.each(Object.entries(WRITES))('keeps the stamp of what %s() replaces', async (_, write) => {
    const { raw, open } = await start()
    for (const store of [raw as Numbers, await open({ schema: positive })]) {
      await raw.set('k', 1, { version: 3 })
      await write(store)
      expect(await raw.record('k')).toMatchObject({ value: 1, version: 3 })
    }
  })

  test('keeps the stamp of a list that it appends to', async () => {
    const { raw } = await start()
    await raw.set('k', [1], { version: 3 })
    await raw.append('k', 2)
    expect(await raw.record('k')).toEqual({ value: [1, 2], version: 3 })
  })

  test('keeps the stamp of a value whose expiry getOrInsert() changes, also if the values are equal', async () => {
    const { raw } = await start()
    await raw.set('k', 1, { version: 3 })
    await raw.getOrInsert('k', 1, { expires: 4e12 })
    expect(await raw.record('k')).toEqual({ value: 1, version: 3, expires: 4e12 })
  })

  test.each(Object.entries(REPLACING))(
    'drops the stamp of what %s() replaces',
    async (_, write) => {
      const { raw } = await start()
      await raw.set('k', 2, { version: 3 })
      await write(raw as Numbers)
      expect(await raw.record('k')).toEqual({ value: 1 })
    },
  )

  test('does not keep the stamp of an entry that expires during a transaction', async () => {
    let time = 0
    const runtime = new StorageRuntime(new MemoryStoragePlugin(), { now: () => time })
    const store = await runtime.open('ns')
    await store.set('read', 1, { version: 3, expires: 10 })
    await store.transaction(['read', 'written'], (tx) => {
      tx.set('written', 1, { version: 3, expires: 5 })
      time = 10
      for (const key of ['read', 'written'] as const) tx.set(key, 2)
    })
    expect(await store.record('read')).toEqual({ value: 2 })
    expect(await store.record('written')).toEqual({ value: 2 })
  })

  test('copies entries with their stamps and expiries', async () => {
    const { raw, runtime } = await start()
    await raw.set('a', 1, { version: 2, ttl: 60_000 })
    await raw.set('b', 2)
    const copy = await runtime.open('copy')
    for await (const [key, { value, ...options }] of raw.records()) {
      await copy.set(key, value, options)
      await copy.insert(`${key}/insert`, value, options)
      await copy.setMany([[`${key}/many`, value, options]])
      await copy.setMany({ [`${key}/all`]: value }, options)
      await copy.transaction([`${key}/tx`], (tx) => {
        tx.set(`${key}/tx`, value, options)
        expect(tx.record(`${key}/tx`)).toEqual({ value, ...options })
      })
    }
    for await (const [key, record] of copy.records()) {
      expect(record).toEqual(await raw.record(key.slice(0, 1)))
    }
    expect(await copy.size()).toBe(10)
  })

  test('refuses a version that is no positive integer, and one for a step', async () => {
    const { raw } = await start()
    for (const version of [0, -1, 1.5, '1', null]) {
      const call = raw.set('k', 1, { version: version as number })
      await expect(call).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    }
    const options: object = { ttl: 1, version: 1 }
    for (const call of [raw.update('k', () => 1, options), raw.touch('k', options)]) {
      await expect(call).rejects.toThrow('options.version is not an option here')
    }
  })
})

test('a stamp is the suffix of a version string that is a positive integer', () => {
  expect(
    ['v', 'v@', 'v@0', 'v@x', 'v@1x', '@7', 'a@1@2'].map((version) => stampOf({ version })),
  ).toEqual([0, 0, 0, 0, 0, 7, 2])
  expect(stampOf(undefined)).toBe(0)
  expect([withoutStamp('v@12'), withoutStamp('v')]).toEqual(['v', 'v'])
  expect(keepStamp('new', { version: 'old@3' })).toBe('new@3')
  expect([keepStamp('new', { version: 'old' }), keepStamp('new', undefined)]).toEqual([
    'new',
    'new',
  ])
})
