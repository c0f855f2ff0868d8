import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStorage, type Driver, prefixStorage } from 'unstorage'
import fsLite from 'unstorage/drivers/fs-lite'
import createMemoryDriver from 'unstorage/drivers/memory'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { unstorage, UnstorageStoragePlugin } from '../../../bridges/unstorage.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { utf8Bytes } from '../../../src/value/copy-value.ts'

function start(driver: object, settings: object = {}): Promise<StorageRuntime> {
  const config = { STORAGE: 'Unstorage', STORAGE_CONFIG: { driver, ...settings } }
  return StorageRuntime.start(config, [unstorage])
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('the settings', () => {
  test('STORAGE: "Unstorage" stores values and expiries in the driver', async () => {
    const driver = createMemoryDriver()
    let time = 1000
    const plugin = new UnstorageStoragePlugin({ STORAGE_CONFIG: { driver } })
    const karma = await new StorageRuntime(plugin, { now: () => time }).open('Karma')
    await karma.set('ann', new Map([['karma', 3]]), { ttl: 50 })
    const other = await (await start(driver)).open('Karma')
    expect(await other.get('ann')).toBeUndefined()
    expect(await karma.get('ann')).toEqual(new Map([['karma', 3]]))
    time += 50
    expect(await karma.get('ann')).toBeUndefined()
  })

  test('each part of a key is written in letters that every driver keeps apart', async () => {
    const driver = createMemoryDriver()
    await (await (await start(driver)).open('Karma')).set('a/b:Ann Ä', 1)
    expect(await driver.getKeys('', {})).toEqual(['botshelf-:_4barma-:a_2fb_3a_41nn_20_c3_84-'])
  })

  test('two bases in one driver share nothing', async () => {
    const driver = createMemoryDriver()
    const one = await (await start(driver, { base: 'one' })).open('Karma')
    const two = await (await start(driver, { base: 'two' })).open('Karma')
    await one.set('ann', 1)
    expect(await two.size()).toBe(0)
  })

  test('a storage of unstorage serves as the driver', async () => {
    const storage = createStorage()
    const runtime = await start(prefixStorage(storage, 'bots'))
    await (await runtime.open('Karma')).set('ann', 3)
    expect(await storage.getKeys()).toEqual(['bots:botshelf-:_4barma-:ann-'])
    expect(await collect((await runtime.open('Karma')).keys())).toEqual(['ann'])
  })

  test('what is not known about a driver is the least that a driver promises', async () => {
    const store = await (await start(createMemoryDriver())).open('Karma')
    expect(store.traits).toEqual({
      atomic: 'none',
      durable: false,
      consistency: 'eventual',
      batchAcrossTicks: false,
      maxKeyBytes: 163,
      maxValueBytes: Number.POSITIVE_INFINITY,
      watch: false,
    })
    await expect(store.update('ann', () => 1)).rejects.toMatchObject({ code: 'NOT_ATOMIC' })
  })

  test.each([
    ['k', {}],
    ['Ä'.repeat(40), {}],
    ['Ä'.repeat(20), { base: 'Ä'.repeat(20) }],
  ])('in the namespace %s with %o, the longest key fits into 512 bytes', async (name, settings) => {
    const driver = createMemoryDriver()
    const store = await (await start(driver, settings)).open(name)
    const { maxKeyBytes } = store.traits
    await store.set('_'.repeat(maxKeyBytes), 1)
    await expect(store.set('_'.repeat(maxKeyBytes + 1), 1)).rejects.toMatchObject({
      code: 'INVALID_KEY',
    })
    const [key] = await driver.getKeys('', {})
    expect(utf8Bytes(key)).toBeLessThanOrEqual(512)
    expect(utf8Bytes(key)).toBeGreaterThan(500)
  })

  test('a namespace that leaves no room for keys is refused', async () => {
    const runtime = await start(createMemoryDriver())
    await expect(runtime.open('Ä'.repeat(90))).rejects.toMatchObject({
      code: 'INVALID_NAMESPACE',
      message: expect.stringContaining('received 554'),
    })
    const traits = { maxKeyBytes: 10 }
    await (await start(createMemoryDriver(), { traits })).open('Ä'.repeat(90))
  })

  test('traits of the settings replace those', async () => {
    const traits = { durable: true, consistency: 'strong', maxKeyBytes: 5, maxValueBytes: 100 }
    const store = await (await start(createMemoryDriver(), { traits })).open('Karma')
    expect(store.traits).toMatchObject({ ...traits, atomic: 'none', watch: false })
    await expect(store.set('longer', 1)).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await expect(store.set('ann', 'x'.repeat(100))).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  test.each([
    [undefined, 'is missing'],
    ['redis', 'received "redis"'],
    [{ getItem: () => null }, 'It lacks setItem, removeItem, getKeys.'],
    [{ ...createMemoryDriver(), setItem: undefined }, 'It lacks setItem.'],
    [createMemoryDriver, 'received a function. Call it, and pass what it returns.'],
    // It would ignore each write.
    [fsLite({ base: tmpdir(), readOnly: true }), 'Its readOnly is true; leave it out.'],
  ])('the driver %j is refused with CONFIG_INVALID', async (driver, problem) => {
    const error = { code: 'CONFIG_INVALID', message: expect.stringContaining(problem) }
    await expect(start(driver as object)).rejects.toMatchObject(error)
  })

  test.each([
    [{ atomic: 'global' }, 'traits.atomic is not an option here'],
    [{ durable: true, watch: true }, 'traits.watch is not an option here'],
    [{ maxKeyByte: 1 }, 'Did you mean "maxKeyBytes"?'],
    [{ durable: 'yes' }, 'durable must be true or false; received "yes"'],
    [{ consistency: 'perhaps' }, 'consistency must be "strong" or "eventual"; received "perhaps"'],
    [{ maxKeyBytes: 0.5 }, 'maxKeyBytes must be a number of at least 1; received 0.5'],
    [{ maxKeyBytes: NaN }, 'maxKeyBytes must be a number of at least 1; received NaN'],
    [{ maxValueBytes: '1' }, 'maxValueBytes must be a number of at least 1; received "1"'],
    ['durable', 'received "durable"'],
  ])('the traits %j are refused with CONFIG_INVALID', async (traits, problem) => {
    const message = expect.stringMatching(/^STORAGE_CONFIG\.traits/)
    const started = start(createMemoryDriver(), { traits })
    await expect(started).rejects.toMatchObject({ code: 'CONFIG_INVALID', message })
    await expect(started).rejects.toThrow(problem)
  })

  test('namespaces() lists each namespace once, and no other keys of the driver', async () => {
    const driver = createMemoryDriver()
    const runtime = await start(driver, { traits: { maxKeyBytes: 100 } })
    const names = ['Karma', 'a:b/c', 'Ä'.repeat(90), 'Todo']
    for (const name of names) {
      const store = await runtime.open(name)
      await store.set('one', 1)
      await store.set('two', 2)
    }
    await driver.setItem!('botshelf-:foreign', 'text', {})
    await driver.setItem!('other:key', 'text', {})
    expect((await collect(runtime.namespaces())).toSorted()).toEqual(names.toSorted())
  })

  test('close() of the runtime does not dispose the driver', async () => {
    let isDisposed = false
    const driver: Driver = { ...createMemoryDriver(), dispose: () => void (isDisposed = true) }
    const runtime = await start(driver)
    await runtime.open('Karma')
    await runtime.close()
    expect(isDisposed).toBe(false)
  })
})

describe('what a driver returns', () => {
  test('text that was not encoded is CORRUPT, and the entries before it are listed', async () => {
    const driver = createMemoryDriver()
    const store = await (await start(driver)).open('k')
    for (const key of ['a', 'b', 'c']) await store.set(key, 1)
    // Both are read before the first is reported.
    await driver.setItem!('botshelf-:k-:b-', 'other', {})
    await driver.setItem!('botshelf-:k-:c-', 'other', {})
    await expect(store.get('b')).rejects.toMatchObject({ code: 'CORRUPT', key: 'b' })
    const listed: string[] = []
    const list = async (): Promise<void> => {
      for await (const [key] of store.entries()) listed.push(key)
    }
    await expect(list()).rejects.toMatchObject({ code: 'CORRUPT', key: 'b' })
    expect(listed).toEqual(['a'])
  })

  test('a driver that does not return text is reported as CORRUPT', async () => {
    const store = await (await start({ ...createMemoryDriver(), getItem: () => ({}) })).open('k')
    await expect(store.get('a')).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('must return the text'),
    })
  })

  test('keys are found in each form in which drivers list them', async () => {
    const memory = createMemoryDriver()
    // As cloudflare-kv-binding with a base and fs-lite do.
    const getKeys = async (): Promise<string[]> =>
      (await memory.getKeys('', {})).map((key: string) => `:${key.replaceAll(':', '/')}`)
    const store = await (await start({ ...memory, getKeys })).open('k')
    await store.set('a', 1)
    expect(await collect(store.keys())).toEqual(['a'])
  })

  test('behind a storage, a driver that ignores writes stores nothing', async () => {
    const driver = fsLite({ base: join(tmpdir(), 'botshelf-unstorage-none'), readOnly: true })
    const store = await (await start(createStorage({ driver }))).open('k')
    await store.set('a', 1)
    expect(await store.has('a')).toBe(false)
  })

  test('an error that the driver rejects with, or resolves to, is the cause of a BACKEND_ERROR', async () => {
    const cause = new Error('disk full')
    for (const fail of [() => Promise.reject(cause), () => Promise.resolve(cause)]) {
      const failing = { getItem: fail, setItem: fail, removeItem: fail }
      const store = await (await start({ ...createMemoryDriver(), ...failing })).open('k')
      for (const call of [store.get('a'), store.set('a', 1), store.delete('a')])
        await expect(call).rejects.toMatchObject({ code: 'BACKEND_ERROR', cause })
    }
  })
})

describe('files', () => {
  let base: string
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'botshelf-unstorage-'))
  })
  afterEach(async () => rm(base, { recursive: true }))

  test('a key longer than the name of a file may be is split over folders', async () => {
    const store = await (await start(fsLite({ base }), { traits: { maxKeyBytes: 1000 } })).open('k')
    const keys = ['z'.repeat(199), 'z'.repeat(200), 'z'.repeat(201), 'Ä'.repeat(400)]
    for (const key of keys) await store.set(key, key)
    for (const key of keys) expect(await store.get(key)).toBe(key)
    expect(await collect(store.keys())).toEqual(keys.toSorted())
  })

  test('clear() keeps the files of other namespaces and of others', async () => {
    const runtime = await start(fsLite({ base }))
    const [one, two] = [await runtime.open('one'), await runtime.open('two')]
    await one.set('a', 1)
    await two.set('a', 1)
    await writeFile(join(base, 'botshelf-', 'one-', '.DS_Store'), '')
    await one.clear()
    expect(await one.size()).toBe(0)
    expect(await two.size()).toBe(1)
    expect(await readdir(join(base, 'botshelf-', 'one-'))).toEqual(['.DS_Store'])
  })

  test('a file that cannot be read or removed rejects the call, though the driver resolves', async () => {
    const driver = fsLite({ base })
    const store = await (await start(driver)).open('k')
    await mkdir(join(base, 'botshelf-', 'k-'), { recursive: true })
    // A file where the driver expects a folder: neither missing nor a folder, but ENOTDIR.
    const part = 'z'.repeat(200)
    await writeFile(join(base, 'botshelf-', 'k-', part), '')
    const key = 'z'.repeat(201)
    const long = await (await start(driver, { traits: { maxKeyBytes: 300 } })).open('k')
    await expect(long.get(key)).rejects.toMatchObject({ code: 'BACKEND_ERROR' })
    await expect(long.delete(key)).rejects.toMatchObject({ code: 'BACKEND_ERROR' })
    expect(await store.get('a')).toBeUndefined()
  })
})
