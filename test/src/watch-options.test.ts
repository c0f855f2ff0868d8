import { getEventListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type StorageBase,
  StorageRuntime,
  type Store,
  type StoreValueChange,
} from '../../src/index.ts'

const DONE = { done: true, value: undefined }

/** Memory, whose storages a test may change as they open. */
class ModifiedPlugin extends MemoryStoragePlugin {
  readonly #modify: (storage: StorageBase) => void

  constructor(modify: (storage: StorageBase) => void) {
    super()
    this.#modify = modify
  }

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    this.#modify(storage)
    return storage
  }
}

async function openStore(modify: (storage: StorageBase) => void = () => {}): Promise<Store> {
  return new StorageRuntime(new ModifiedPlugin(modify)).open('ns')
}

async function take<C>(changes: AsyncIterator<C, undefined>, count: number): Promise<C[]> {
  const taken: C[] = []
  while (taken.length < count) {
    const { value } = await changes.next()
    if (value === undefined) expect.fail(`The watch ended after ${taken.length} changes.`)
    else taken.push(value)
  }
  return taken
}

describe('options of watch()', () => {
  test.each([
    [{ prefixes: 'a' }, 'INVALID_VALUE', /options\.prefixes is not an option here; .*prefix/],
    [[], 'INVALID_VALUE', /options must be a plain object; received/],
    [{ initial: 1 }, 'INVALID_VALUE', /options\.initial must be true or false; received 1/],
    [{ values: 'yes' }, 'INVALID_VALUE', /options\.values must be true or false; received "yes"/],
    [{ signal: {} }, 'INVALID_VALUE', /options\.signal must be an AbortSignal; received/],
    [{ signal: null }, 'INVALID_VALUE', /options\.signal must be an AbortSignal; received null/],
    [{ prefix: 1 }, 'INVALID_KEY', /received 1/],
    [{ prefix: '\uD800' }, 'INVALID_KEY', /unpaired surrogates/],
  ])('%j throw %s', async (options, code, message) => {
    const store = await openStore()
    expect(() => store.watch(options as never)).toThrow(
      expect.objectContaining({ code, namespace: 'ns', message: expect.stringMatching(message) }),
    )
  })

  test('that are undefined count as absent', async () => {
    const store = await openStore()
    const changes = store.watch({
      prefix: undefined,
      signal: undefined,
      initial: undefined,
      values: undefined,
    })
    await store.set('a', 1)
    expect(await take(changes, 1)).toEqual([{ kind: 'set', key: 'a' }])
  })
})

test('watch({ prefix }) reports the keys that begin with it, and a clear', async () => {
  const store = await openStore()
  const changes = store.watch({ prefix: 'a/' })
  await store.setMany({ 'a/1': 1, b: 1, a: 1, 'a/2': 1 })
  await store.delete('b')
  await store.delete('a/1')
  expect(await take(changes, 2)).toEqual([
    { kind: 'set', key: 'a/2' },
    { kind: 'remove', key: 'a/1' },
  ])
  await store.clear({ prefix: 'b' })
  await store.clear({ prefix: 'a/' })
  expect(await take(changes, 1)).toEqual([{ kind: 'remove', key: 'a/2' }])
  await store.clear()
  expect(await take(changes, 1)).toEqual([{ kind: 'clear' }])
})

test('watch({ prefix }) of a slow reader lists the keys that begin with the prefix', async () => {
  const store = await openStore()
  const changes = store.watch({ prefix: 'a/' })
  await store.set('b', 1)
  for (let i = 0; i <= 1000; i++) await store.set(`a/${i}`, 1)
  const [first, ...sets] = await take(changes, 1002)
  expect(first).toEqual({ kind: 'clear' })
  expect(sets.every(({ kind, key }) => kind === 'set' && key.startsWith('a/'))).toBe(true)
})

describe('watch({ signal })', () => {
  test('ends when the signal aborts, also with unread changes', async () => {
    const store = await openStore()
    const controller = new AbortController()
    const [waiting, unread] = [controller, controller].map(({ signal }) => store.watch({ signal }))
    const next = waiting?.next()
    controller.abort()
    expect(await next).toEqual(DONE)
    await store.set('a', 1)
    expect(await unread?.next()).toEqual(DONE)
  })

  test('that has aborted gives a watch that has ended', async () => {
    let watches = 0
    const store = await openStore((storage) => {
      storage.watch = () => {
        watches++
        return () => {}
      }
    })
    const changes = store.watch({ signal: AbortSignal.abort(), initial: true })
    expect(await changes.next()).toEqual(DONE)
    expect(watches).toBe(0)
  })

  test('has no listener once the watch has ended', async () => {
    const store = await openStore()
    const { signal } = new AbortController()
    const returned = store.watch({ signal })
    store.watch({ signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(2)
    await returned.return()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await store.close()
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})

describe('watch({ initial: true })', () => {
  test('begins with the keys that exist, without a clear, and goes on with the changes', async () => {
    const store = await openStore()
    await store.setMany({ a: 1, b: 1, other: 1 })
    await store.set('expired', 1, { expires: 0 })
    const changes = store.watch({ initial: true })
    expect(await take(changes, 3)).toEqual(['a', 'b', 'other'].map((key) => ({ kind: 'set', key })))
    await store.delete('a')
    expect(await take(changes, 1)).toEqual([{ kind: 'remove', key: 'a' }])
  })

  test('reports a change during the listing after it', async () => {
    const store = await openStore()
    await store.setMany({ 'a/1': 1, 'a/2': 1, b: 1 })
    const changes = store.watch({ initial: true, prefix: 'a/' })
    await take(changes, 1)
    await store.delete('a/1')
    await store.set('a/3', 1)
    const rest = await take(changes, 3)
    expect(rest[0]).toEqual({ kind: 'set', key: 'a/2' })
    expect(rest.slice(-2)).toEqual([
      { kind: 'remove', key: 'a/1' },
      { kind: 'set', key: 'a/3' },
    ])
  })

  test('waits for the first change of an empty namespace', async () => {
    const store = await openStore()
    const next = store.watch({ initial: true }).next()
    await store.set('a', 1)
    expect(await next).toEqual({ done: false, value: { kind: 'set', key: 'a' } })
  })

  test.each([{ lag: 0 }, { lag: 5 }])(
    'gives a reader that lags by $lag ms the right view, while others write',
    async ({ lag }) => {
      const store = await openStore()
      await store.setMany(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i])))
      const changes = store.watch({ initial: true, values: true })
      const view = new Map<string, unknown>()
      const reading = (async () => {
        for await (const { kind, key, value } of changes) {
          if (kind === 'set') view.set(key, value)
          else if (kind === 'remove') view.delete(key)
          else view.clear()
          if (lag > 0 && Math.random() < 0.1) await sleep(lag)
          if (key === 'end') return
        }
      })()
      for (let i = 0; i < 500; i++) {
        const key = `k${Math.floor(Math.random() * 100)}`
        if (i === 250) await store.clear()
        else if (Math.random() < 0.3) await store.delete(key)
        else await store.set(key, i)
        if (i % 20 === 0) await sleep(1)
      }
      await store.set('end', 1)
      await reading
      const expected = new Map<string, unknown>()
      for await (const [key, value] of store.entries()) expected.set(key, value)
      expect(view).toEqual(expected)
    },
  )
})

describe('watch({ values: true })', () => {
  test('adds a private copy of the value and its expiry', async () => {
    const store = await openStore()
    const changes = store.watch({ values: true })
    const expires = Date.now() + 60_000
    await store.set('a', [1])
    await store.set('b', 'x', { expires })
    const [first, second] = await take(changes, 2)
    expect(first).toStrictEqual({ kind: 'set', key: 'a', value: [1] })
    expect(second).toStrictEqual({ kind: 'set', key: 'b', value: 'x', expires })
    const list = first?.value as number[]
    list.push(2)
    expect(await store.get('a')).toEqual([1])
  })

  test('reads the value at the time of delivery, and reports remove if the key is gone', async () => {
    let stale: (() => void) | undefined
    const store = await openStore((storage) => {
      const watch = storage.watch?.bind(storage)
      storage.watch = (listener) => {
        stale = () => listener({ kind: 'set', key: 'gone' })
        return watch?.(listener) ?? (() => {})
      }
    })
    const changes = store.watch({ values: true })
    await store.set('a', 'old')
    await store.set('a', 'new')
    await store.set('expired', 1, { expires: 0 })
    stale?.()
    expect(await take(changes, 3)).toEqual([
      { kind: 'set', key: 'a', value: 'new' },
      { kind: 'remove', key: 'expired' },
      { kind: 'remove', key: 'gone' },
    ])
  })

  test('reads the values of 300 changes by at most three calls', async () => {
    const reads: number[] = []
    const store = await openStore((storage) => {
      const getMany = storage.getMany.bind(storage)
      storage.getMany = (keys) => {
        reads.push(keys.length)
        return getMany(keys)
      }
    })
    const changes = store.watch({ values: true })
    await store.setMany(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])))
    const taken = await take(changes, 300)
    expect(taken.map(({ value }) => value)).toEqual(Array.from({ length: 300 }, (_, i) => i))
    expect(reads).toEqual([100, 100, 100])
  })

  test('lists values for a reader that fell behind', async () => {
    const store = await openStore()
    const changes = store.watch({ values: true })
    for (let i = 0; i <= 1000; i++) await store.set(`k${i}`, i)
    await store.clear()
    await store.set('a', 1)
    expect(await take(changes, 2)).toEqual([{ kind: 'clear' }, { kind: 'set', key: 'a', value: 1 }])
  })

  test('rejects with the error of a failed read and ends', async () => {
    const store = await openStore((storage) => {
      storage.getMany = () => Promise.reject(new Error('no read'))
    })
    const changes = store.watch({ values: true })
    await store.setMany({ a: 1, b: 1 })
    await expect(changes.next()).rejects.toMatchObject({ code: 'BACKEND_ERROR', namespace: 'ns' })
    expect(await changes.next()).toEqual(DONE)
  })

  test('drops values that wait for the reader when a clear comes', async () => {
    const store = await openStore()
    const changes = store.watch({ values: true })
    await store.setMany({ a: 1, b: 1 })
    await take(changes, 1)
    await store.clear()
    expect(await take(changes, 1)).toEqual([{ kind: 'clear' }])
  })

  test.each([{ initial: true }, { initial: false }])(
    'ends without an error if the store closes during a read, with %j',
    async ({ initial }) => {
      const store = await openStore()
      if (initial) await store.set('a', 1)
      const changes = store.watch({ values: true, initial })
      await store.set('a', 1)
      const next = changes.next()
      // Let next() begin to read.
      await Promise.resolve()
      await store.close()
      expect(await next).toEqual(DONE)
    },
  )

  test('types each change by the shape of the store', async () => {
    const store = await new StorageRuntime(new MemoryStoragePlugin()).open<{ a: number }>('ns')
    const changes = store.watch({ values: true })
    await store.set('a', 1)
    const { value: change } = await changes.next()
    expectTypeOf(change).toEqualTypeOf<StoreValueChange<{ a: number }> | undefined>()
    if (change?.kind === 'set') expectTypeOf(change.value).toEqualTypeOf<number>()
  })
})

describe('a watch whose storage fails', () => {
  test('to stop ends all the same, and its store closes', async () => {
    const closed: string[] = []
    const store = await openStore((storage) => {
      storage.watch = () => () => {
        throw new Error('no stop')
      }
      storage.close = async () => void closed.push('storage')
    })
    const [returned, waiting] = [store.watch(), store.watch()]
    expect(await returned.return()).toEqual(DONE)
    const next = waiting.next()
    await store.close()
    expect(await next).toEqual(DONE)
    expect(closed).toEqual(['storage'])
  })

  test('to start throws a StoreError', async () => {
    const store = await openStore((storage) => {
      storage.watch = () => {
        throw new Error('no watch')
      }
    })
    const { signal } = new AbortController()
    expect(() => store.watch({ signal })).toThrow(
      expect.objectContaining({ code: 'BACKEND_ERROR', namespace: 'ns' }),
    )
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})
