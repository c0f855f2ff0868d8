import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MinimalStoragePlugin } from '../support/minimal-plugin.ts'
import { type StorageBase, StorageRuntime, type Store, type Traits } from '../../src/index.ts'
import { errorOf, never } from '../support/promises.ts'

const LIMIT_MS = 1000

/** A backend whose reads a test can silence. */
class SilentPlugin extends MinimalStoragePlugin {
  isSilent = false
  batchAcrossTicks = true

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const get = storage.get.bind(storage)
    storage.get = (key) => (this.isSilent ? never() : get(key))
    const traits: Traits = { ...storage.traits, batchAcrossTicks: this.batchAcrossTicks }
    return Object.defineProperty(storage, 'traits', { value: traits })
  }
}

async function open(plugin: SilentPlugin): Promise<Store> {
  return new StorageRuntime(plugin, { operationTimeout: LIMIT_MS }).open('n')
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('the time limit of calls', () => {
  test('sets one timer for many calls, one after another and at once', async () => {
    const store = await open(new SilentPlugin({}))
    const setTimer = vi.spyOn(globalThis, 'setTimeout')
    for (let i = 0; i < 100; i++) await store.get(`${i}`)
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.get(`${i}`)))
    expect(setTimer).toHaveBeenCalledTimes(1)
  })

  test('sets no further timer once no call is pending', async () => {
    const store = await open(new SilentPlugin({}))
    await store.get('k')
    await vi.advanceTimersByTimeAsync(LIMIT_MS)
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([100, 499, 501, 900, 1400])(
    'is reached at the earliest after the limit and at most half of it later, %d ms after another call',
    async (pauseMs) => {
      const plugin = new SilentPlugin({})
      const store = await open(plugin)
      await store.get('k')
      await vi.advanceTimersByTimeAsync(pauseMs)
      plugin.isSilent = true
      const startedAt = performance.now()
      const failing = errorOf(store.get('k')).then(({ code }) => {
        return { code, ms: performance.now() - startedAt }
      })
      await vi.advanceTimersByTimeAsync(2 * LIMIT_MS)
      const { code, ms } = await failing
      expect(code).toBe('TIMEOUT')
      expect(ms).toBeGreaterThanOrEqual(LIMIT_MS)
      expect(ms).toBeLessThanOrEqual(1.5 * LIMIT_MS)
    },
  )

  test('ends a silent call while later calls go on', async () => {
    const plugin = new SilentPlugin({})
    const store = await open(plugin)
    plugin.isSilent = true
    const failing = errorOf(store.get('k'))
    await vi.advanceTimersByTimeAsync(1)
    plugin.isSilent = false
    await vi.advanceTimersByTimeAsync(1.5 * LIMIT_MS)
    expect((await failing).code).toBe('TIMEOUT')
    expect(await store.get('k')).toBeUndefined()
  })

  test('sets a timer for each call where a timer belongs to a request', async () => {
    const plugin = new SilentPlugin({})
    plugin.batchAcrossTicks = false
    plugin.isSilent = true
    const store = await open(plugin)
    const setTimer = vi.spyOn(globalThis, 'setTimeout')
    const failing = [errorOf(store.get('a'))]
    await vi.advanceTimersByTimeAsync(1)
    failing.push(errorOf(store.get('b')))
    await vi.advanceTimersByTimeAsync(1)
    expect(setTimer).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(LIMIT_MS)
    for (const error of await Promise.all(failing)) expect(error.code).toBe('TIMEOUT')
  })

  test('goes on without timers where there are none, as in the global scope of a Worker', async () => {
    const store = await open(new SilentPlugin({}))
    const setTimer = vi.spyOn(globalThis, 'setTimeout').mockImplementation(() => {
      throw new Error('Disallowed operation called within global scope.')
    })
    expect(await store.get('k')).toBeUndefined()
    setTimer.mockRestore()
    expect(await store.get('k')).toBeUndefined()
    expect(vi.getTimerCount()).toBe(1)
  })

  test('is kept after the shared timer was lost with the request that had set it', async () => {
    const plugin = new SilentPlugin({})
    const store = await open(plugin)
    await store.get('k')
    vi.clearAllTimers()
    await vi.advanceTimersByTimeAsync(LIMIT_MS + 1)
    plugin.isSilent = true
    const failing = errorOf(store.get('k'))
    await vi.advanceTimersByTimeAsync(1.5 * LIMIT_MS)
    expect((await failing).code).toBe('TIMEOUT')
  })

  test('leaves no timer behind when the last call has timed out', async () => {
    const plugin = new SilentPlugin({})
    const store = await open(plugin)
    plugin.isSilent = true
    const failing = errorOf(store.get('k'))
    await vi.advanceTimersByTimeAsync(LIMIT_MS)
    expect((await failing).code).toBe('TIMEOUT')
    expect(vi.getTimerCount()).toBe(0)
  })
})
