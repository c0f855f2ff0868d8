import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  BatchStorageBase,
  type CommitResult,
  type StorageBase,
  StorageRuntime,
  type Store,
  StoreError,
  type StoreErrorCode,
  type WriteOutcome,
} from '../../src/index.ts'
import { MinimalStoragePlugin } from '../support/minimal-plugin.ts'
import { errorOf } from '../support/promises.ts'

const KEYS = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8']

/** A plugin with six methods whose storages are changed by `breakStorage`. */
class BrokenPlugin extends MinimalStoragePlugin {
  breakStorage: (storage: StorageBase) => void = () => {}

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    this.breakStorage(storage)
    return storage
  }
}

/** Makes the n-th call of `remove` fail. */
function failRemove(n: number, error: Error): (storage: StorageBase) => void {
  return (storage) => {
    const remove = storage.remove.bind(storage)
    let calls = 0
    storage.remove = (key) => (++calls === n ? Promise.reject(error) : remove(key))
  }
}

/** Opens a store with eight keys, whose storage then fails. */
async function openStore(plugin: BrokenPlugin, fail: (storage: StorageBase) => void) {
  const filled = await new StorageRuntime(plugin).open('n')
  for (const key of KEYS) await filled.set(key, 1)
  plugin.breakStorage = fail
  const runtime = new StorageRuntime(plugin)
  return { runtime, filled, store: await runtime.open('n') }
}

async function* listMany(count: number, error?: Error): AsyncGenerator<string> {
  for (let i = 1000; i < 1000 + count; i++) yield `a${i}`
  if (error !== undefined) throw error
}

async function dropError(fail: (storage: StorageBase) => void): Promise<StoreError> {
  const { runtime, store } = await openStore(new BrokenPlugin({}), fail)
  await store.close().catch(() => {})
  return errorOf(runtime.drop('n'))
}

/** Opens a storage with eight keys, whose commit of removals returns what `reply` does. */
async function openBatchStorage(
  reply: (keys: string[]) => Promise<CommitResult[]>,
): Promise<StorageBase> {
  const storage = await new MemoryStoragePlugin().open('n')
  for (const key of KEYS) await storage.set(key, { value: 1, version: key })
  storage.commit = (groups) => reply(groups.flat().map(({ key }) => key))
  storage.clearPrefix = (prefix) => BatchStorageBase.prototype.clearPrefix.call(storage, prefix)
  return storage
}

const CLEARS: [string, (store: Store) => Promise<void>][] = [
  ['clear()', (store) => store.clear()],
  ['clear() with a prefix', (store) => store.clear({ prefix: 'a' })],
]

describe.each(CLEARS)('%s of the default methods', (_, clear) => {
  test.each<[StoreErrorCode, boolean]>([
    ['RATE_LIMITED', true],
    ['QUOTA_EXCEEDED', false],
    ['CONNECTION_LOST', true],
  ])('that fails midway with %s says how many entries it removed', async (code, retryable) => {
    const cause = new Error('of the platform')
    const failure = new StoreError(code, 'no', { outcome: 'not-applied', cause })
    const { store, filled } = await openStore(new BrokenPlugin({}), failRemove(4, failure))
    const error = await errorOf(clear(store))
    expect(error).toMatchObject({ code, outcome: 'unknown', retryable, namespace: 'n' })
    expect(error.message).toBe('3 of 8 entries were removed, then: no (in "n")')
    expect(error.cause).toBe(cause)
    expect(await filled.size()).toBe(5)
  })

  test('that fails at the first key has the outcome of that removal', async () => {
    for (const outcome of ['not-applied', 'unknown'] as const) {
      const failure = new StoreError('CONNECTION_LOST', 'no', { outcome })
      const { store } = await openStore(new BrokenPlugin({}), failRemove(1, failure))
      const error = await errorOf(clear(store))
      expect(error).toMatchObject({ outcome })
      expect(error.message).toBe('no (in "n")')
    }
  })

  test('that cannot list the keys removes nothing', async () => {
    const { store, filled } = await openStore(new BrokenPlugin({}), (storage) => {
      storage.keys = () => listMany(1, new Error('no list'))
    })
    expect(await errorOf(clear(store))).toMatchObject({
      code: 'BACKEND_ERROR',
      outcome: 'not-applied',
    })
    expect(await filled.size()).toBe(8)
  })
})

describe('the default drop()', () => {
  const failure = new StoreError('RATE_LIMITED', 'no')

  test('that fails midway says how many entries it removed, also if close() fails then', async () => {
    const error = await dropError((storage) => {
      failRemove(4, failure)(storage)
      storage.close = () => Promise.reject(new Error('not closed'))
    })
    expect(error).toMatchObject({ code: 'RATE_LIMITED', outcome: 'unknown' })
    expect(error.message).toContain('3 of 8 entries were removed, then: no')
  })

  test('that fails to close has removed the entries', async () => {
    const error = await dropError((storage) => {
      storage.close = () => Promise.reject(failure)
    })
    expect(error).toMatchObject({ code: 'RATE_LIMITED', outcome: 'unknown', retryable: true })
    expect(error.message).toBe('The entries were removed, then: no (in "n")')
  })

  test('that cannot open the namespace removes nothing', async () => {
    const plugin = new BrokenPlugin({})
    plugin.breakStorage = () => {
      throw new Error('not open')
    }
    const error = await errorOf(new StorageRuntime(plugin).drop('n'))
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'not-applied' })
  })
})

describe('clearPrefix() of BatchStorageBase', () => {
  test('counts the groups that were applied', async () => {
    const failed: CommitResult = new StoreError('QUOTA_EXCEEDED', 'full', { key: 'a3' })
    const storage = await openBatchStorage(async (keys) =>
      keys.map((key) => (key === 'a3' || key === 'a5' ? failed : 'applied')),
    )
    const error = await errorOf(storage.clearPrefix('a'))
    expect(error).toMatchObject({ code: 'QUOTA_EXCEEDED', outcome: 'unknown', key: 'a3' })
    expect(error.message).toBe('6 of 8 entries were removed, then: full')
  })

  test('reports a group of unknown outcome before one that was not applied', async () => {
    const results: CommitResult[] = [
      new StoreError('RATE_LIMITED', 'slow'),
      new StoreError('CONNECTION_LOST', 'lost'),
    ]
    const storage = await openBatchStorage(async () => results)
    const error = await errorOf(storage.clearPrefix('a'))
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
  })

  test.each<WriteOutcome>(['not-applied', 'unknown'])(
    'rejects with the outcome %s of its first commit',
    async (outcome) => {
      const storage = await openBatchStorage(() =>
        Promise.reject(new StoreError('CONNECTION_LOST', 'lost', { outcome })),
      )
      expect(await errorOf(storage.clearPrefix('a'))).toMatchObject({ outcome, message: 'lost' })
    },
  )

  test('counts the removals of earlier commits', async () => {
    const storage = await openBatchStorage(async (keys) => {
      if (keys.includes('a2000')) throw new StoreError('RATE_LIMITED', 'slow')
      return keys.map(() => 'applied')
    })
    storage.keys = () => listMany(1002)
    const error = await errorOf(storage.clearPrefix('a'))
    expect(error).toMatchObject({ code: 'RATE_LIMITED', outcome: 'unknown', retryable: true })
    expect(error.message).toBe('1000 of 1002 entries were removed, then: slow')
  })
})

describe('deleteMany() where nothing is atomic', () => {
  test('says how many keys it removed before one failed', async () => {
    const failure = new StoreError('RATE_LIMITED', 'no')
    const { store, filled } = await openStore(new BrokenPlugin({}), failRemove(4, failure))
    const error = await errorOf(store.deleteMany(KEYS))
    expect(error).toMatchObject({
      code: 'RATE_LIMITED',
      outcome: 'unknown',
      retryable: true,
      namespace: 'n',
      key: 'a4',
    })
    expect(error.message).toBe('3 of 8 changes were written, then: no (in "n", key "a4")')
    expect(await filled.size()).toBe(5)
  })

  test('removes nothing if all keys fail, and says so', async () => {
    const { store } = await openStore(new BrokenPlugin({}), (storage) => {
      storage.remove = () => Promise.reject(new StoreError('RATE_LIMITED', 'no'))
    })
    const error = await errorOf(store.deleteMany(KEYS))
    expect(error).toMatchObject({ code: 'RATE_LIMITED', outcome: 'not-applied' })
    expect(error.message).toBe('no (in "n", key "a1")')
  })
})

test('setMany() that writes key by key has the outcome of its first write if that fails', async () => {
  const plugin = new BrokenPlugin({})
  plugin.breakStorage = (storage) => {
    storage.set = () => Promise.reject(new StoreError('RATE_LIMITED', 'no'))
  }
  const store = await new StorageRuntime(plugin, { allowLostUpdates: true }).open('n')
  const error = await errorOf(store.setMany({ a: 1, b: 2 }))
  expect(error).toMatchObject({ code: 'RATE_LIMITED', outcome: 'not-applied', key: 'a' })
})
