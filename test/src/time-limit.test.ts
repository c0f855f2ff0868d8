import { afterEach, describe, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type OperationRecord,
  type StorageBase,
  StorageRuntime,
  StoreError,
} from '../../src/index.ts'
import { errorOf, never } from '../support/promises.ts'

const LIMIT_MS = 40
/** How long a call of a backend that never answers may take, on a busy machine. */
const PATIENCE_MS = 5000

type Method = Exclude<keyof StorageBase, 'traits' | 'turns' | 'get' | 'set' | 'remove' | 'len'>

/** Memory in which a test can silence methods, as a backend that never answers. */
class SilentPlugin extends MemoryStoragePlugin {
  silent: Method | 'open' | 'drop' | 'namespaces' | 'none' = 'none'
  readonly closed: string[] = []
  timeouts = 0
  onCall: (name: string) => void = () => {}
  /** Lets the silent calls go on. */
  speak: () => void = () => {}
  readonly #spoken = new Promise<void>((resolve) => (this.speak = resolve))

  override async open(namespace: string): Promise<StorageBase> {
    if (this.silent === 'open') await this.#spoken
    const storage = await super.open(namespace)
    const methods = storage as unknown as Record<string, (...args: unknown[]) => unknown>
    for (const name of ['getMany', 'commit', 'transact', 'liveLen', 'clear', 'clearPrefix']) {
      const call = methods[name]?.bind(storage)
      methods[name] = async (...args) => {
        this.onCall(name)
        if (this.silent === name) await this.#spoken
        return call?.(...args)
      }
    }
    for (const name of ['entries', 'liveKeys']) {
      const list = methods[name]?.bind(storage)
      methods[name] = (...args) => {
        this.onCall(name)
        return this.silent === name ? silentListing() : list?.(...args)
      }
    }
    methods['close'] = async () => {
      this.onCall('close')
      if (this.silent === 'close') await never()
      this.closed.push(namespace)
    }
    return Object.assign(storage, { onTimeout: () => void this.timeouts++ })
  }

  override async drop(namespace: string): Promise<void> {
    if (this.silent === 'drop') await never()
    await super.drop(namespace)
  }

  override namespaces(): AsyncIterable<string> {
    return this.silent === 'namespaces' ? silentListing() : super.namespaces()
  }
}

function silentListing(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: never }) }
}

async function collect<T>(list: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of list) items.push(item)
  return items
}

function start(plugin: SilentPlugin, operationTimeout = LIMIT_MS): StorageRuntime {
  return new StorageRuntime(plugin, { operationTimeout })
}

/** Returns how long a write of so many keys takes to time out, in milliseconds of a fake clock. */
async function timeToTimeout(
  runtime: StorageRuntime,
  plugin: SilentPlugin,
  keys = 1,
): Promise<number> {
  const store = await runtime.open('n')
  plugin.silent = 'commit'
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const entries = Array.from({ length: keys }, (_, i): [string, number] => [`${i}`, i])
  const startedAt = performance.now()
  const call = store.setMany(entries).catch(() => performance.now() - startedAt)
  await vi.advanceTimersByTimeAsync(1_000_000)
  return Number(await call)
}

describe('a backend that never answers', { timeout: 2 * PATIENCE_MS }, () => {
  test.each([
    ['get', 'getMany', 'not-applied'],
    ['set', 'commit', 'unknown'],
    ['delete', 'commit', 'unknown'],
    ['update', 'transact', 'not-applied'],
    ['increment', 'transact', 'not-applied'],
    ['size', 'liveLen', 'not-applied'],
    ['clear', 'clear', 'unknown'],
    ['clear with a prefix', 'clearPrefix', 'unknown'],
    ['keys', 'liveKeys', 'not-applied'],
    ['entries', 'entries', 'not-applied'],
  ] as const)('%s() rejects with TIMEOUT, and later calls go on', async (call, silent, outcome) => {
    const plugin = new SilentPlugin()
    const runtime = start(plugin)
    const store = await runtime.open<Record<string, number>>('n')
    await store.set('k', 1)
    const calls: Record<string, () => Promise<unknown>> = {
      get: () => store.get('k'),
      set: () => store.set('k', 2),
      delete: () => store.delete('k'),
      update: () => store.update('k', (n = 0) => n + 1),
      increment: () => store.increment('k'),
      size: () => store.size(),
      clear: () => store.clear(),
      'clear with a prefix': () => store.clear({ prefix: 'k' }),
      keys: () => collect(store.keys()),
      entries: () => collect(store.entries()),
    }
    plugin.silent = silent
    const error = await errorOf(calls[call]?.() ?? never())
    expect(error).toMatchObject({ code: 'TIMEOUT', outcome, retryable: true, namespace: 'n' })
    expect(error.message).toContain(`${LIMIT_MS} ms`)
    expect(plugin.timeouts).toBe(1)
    plugin.silent = 'none'
    await store.set('other', 3)
    expect(await store.get('other')).toBe(3)
    await runtime.close()
  })

  test.each(['getMany', 'commit', 'transact', 'liveLen', 'clear', 'liveKeys'] as const)(
    'close() of a store whose %s() never answers settles, and the namespace can be opened again',
    async (silent) => {
      const plugin = new SilentPlugin()
      const runtime = start(plugin)
      const store = await runtime.open<Record<string, number>>('n')
      plugin.silent = silent
      const calls = [store.get('k'), store.set('j', 1), store.update('k', (n = 0) => n + 1)]
      const settled = Promise.allSettled([
        ...calls,
        store.size(),
        store.clear(),
        collect(store.keys()),
      ])
      await store.close()
      await settled
      plugin.silent = 'none'
      const again = await runtime.open<Record<string, number>>('n')
      await again.set('k', 5)
      expect(await again.get('k')).toBe(5)
      await runtime.close()
    },
  )

  test('close() rejects with TIMEOUT if the storage does not close, and the namespace can be opened again', async () => {
    const plugin = new SilentPlugin()
    const runtime = start(plugin)
    const store = await runtime.open('n')
    plugin.silent = 'close'
    expect(await errorOf(store.close())).toMatchObject({ code: 'TIMEOUT', namespace: 'n' })
    expect(plugin.timeouts).toBe(1)
    plugin.silent = 'none'
    await (await runtime.open('n')).close()
    await runtime.close()
  })

  test('open() rejects with TIMEOUT, not-applied; a storage that opens later is closed', async () => {
    const plugin = new SilentPlugin()
    const runtime = start(plugin)
    plugin.silent = 'open'
    const opening = errorOf(runtime.open('n'))
    const closing = runtime.close()
    expect(await opening).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied' })
    await closing
    expect(plugin.closed).toEqual([])
    plugin.speak()
    await vi.waitFor(() => expect(plugin.closed).toEqual(['n']))
  })

  test('drop() and namespaces() reject with TIMEOUT', async () => {
    const plugin = new SilentPlugin()
    const runtime = start(plugin)
    plugin.silent = 'drop'
    expect(await errorOf(runtime.drop('n'))).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
    plugin.silent = 'namespaces'
    const names = errorOf(collect(runtime.namespaces()))
    expect(await names).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied' })
    await runtime.close()
  })

  test('an update whose transaction answers after its time limit writes nothing', async () => {
    const plugin = new SilentPlugin()
    const runtime = start(plugin)
    const store = await runtime.open<Record<string, number>>('n')
    plugin.silent = 'transact'
    const updater = vi.fn((n = 0): number => n + 1)
    expect(await errorOf(store.update('k', updater))).toMatchObject({ outcome: 'not-applied' })
    plugin.speak()
    plugin.silent = 'none'
    expect(await store.get('k')).toBeUndefined()
    expect(updater).not.toHaveBeenCalled()
    await runtime.close()
  })

  test('no call reaches the storage after its close(), and what waited rejects, not-applied', async () => {
    const plugin = new SilentPlugin()
    const calls: string[] = []
    plugin.onCall = (name) => void calls.push(name)
    const runtime = start(plugin)
    const store = await runtime.open<Record<string, number>>('n')
    plugin.silent = 'commit'
    const writes = [errorOf(store.set('k', 1))]
    await Promise.resolve()
    // Each of these waits for the batch before it.
    writes.push(errorOf(store.set('k', 2)))
    const waiting = [
      store.clear(),
      store.clear({ prefix: 'k' }),
      store.size(),
      collect(store.keys()),
    ]
    const errors = waiting.map(errorOf)
    await store.close()
    for (const error of await Promise.all(writes)) {
      expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
    }
    for (const error of await Promise.all(errors)) {
      expect(error).toMatchObject({
        code: 'STORE_NOT_OPEN',
        outcome: 'not-applied',
        namespace: 'n',
      })
    }
    expect(calls.slice(calls.indexOf('close'))).toEqual(['close'])
    await runtime.close()
  })

  test('a call that timed out is not repeated, and a write is not looked up', async () => {
    const plugin = new SilentPlugin()
    const records: OperationRecord[] = []
    const onOperation = (record: OperationRecord): void => void records.push(record)
    const runtime = new StorageRuntime(plugin, { operationTimeout: LIMIT_MS, onOperation })
    const store = await runtime.open('n')
    plugin.silent = 'getMany'
    await errorOf(store.get('k'))
    plugin.silent = 'commit'
    await errorOf(store.set('k', 1))
    expect(records.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['open', 'ok'],
      ['getMany', 'not-applied'],
      ['commit', 'unknown'],
    ])
    await runtime.close()
  })
})

describe('a function that never settles', { timeout: 2 * PATIENCE_MS }, () => {
  test('is given up when its store closes: the call rejects with TIMEOUT, not-applied', async () => {
    const runtime = start(new SilentPlugin())
    const store = await runtime.open<Record<string, number>>('n')
    const calls = [
      store.update('k', () => never()),
      store.mutable('j', () => never(), 0),
      store.transaction(['a', 'b'], () => never()),
    ].map(errorOf)
    await store.set('other', 1)
    await store.close()
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied', namespace: 'n' })
    }
    await runtime.close()
  })

  test('writes nothing if it settles after its store was closed', async () => {
    const runtime = start(new SilentPlugin())
    const store = await runtime.open<Record<string, number>>('n')
    const decision = Promise.withResolvers<number>()
    const late = errorOf(store.update('k', () => decision.promise))
    await store.get('k')
    await store.close()
    await late
    decision.resolve(1)
    const again = await runtime.open('n')
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await again.get('k')).toBeUndefined()
    await runtime.close()
  })

  test('goes on if another store of the namespace is open', async () => {
    const runtime = start(new SilentPlugin())
    const [first, second] = await Promise.all(
      [1, 2].map(() => runtime.open<Record<string, number>>('n')),
    )
    const { promise, resolve } = Promise.withResolvers<number>()
    const update = first?.update('k', () => promise)
    await second?.get('k')
    await first?.close()
    resolve(7)
    await update
    expect(await second?.get('k')).toBe(7)
    await runtime.close()
  })

  test('that awaits close() of its store does not keep it open for ever', async () => {
    const runtime = start(new SilentPlugin())
    const store = await runtime.open<Record<string, number>>('n')
    const update = store.update('k', async () => {
      await store.close()
      return 1
    })
    expect(await errorOf(update)).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied' })
    await runtime.close()
  })
})

describe('the time limit', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is 30 seconds by default', async () => {
    const plugin = new SilentPlugin()
    expect(await timeToTimeout(new StorageRuntime(plugin), plugin)).toBe(30_000)
  })

  test('is STORAGE_CONFIG.operationTimeout, or the option of the runtime', async () => {
    const plugin = new SilentPlugin({ STORAGE_CONFIG: { operationTimeout: 2000 } })
    expect(await timeToTimeout(new StorageRuntime(plugin), plugin)).toBe(2000)
    vi.useRealTimers()
    const other = new SilentPlugin({ STORAGE_CONFIG: { operationTimeout: 2000 } })
    const options = { operationTimeout: 5000 }
    expect(await timeToTimeout(new StorageRuntime(other, options), other)).toBe(5000)
  })

  test('is granted once for each 100 keys of a call', async () => {
    const plugin = new SilentPlugin()
    const options = { operationTimeout: 1000 }
    expect(await timeToTimeout(new StorageRuntime(plugin, options), plugin, 250)).toBe(3000)
  })

  test('is at most what a timer can wait, for a call with many keys, too', async () => {
    const plugin = new SilentPlugin()
    const store = await new StorageRuntime(plugin, { operationTimeout: 2 ** 31 - 1 }).open('n')
    plugin.silent = 'commit'
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let isSettled = false
    const call = store.setMany(Array.from({ length: 5001 }, (_, i) => [`${i}`, i] as const))
    void call.then(() => (isSettled = true))
    await vi.advanceTimersByTimeAsync(2 ** 31 - 1)
    expect(isSettled).toBe(false)
    plugin.speak()
    await call
    await store.close()
  })

  test('leaves a page half of the time after it was frozen', async () => {
    const plugin = new SilentPlugin()
    const runtime = new StorageRuntime(plugin, { operationTimeout: 1000 })
    const store = await runtime.open('n')
    plugin.silent = 'getMany'
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const call = store.get('k')
    await vi.advanceTimersByTimeAsync(0)
    // A frozen page runs one overdue timer when it resumes.
    vi.advanceTimersToNextTimer()
    plugin.speak()
    expect(await call).toBeUndefined()
  })

  test.each([0, -1, 0.5, 2 ** 31, NaN, '5'])('is not %s', (operationTimeout) => {
    const config = { STORAGE_CONFIG: { operationTimeout } }
    expect(() => new MemoryStoragePlugin(config)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }) as StoreError,
    )
    const options = { operationTimeout: operationTimeout as number }
    expect(() => new StorageRuntime(new MemoryStoragePlugin(), options)).toThrow(
      expect.objectContaining({ code: 'INVALID_VALUE' }) as StoreError,
    )
  })

  test('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const runtime = start(new SilentPlugin())
    const store = await runtime.open('n')
    await store.set('k', 1)
    await store.get('k')
    await collect(store.entries())
    await runtime.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})
