import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { type OpenOptions, StorageRuntime, type Store, StoreMixin } from '../../src/index.ts'
import { convertWith, createSchema, numbers, positive, refuseWith } from '../support/schemas.ts'

const createRuntime = (): StorageRuntime => new StorageRuntime(new MemoryStoragePlugin())

async function openTwo<V>(
  options: OpenOptions<Record<string, V>>,
): Promise<{ store: Store<Record<string, V>>; raw: Store }> {
  const runtime = createRuntime()
  const store = await runtime.open<Record<string, V>>('ns', options)
  return { store, raw: await runtime.open('ns') }
}

describe('a schema', () => {
  const writes: Readonly<
    Record<string, (store: Store<Record<string, number>>, value: number) => Promise<unknown>>
  > = {
    set: (store, value) => store.set('k', value),
    setMany: (store, value) => store.setMany({ first: 1, k: value }),
    insert: (store, value) => store.insert('k', value),
    getOrInsert: (store, value) => store.getOrInsert('k', value),
    update: (store, value) => store.update('k', () => value),
    increment: (store, value) => store.increment('k', value),
    mutable: (store, value) => store.mutable('k', () => {}, value),
    transaction: (store, value) => store.transaction(['k'], (tx) => tx.set('k', value)),
  }
  test.each(Object.entries(writes))('validates what %s() writes', async (_, write) => {
    const { store, raw } = await openTwo({ schema: positive })
    await expect(write(store, -1)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      namespace: 'ns',
      key: 'k',
      cause: [{ message: 'must be at least 0' }],
      message:
        'Cannot be stored: $ does not fit the schema: must be at least 0. Correct the value or the schema. (in "ns", key "k")',
    })
    expect(await raw.size()).toBe(0)
    await write(store, 1)
    expect(await raw.get('k')).toBe(1)
  })

  test('validates the list that append() makes', async () => {
    const { store, raw } = await openTwo<unknown>({ schema: numbers })
    await expect(store.append('k', 'one')).rejects.toThrow('$[0] does not fit the schema')
    expect(await raw.has('k')).toBe(false)
    expect(await store.append('k', 1)).toBe(1)
    await expect(store.append('k', 'two')).rejects.toThrow('$[1] does not fit the schema')
    expect(await raw.get('k')).toEqual([1])
  })

  test('validates the value whose expiry touch() changes', async () => {
    const { store, raw } = await openTwo({ schema: positive })
    await raw.set('k', -1)
    await expect(store.touch('k', { ttl: 1000 })).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    expect(await raw.record('k')).toEqual({ value: -1 })
  })

  test('stores its output, and calls resolve to it', async () => {
    const schema = convertWith((value) => (Array.isArray(value) ? value.slice(0, 2) : 5))
    const { store, raw } = await openTwo<unknown>({ schema })
    await store.set('set', 1)
    expect(await raw.get('set')).toBe(5)
    expect(await store.update('update', () => 1)).toBe(5)
    expect(await store.increment('increment')).toBe(5)
    expect(await store.getOrInsert('getOrInsert', 1)).toBe(5)
    expect(await store.insert('insert', true)).toBe(true)
    expect(await raw.get('insert')).toBe(5)
    await raw.set('list', [1, 2])
    expect(await store.append('list', 3)).toBe(2)
    await store.transaction(['tx'], (tx) => {
      tx.set('tx', 1)
      expect(tx.get('tx')).toBe(5)
    })
  })

  test('gets the value of insert() and getOrInsert() once, and that of mutable() after the change', async () => {
    const seen: unknown[] = []
    const { store } = await openTwo<unknown>({
      schema: convertWith((value) => (seen.push(value), value)),
    })
    await store.insert('a', 1)
    await store.getOrInsert('b', 2)
    await store.mutable('c', (list) => (list as number[]).push(1), [])
    expect(seen).toEqual([1, 2, [1]])
  })

  test('names the first issue by its path, and counts the others', async () => {
    const schema = refuseWith(
      { message: 'Required.', path: ['user', { key: 'first name' }, 0, Symbol('s')] },
      { message: 'Wrong' },
    )
    const { store } = await openTwo<unknown>({ schema })
    await expect(store.set('k', 1)).rejects.toThrow(
      'Cannot be stored: $.user["first name"][0]["Symbol(s)"] does not fit the schema: Required, and 1 more. Correct the value or the schema.',
    )
  })

  test('that returns a promise makes a write reject with INVALID_VALUE', async () => {
    const schema = createSchema(() => Promise.reject(new Error('late')))
    const { store, raw } = await openTwo<unknown>({ schema, checkReads: true })
    await raw.set('read', 1)
    for (const call of [store.set('k', 1), store.get('read')]) {
      await expect(call).rejects.toMatchObject({
        code: 'INVALID_VALUE',
        message: expect.stringContaining(
          'the schema returned a promise and must be synchronous. Correct',
        ) as string,
      })
    }
    expect(await raw.has('k')).toBe(false)
  })

  test('that throws, or returns what cannot be stored, makes a write reject with INVALID_VALUE', async () => {
    const thrown = new Error('Broken.')
    const schema = convertWith((value) => {
      if (value === 1) throw thrown
      return () => {}
    })
    const { store } = await openTwo<unknown>({ schema })
    await expect(store.set('k', 1)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      cause: thrown,
      message: expect.stringContaining('the schema failed: Broken. Correct') as string,
    })
    await expect(store.set('k', 2)).rejects.toMatchObject({ code: 'INVALID_VALUE' })
  })

  test('does not validate what is read, without checkReads', async () => {
    const { store, raw } = await openTwo({ schema: positive })
    await raw.set('k', -1)
    expect(await store.get('k')).toBe(-1)
    expect(await store.update('k', (n = 0) => n + 2)).toBe(1)
  })

  test('of one store leaves the other stores of its namespace alone', async () => {
    const { store, raw } = await openTwo({ schema: positive })
    const calls = [store.set('k', -1), raw.set('k', -2), store.update('k', () => -3)]
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'rejected',
    ])
    expect(await raw.get('k')).toBe(-2)
  })

  test('may be one of Zod', async () => {
    const schema = z.object({ name: z.string().trim(), age: z.number().default(18) })
    const runtime = createRuntime()
    const store = await runtime.open('ns', { schema, checkReads: true })
    await store.set('ann', { name: ' Ann ', age: 20 })
    expect(await store.get('ann')).toEqual({ name: 'Ann', age: 20 })
    const raw = await runtime.open('ns')
    await raw.set('ben', { name: 'Ben' })
    expect(await store.get('ben')).toEqual({ name: 'Ben', age: 18 })
    await raw.set('cy', { name: 5 })
    await expect(store.get('cy')).rejects.toThrow('$.name does not fit the schema')
    const late = z.string().refine(async () => true)
    const other = await runtime.open('other', { schema: late })
    await expect(other.set('k', 'v')).rejects.toMatchObject({ code: 'INVALID_VALUE' })
  })
})

describe('checkReads', () => {
  const reads: Readonly<
    Record<string, (store: Store<Record<string, number>>) => Promise<unknown>>
  > = {
    get: (store) => store.get('k'),
    getMany: (store) => store.getMany(['k']),
    record: (store) => store.record('k'),
    entries: (store) => store.entries().next(),
    values: (store) => store.values().next(),
    records: (store) => store.records().next(),
    pop: (store) => store.pop('k'),
    update: (store) => store.update('k', () => 1),
    mutable: (store) => store.mutable('k', () => {}),
    getOrInsert: (store) => store.getOrInsert('k', 1),
    increment: (store) => store.increment('k', 5),
    transaction: (store) => store.transaction(['k'], (tx) => tx.get('k')),
  }
  test.each(Object.entries(reads))(
    'makes %s() reject with CORRUPT if the stored value does not fit',
    async (_, read) => {
      const { store, raw } = await openTwo({ schema: positive, checkReads: true })
      await raw.set('k', -1)
      await expect(read(store)).rejects.toMatchObject({
        code: 'CORRUPT',
        namespace: 'ns',
        key: 'k',
        message: expect.stringContaining(
          '$ does not fit the schema: must be at least 0.',
        ) as string,
      })
      expect(await raw.get('k')).toBe(-1)
      await store.set('k', 2)
      await expect(read(store)).resolves.toBeDefined()
    },
  )

  test('returns private copies of what the schema returns', async () => {
    const shared: number[] = []
    const { store, raw } = await openTwo({ schema: convertWith(() => shared), checkReads: true })
    await raw.set('k', 1)
    const list = await store.get('k')
    list?.push(1)
    expect(await store.get('k')).toEqual([])
  })

  test('rejects with CORRUPT if the schema returns what cannot be stored', async () => {
    const { store, raw } = await openTwo<unknown>({
      schema: convertWith(() => () => {}),
      checkReads: true,
    })
    await raw.set('k', 1)
    await expect(store.get('k')).rejects.toMatchObject({ code: 'CORRUPT', key: 'k' })
  })
})

describe('the options of open()', () => {
  const schema = positive
  test.each([
    [null, 'options must be a plain object'],
    [{ schemas: schema }, 'options.schemas is not an option here'],
    [{ schema: null }, 'options.schema must be a Standard Schema of version 1; received null'],
    [{ schema: {} }, 'options.schema must be a Standard Schema'],
    [{ schema: { '~standard': { version: 2, validate: () => {} } } }, 'options.schema must be'],
    [{ schema: { '~standard': { version: 1 } } }, 'options.schema must be'],
    [{ version: 0 }, 'options.version must be a positive integer; received 0'],
    [{ version: 1.5 }, 'options.version must be a positive integer'],
    [{ version: '1' }, 'options.version must be a positive integer'],
    [{ version: 1, migrate: 1 }, 'options.migrate must be a function'],
    [{ migrate: () => 1 }, 'options.migrate must be given with version'],
    [{ schema, checkReads: 1 }, 'options.checkReads must be true or false'],
    [{ checkReads: true }, 'options.checkReads must be given with schema'],
  ])('%o is refused before the namespace is opened', async (options, message) => {
    const plugin = new MemoryStoragePlugin()
    let openCount = 0
    plugin.open = async () => {
      openCount++
      throw new Error('opened')
    }
    const opening = new StorageRuntime(plugin).open('ns', options as OpenOptions)
    await expect(opening).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      namespace: 'ns',
      message: expect.stringContaining(message) as string,
    })
    expect(openCount).toBe(0)
  })

  test('may be absent one by one, and a schema may be a function', async () => {
    const callable = Object.assign(() => {}, positive)
    for (const options of [{}, { schema: undefined, version: undefined }, { schema: callable }]) {
      const store = await createRuntime().open('ns', options as OpenOptions)
      await store.set('k', 1)
      expect(await store.record('k')).toEqual({ value: 1 })
    }
  })

  test('may be given to openStorage() of a StoreMixin', async () => {
    class Karma extends StoreMixin<Record<string, number>>()(Object) {}
    const runtime = createRuntime()
    const raw = await runtime.open('ns')
    await raw.set('ann', '3')
    const karma = new Karma()
    await karma.openStorage(runtime, 'ns', { schema: positive, version: 1, migrate: Number })
    expect(await karma.get('ann')).toBe(3)
    await expect(karma.set('ann', -1)).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    await karma.closeStorage()
    const opening = karma.openStorage(runtime, 'ns', null as never)
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    expect(karma.isOpenStorage()).toBe(false)
    await karma.openStorage(runtime, 'ns', undefined)
    expect(await karma.record('ann')).toEqual({ value: '3' })
  })
})
