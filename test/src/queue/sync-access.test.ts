import { describe, expect, test } from 'vitest'
import {
  type Entry,
  StorageRuntime,
  type Store,
  StoreError,
  SyncAccess,
} from '../../../src/index.ts'
import { errorOf } from '../../support/promises.ts'
import { plusOne } from './hooked-plugin.ts'
import { microtasks } from './model-store.ts'
import { SyncPlugin } from './sync-plugin.ts'

async function open(
  plugin: SyncPlugin = new SyncPlugin(),
): Promise<{ plugin: SyncPlugin; store: Store<Record<string, number>> }> {
  return { plugin, store: await new StorageRuntime(plugin).open('n') }
}

describe('with a synchronous storage', () => {
  test('a read, a write and an update run before the call returns, without the queue', async () => {
    const { plugin, store } = await open()
    void store.set('k', 1)
    const updated = store.update('k', plusOne)
    const read = store.get('k')
    const removed = store.delete('k')
    expect(plugin.takeCalls()).toEqual(['commit', 'get', 'commit', 'get', 'commit'])
    expect(await updated).toBe(2)
    expect(await read).toBe(2)
    await removed
    expect(await store.get('k')).toBeUndefined()
  })

  test('a transaction checks the keys that it only read', async () => {
    const { plugin, store } = await open()
    const other = (await open(plugin)).store
    await store.setMany({ a: 1, b: 1 })
    let runs = 0
    await store.transaction(['a', 'b'], (tx) => {
      if (++runs === 1) void other.set('b', 5)
      tx.set('a', (tx.get('b') ?? 0) + 1)
    })
    expect(await store.get('a')).toBe(6)
    expect(runs).toBe(2)
  })

  test('a write by another runtime within an updater is not lost', async () => {
    const { plugin, store } = await open()
    const other = (await open(plugin)).store
    await store.update('k', (n) => {
      if (n === undefined) void other.set('k', 10)
      return plusOne(n)
    })
    expect(await store.get('k')).toBe(11)
  })

  test('calls run after what was queued before them', async () => {
    const { plugin, store } = await open()
    await store.set('old', 1)
    const cleared = store.clear()
    void store.set('new', 1)
    const read = store.get('old')
    await cleared
    expect(await read).toBeUndefined()
    expect([...plugin.data.map.keys()]).toEqual(['new'])
    plugin.takeCalls()
    await microtasks()
    await store.get('new')
    expect(plugin.takeCalls()).toEqual(['get'])
  })

  test('calls within an updater run after it', async () => {
    const { store } = await open()
    let read: Promise<number | undefined> | undefined
    await store.update('k', (n) => {
      void store.set('other', 1)
      read = store.get('other')
      return plusOne(n)
    })
    expect(await read).toBe(1)
    expect(await store.get('k')).toBe(1)
  })

  test('calls of one tick keep their order also if batches do not span ticks', async () => {
    const { plugin, store } = await open(new SyncPlugin(false))
    await store.set('old', 1)
    const cleared = store.clear()
    void store.set('new', 1)
    await cleared
    await microtasks()
    expect([...plugin.data.map.keys()]).toEqual(['new'])
  })

  test('close() within an updater waits for it', async () => {
    const { plugin, store } = await open()
    let closing: Promise<void> | undefined
    const updating = store.update('k', async (n) => {
      closing = store.close()
      await new Promise((resolve) => setTimeout(resolve, 5))
      return plusOne(n)
    })
    expect(await updating).toBe(1)
    await closing
    expect(plugin.data.map.size).toBe(1)
  })

  test('a method that something has replaced is not bypassed', async () => {
    const plugin = new SyncPlugin()
    const storage = await plugin.open()
    const commit = storage.commit.bind(storage)
    const groups: number[] = []
    storage.commit = (changes) => {
      groups.push(changes.length)
      return commit(changes)
    }
    plugin.open = async () => storage
    const { store } = await open(plugin)
    await Promise.all([store.set('a', 1), store.set('b', 2), store.update('c', plusOne)])
    expect(groups).toEqual([3])
  })

  test('onOperation receives every call', async () => {
    const kinds: string[] = []
    const onOperation = ({ kind }: { readonly kind: string }): void => void kinds.push(kind)
    const plugin = new SyncPlugin()
    const store = await new StorageRuntime(plugin, { onOperation }).open('n')
    await store.set('k', 1)
    await store.get('k')
    await microtasks()
    expect(kinds).toEqual(['open', 'commit', 'getMany'])
  })
})

describe('with a synchronous storage, an updater that returns a promise', () => {
  test('keeps its place before later calls of the tick if it takes a few microtasks', async () => {
    const { store } = await open()
    await store.set('k', 1)
    const results = await Promise.all([
      store.update('k', async (n) => plusOne(n)),
      store.get('k'),
      store.update('k', plusOne),
      store.get('k'),
    ])
    expect(results).toEqual([2, 2, 3, 3])
  })

  test('runs once while its key does not change, and again after a change', async () => {
    const { plugin, store } = await open()
    const other = (await open(plugin)).store
    let runs = 0
    const addSlowly = async (n?: number): Promise<number> => {
      runs++
      await new Promise((resolve) => setTimeout(resolve, 5))
      return plusOne(n)
    }
    await store.update('k', addSlowly)
    expect(runs).toBe(1)
    await microtasks()
    const updating = store.update('k', addSlowly)
    await other.set('k', 10)
    expect(await updating).toBe(11)
    expect(runs).toBe(3)
  })

  test('rejects with what the updater rejects with, and writes nothing', async () => {
    const { plugin, store } = await open()
    const failure = new Error('no')
    const updating = store.update('k', async () => Promise.reject(failure))
    expect(await errorOf(updating)).toBe(failure)
    expect(plugin.data.map.size).toBe(0)
  })
})

test('a rejection of an updater that waits for a turn is handled', async () => {
  const { plugin, store } = await open()
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', listener)
  try {
    const failing = errorOf(store.update('k', async () => Promise.reject(new RangeError('no'))))
    // Another runtime takes its turn before the batch begins.
    const turn = await plugin.data.turns.request(['k'], 1000)
    await new Promise((resolve) => setTimeout(resolve, 5))
    turn.release()
    expect(await failing).toBeInstanceOf(RangeError)
  } finally {
    process.off('unhandledRejection', listener)
  }
  expect(unhandled).toEqual([])
})

describe('with a synchronous storage that fails', () => {
  test('an updater that throws rejects its call alone', async () => {
    const { store } = await open()
    const failing = store.update('k', () => {
      throw new RangeError('no')
    })
    const setting = store.set('k', 1)
    expect(await errorOf(failing)).toBeInstanceOf(RangeError)
    await setting
    expect(await store.get('k')).toBe(1)
  })

  test('a read is repeated by the queue, if its error may pass', async () => {
    const { plugin, store } = await open()
    await store.set('k', 1)
    let failures = 2
    plugin.data.fail = () => {
      if (failures-- > 0) throw new StoreError('CONNECTION_LOST', 'gone')
    }
    expect(await store.get('k')).toBe(1)
    expect(await store.update('k', plusOne)).toBe(2)
  })

  test('an error names the namespace and the key, and later calls run', async () => {
    const { plugin, store } = await open()
    plugin.data.fail = () => {
      throw new StoreError('QUOTA_EXCEEDED', 'full', { outcome: 'not-applied' })
    }
    const expected = { code: 'QUOTA_EXCEEDED', namespace: 'n', key: 'k', outcome: 'not-applied' }
    expect(await errorOf(store.set('k', 1))).toMatchObject(expected)
    expect(await errorOf(store.get('k'))).toMatchObject(expected)
    expect(await errorOf(store.update('k', plusOne))).toMatchObject(expected)
    plugin.data.fail = () => {}
    expect(await store.update('k', plusOne)).toBe(1)
  })

  test('an entry of a wrong type is CORRUPT', async () => {
    const { plugin, store } = await open()
    plugin.data.map.set('k', { value: 1 } as Entry)
    expect(await errorOf(store.get('k'))).toMatchObject({ code: 'CORRUPT', key: 'k' })
    expect(await errorOf(store.update('k', plusOne))).toMatchObject({ code: 'CORRUPT' })
  })
})

test('a write waits for the turn that another client has', async () => {
  const { plugin, store } = await open()
  const turn = await plugin.data.turns.request(['k'], 1000)
  const setting = store.set('k', 1)
  await microtasks()
  expect(plugin.data.map.size).toBe(0)
  turn.release()
  await setting
  expect(plugin.data.map.size).toBe(1)
})

test.each([null, 5, Promise.resolve()])('get() that returns %s is CORRUPT', (wrong) => {
  const sync = new SyncAccess({ get: () => wrong as never, commit: () => 'applied' })
  expect(() => sync.get('k')).toThrow(expect.objectContaining({ code: 'CORRUPT', key: 'k' }))
})

describe('joinWrites', () => {
  test('stores the first and the last of several writes of a key in one tick', async () => {
    const plugin = new SyncPlugin()
    plugin.data.joinWrites = true
    const { store } = await open(plugin)
    let runs = 0
    const updates = Array.from({ length: 10 }, () =>
      store.update('k', (n) => {
        runs++
        return plusOne(n)
      }),
    )
    const read = store.get('k')
    expect(await Promise.all(updates)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(await read).toBe(10)
    expect(runs).toBe(10)
    expect(plugin.takeCalls()).toEqual(['get', 'commit', 'getMany', 'commit groups'])
  })

  test('stores each write of a later tick at once', async () => {
    const plugin = new SyncPlugin()
    plugin.data.joinWrites = true
    const { store } = await open(plugin)
    for (let i = 0; i < 3; i++) await store.update('k', plusOne)
    expect(plugin.takeCalls()).toEqual(['get', 'commit', 'get', 'commit', 'get', 'commit'])
  })
})
