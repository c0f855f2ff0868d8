import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import {
  type Change,
  type Entry,
  type Outcome,
  type StorageBase,
  StorageRuntime,
  type Store,
  StoreError,
  type Traits,
} from '../../../src/index.ts'

/** Memory with a fault at one place, and with traits of another backend. */
class FaultyPlugin extends MemoryStoragePlugin {
  commits = 0
  reads = 0
  traits: Partial<Traits> = {}
  onCommit: (
    apply: () => Promise<readonly Outcome[]>,
    groups: readonly (readonly Change[])[],
  ) => Promise<readonly Outcome[]> = (apply) => apply()
  onRead: (read: () => Promise<Map<string, Entry>>) => Promise<Map<string, Entry>> = (read) =>
    read()

  onList: () => void = () => {}

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const commit = storage.commit.bind(storage)
    const liveKeys = storage.liveKeys.bind(storage)
    storage.liveKeys = (now, options) => {
      this.onList()
      return liveKeys(now, options)
    }
    const getMany = storage.getMany.bind(storage)
    storage.commit = (groups) => {
      this.commits++
      return this.onCommit(() => commit(groups), groups)
    }
    storage.getMany = (keys) => {
      this.reads++
      return this.onRead(() => getMany(keys))
    }
    // Without it every step is a read and a conditional commit, as over a network.
    Object.defineProperty(storage, 'transact', { value: undefined })
    Object.defineProperty(storage, 'traits', { value: { ...storage.traits, ...this.traits } })
    return storage
  }
}

async function open(plugin: FaultyPlugin): Promise<Store<Record<string, number>>> {
  return new StorageRuntime(plugin).open('n')
}

const lost = (): StoreError => new StoreError('CONNECTION_LOST', 'gone', { outcome: 'unknown' })
const never = (): Promise<never> => new Promise(() => {})
const spoil = (value: { n: number } | undefined): undefined => {
  if (value !== undefined) value.n = 99
  throw new Error('no')
}
const plusOne = (n = 0): number => n + 1

async function caught(promise: Promise<unknown>): Promise<StoreError> {
  return promise.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as StoreError,
  )
}

describe('a write whose answer was lost', () => {
  test('is applied if its own version is there: it resolves, and nothing is written again', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    plugin.onCommit = async (apply) => {
      await apply()
      throw lost()
    }
    await store.set('k', 1)
    expect(await store.update('k', plusOne)).toBe(2)
    expect(plugin.commits).toBe(2)
    expect(await store.get('k')).toBe(2)
  })

  test('is applied now if what it expected is still there', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    await store.set('k', 1)
    let runs = 0
    plugin.onCommit = (apply) => (plugin.commits === 2 ? Promise.reject(lost()) : apply())
    expect(await store.update('k', (n) => (runs++, plusOne(n)))).toBe(2)
    expect(runs).toBe(1)
    expect(plugin.commits).toBe(3)
  })

  test('stays unknown if something else is there: it rejects, and the function does not run again', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    const other = await open(plugin)
    await store.set('k', 1)
    let runs = 0
    plugin.onCommit = async (apply, groups) => {
      if (groups[0]?.[0]?.ifVersion === undefined) return apply()
      await apply()
      await other.set('k', 100)
      throw lost()
    }
    const error = await caught(store.update('k', (n) => (runs++, plusOne(n))))
    expect(error).toMatchObject({
      code: 'CONNECTION_LOST',
      outcome: 'unknown',
      namespace: 'n',
      key: 'k',
    })
    expect(runs).toBe(1)
    expect(await store.get('k')).toBe(100)
  })

  test('a blind set that did not arrive stays unknown, since what was there before is not known', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    await store.set('k', 1)
    plugin.onCommit = () => Promise.reject(lost())
    expect(await caught(store.set('k', 2))).toMatchObject({ outcome: 'unknown', retryable: true })
    expect(plugin.commits).toBe(2)
  })

  test('a second loss on the way of being applied now stays unknown', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    await store.set('k', 1)
    plugin.onCommit = () => Promise.reject(lost())
    expect(await caught(store.update('k', plusOne))).toMatchObject({ outcome: 'unknown' })
    expect(plugin.commits).toBe(3)
  })

  test('on a key that was not there stays unknown: it may have come and gone in between', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    const other = await open(plugin)
    const jobs: unknown[] = []
    plugin.onCommit = async (apply, groups) => {
      const outcomes = await apply()
      if (groups[0]?.[0]?.ifVersion !== null) return outcomes
      jobs.push(await other.pop('job'))
      throw lost()
    }
    expect(await caught(store.getOrInsert('job', 1))).toMatchObject({ outcome: 'unknown' })
    expect(jobs).toEqual([1])
    expect(await store.has('job')).toBe(false)
  })

  test('that the backend says was not applied rejects at once, and is not looked up', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    plugin.onCommit = async () => [new StoreError('QUOTA_EXCEEDED', 'full')]
    expect(await caught(store.set('k', 1))).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      outcome: 'not-applied',
      namespace: 'n',
      key: 'k',
    })
    expect(plugin.reads).toBe(0)
  })

  test('an overloaded backend is left alone', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    plugin.onCommit = () =>
      Promise.reject(new StoreError('OVERLOADED', 'busy', { outcome: 'unknown' }))
    expect(await caught(store.set('k', 1))).toMatchObject({
      code: 'OVERLOADED',
      outcome: 'unknown',
      retryable: false,
    })
    expect(plugin.reads).toBe(0)
  })

  test('a remove is applied if the key is gone', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    await store.set('k', 1)
    plugin.onCommit = async (apply) => {
      await apply()
      throw lost()
    }
    await store.delete('k')
    expect(await store.has('k')).toBe(false)
  })

  test('a remove stays unknown where a read may be older than the write, though the key is gone', async () => {
    const plugin = new FaultyPlugin()
    plugin.traits = { consistency: 'eventual' }
    const store = await open(plugin)
    plugin.onCommit = () => Promise.reject(lost())
    expect(await caught(store.delete('k'))).toMatchObject({ outcome: 'unknown' })
  })

  test('a group stays unknown where groups are not whole, though its first change is there', async () => {
    const plugin = new FaultyPlugin()
    plugin.traits = { atomic: 'none' }
    const store = await new StorageRuntime(plugin, { allowLostUpdates: true }).open('n')
    const found = new Map<string, Entry>()
    plugin.onCommit = async (_, groups) => {
      const first = groups[0]?.[0]
      if (first !== undefined && 'entry' in first) found.set(first.key, first.entry)
      throw lost()
    }
    plugin.onRead = async () => found
    expect(await caught(store.setMany({ a: 1, b: 1 }))).toMatchObject({ outcome: 'unknown' })
  })

  test('a pop whose key is gone stays unknown, since another pop may have its value', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    await store.set('k', 1)
    plugin.onCommit = async (apply) => {
      await apply()
      throw lost()
    }
    expect(await caught(store.pop('k'))).toMatchObject({ outcome: 'unknown' })
  })
})

describe('a storage that throws nonsense', () => {
  test.each([[new Error('nonsense')], ['text'], [undefined], [{ code: 'E' }]])(
    '%s becomes a BACKEND_ERROR with its cause',
    async (nonsense) => {
      const plugin = new FaultyPlugin()
      const store = await open(plugin)
      plugin.onRead = () => Promise.reject(nonsense)
      const error = await caught(store.get('k'))
      expect(error).toMatchObject({
        name: 'StoreError',
        code: 'BACKEND_ERROR',
        namespace: 'n',
        key: 'k',
        outcome: 'not-applied',
      })
      expect(error.cause).toBe(nonsense)
      plugin.onCommit = () => Promise.reject(nonsense)
      const write = await caught(store.set('k', 1))
      expect(write).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'unknown' })
      expect(write.cause).toBe(nonsense)
    },
  )

  test('a commit without an outcome is a BACKEND_ERROR, not a success', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    plugin.onCommit = async () => []
    expect(await caught(store.set('k', 1))).toMatchObject({
      code: 'BACKEND_ERROR',
      outcome: 'unknown',
    })
  })
})

describe('reads', () => {
  test('are made again while the error says that it may help, three times at most', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    await store.set('k', 1)
    plugin.onRead = (read) =>
      plugin.reads < 3 ? Promise.reject(new StoreError('CONNECTION_LOST', 'gone')) : read()
    expect(await store.get('k')).toBe(1)
    plugin.reads = 0
    plugin.onRead = () => Promise.reject(new StoreError('CONNECTION_LOST', 'gone'))
    expect(await caught(store.get('k'))).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(plugin.reads).toBe(3)
  })

  test('of a listing are made again until its first entry', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    await store.set('k', 1)
    let tries = 0
    plugin.onList = () => {
      if (++tries < 3) throw new StoreError('CONNECTION_LOST', 'gone')
    }
    const keys: string[] = []
    for await (const key of store.keys()) keys.push(key)
    expect(keys).toEqual(['k'])
  })

  test('of a listing that fails say why, whatever its end says, and its end is left alone', async () => {
    class BrokenPlugin extends MemoryStoragePlugin {
      override async open(namespace: string): Promise<StorageBase> {
        const storage = await super.open(namespace)
        let count = 0
        const iterator: AsyncIterableIterator<string> = {
          next: () =>
            count++ === 0
              ? Promise.resolve({ done: false, value: 'k' })
              : Promise.reject(new Error('the true cause')),
          return: () => Promise.reject(new Error('cleanup failed')),
          [Symbol.asyncIterator]: () => iterator,
        }
        storage.liveKeys = () => iterator
        return storage
      }
    }
    const store = await new StorageRuntime(new BrokenPlugin()).open('n')
    const listing = store.keys()
    await listing.next()
    const error = await caught(listing.next())
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'not-applied' })
    expect(error.message).toContain('the true cause')
  })

  test('are not made again where the backend has waited as long as it was to', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    plugin.onRead = () => Promise.reject(new StoreError('BLOCKED', 'another tab'))
    expect(await caught(store.get('k'))).toMatchObject({ code: 'BLOCKED', retryable: true })
    expect(plugin.reads).toBe(1)
  })

  test('are not made again after a failure that stays', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    plugin.onRead = () => Promise.reject(new StoreError('CORRUPT', 'damaged'))
    expect(await caught(store.get('k'))).toMatchObject({ code: 'CORRUPT' })
    expect(plugin.reads).toBe(1)
  })
})

describe('contention', () => {
  test('a step that never wins is a CONFLICT after 100 tries, retryable and not applied', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    plugin.onCommit = async () => ['conflict']
    expect(await caught(store.update('k', plusOne))).toMatchObject({
      code: 'CONFLICT',
      outcome: 'not-applied',
      retryable: true,
    })
    expect(plugin.commits).toBe(100)
  })

  test('fails the step that never wins, and not the set and the get that it shares a key with', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    plugin.onCommit = async (apply, groups) =>
      groups.flat().some(({ ifVersion }) => ifVersion !== undefined) ? ['conflict'] : apply()
    const [update, , get] = await Promise.allSettled([
      store.update('k', plusOne),
      store.set('k', 10),
      store.get('k'),
    ])
    expect(update).toMatchObject({ status: 'rejected', reason: { code: 'CONFLICT' } })
    expect(get).toEqual({ status: 'fulfilled', value: 10 })
    expect(await store.get('k')).toBe(10)
  })

  test('a function that waits does not hold up other writers of its key', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    let runs = 0
    const { promise: gate, resolve: go } = Promise.withResolvers<void>()
    const slow = store.update('k', async (n) => {
      runs++
      await gate
      return plusOne(n)
    })
    await store.set('k', 10)
    expect(await store.update('k', plusOne)).toBe(11)
    go()
    expect(await slow).toBe(12)
    expect(runs).toBe(2)
  })
})

describe('operations of one tick', () => {
  test('that remove several keys are not taken for made because one of them is gone', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    await store.set('b', 7)
    let lose = true
    plugin.onCommit = async (apply) => {
      if (lose) {
        lose = false
        throw lost()
      }
      return apply()
    }
    const errors = await Promise.all([
      caught(store.setMany({ a: 1, b: 2 })),
      caught(store.delete('a')),
      caught(store.delete('b')),
    ])
    expect(errors.map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown', 'unknown'])
    lose = true
    const popped = store.pop('b')
    const also = [store.setMany({ a: 1, b: 2 }), store.delete('a'), store.delete('b')]
    await Promise.allSettled([popped, ...also])
    const there = await store.get('b')
    expect([await popped.catch(() => 'not popped'), there]).not.toEqual([7, 7])
  })
  test('run a function that takes its time once at a time, though the others lost', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    let running = 0
    let most = 0
    const slow = async (n = 0): Promise<number> => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 20))
      running--
      return n + 1
    }
    let conflicts = 3
    plugin.onCommit = async (apply, groups) =>
      conflicts-- > 0 ? groups.map(() => 'conflict' as const) : apply()
    await Promise.all([store.update('k', plusOne), store.update('k', slow)])
    expect([await store.get('k'), most]).toEqual([2, 1])
  })
  test('a function that changes what it is given in place does not change what is stored', async () => {
    const store = await new StorageRuntime(new MemoryStoragePlugin()).open<{ k: { n: number } }>(
      'n',
    )
    const done = await Promise.allSettled([
      store.update('k', () => ({ n: 1 })),
      store.update('k', async (value) => ({ n: (value?.n ?? 0) + 1 })),
      store.update('k', spoil),
      store.get('k'),
      store.update('k', spoil),
    ])
    expect(done.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
    ])
    expect(done[3]).toEqual({ status: 'fulfilled', value: { n: 2 } })
    expect(await store.get('k')).toEqual({ n: 2 })
    await Promise.allSettled([
      store.update('k', () => ({ n: 3 })),
      store.update('k', async () => {
        throw new Error('no')
      }),
      store.update('k', spoil),
    ])
    expect(await store.get('k')).toEqual({ n: 3 })
  })
})

describe('a hundred thousand operations of one tick', () => {
  const count = 150_000

  test('on one key are made one by one where they were refused together', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    plugin.onCommit = (apply) =>
      plugin.commits === 1 ? Promise.reject(new StoreError('TOO_LARGE', 'no room')) : apply()
    const sets = Array.from({ length: count }, (_, i) => store.set('k', i))
    await Promise.all(sets)
    expect(await store.get('k')).toBe(count - 1)
  })

  test('that share a key with each other are one commit, in their order', async () => {
    const plugin = new FaultyPlugin()
    const store = await open(plugin)
    const sets = Array.from({ length: count / 3 }, (_, i) => store.set(`k${i}`, 0))
    const pairs = Array.from({ length: count / 3 }, (_, i) =>
      store.setMany({ hub: i, [`k${i}`]: i }),
    )
    await Promise.all([...sets, ...pairs])
    expect(plugin.commits).toBe(1)
    expect(await store.get('hub')).toBe(count / 3 - 1)
    expect(await store.get('k7')).toBe(7)
  })
})

describe('a function that fails before its transaction is done', () => {
  test('rejects its update, and nothing is left unhandled', async () => {
    class SlowPlugin extends MemoryStoragePlugin {
      override async open(namespace: string): Promise<StorageBase> {
        const storage = await super.open(namespace)
        const transact = storage.transact?.bind(storage)
        storage.transact = async (keys, apply) => {
          // The backend starts over, and takes its time.
          apply(new Map())
          const outcomes = await transact?.(keys, apply)
          await new Promise((resolve) => setTimeout(resolve, 10))
          return outcomes ?? []
        }
        return storage
      }
    }
    const store = await new StorageRuntime(new SlowPlugin()).open('n')
    const own = new Error('mine')
    await expect(store.update('k', () => Promise.reject(own))).rejects.toBe(own)
  })
})

describe('requests that share a runtime (gather: false)', () => {
  test('a call never waits for one of an earlier tick, which may belong to a request that ended', async () => {
    const plugin = new FaultyPlugin()
    plugin.traits = { batchAcrossTicks: false }
    const store = await open(plugin)
    plugin.onCommit = never
    void store.set('k', 1)
    void store.update('k', plusOne)
    void store.clear()
    await Promise.resolve()
    plugin.onCommit = (apply) => apply()
    await store.set('k', 2)
    expect(await store.update('k', plusOne)).toBe(3)
    expect(await store.get('k')).toBe(3)
    expect(await store.size()).toBe(1)
  })

  test('a lone call goes out with the microtasks of its tick', async () => {
    const plugin = new FaultyPlugin()
    plugin.traits = { batchAcrossTicks: false }
    const store = await open(plugin)
    void store.set('k', 1)
    await Promise.resolve()
    expect(plugin.commits).toBe(1)
    void store.get('other')
    await Promise.resolve()
    expect(plugin.reads).toBe(1)
    await store.close()
  })
})
