import { setImmediate } from 'node:timers'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  isStoreError,
  type StorageBase,
  StorageRuntime,
  type Store,
  StoreMixin,
} from '../../src/index.ts'
import { live } from '../../src/live.ts'

// Cases per property. Set FUZZ_RUNS to a larger number for a longer search.
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1000)

type Failure = 'none' | 'open' | 'close' | 'drop'

/** Memory whose lifecycle takes some microtasks or a task (`-1`), and fails at times. */
class SlowPlugin extends MemoryStoragePlugin {
  openCount = 0
  closeCount = 0
  #calls = 0
  readonly #waits: readonly number[]
  failures: readonly Failure[]

  constructor(waits: readonly number[], failures: readonly Failure[] = ['none']) {
    super()
    this.#waits = waits
    this.failures = failures
  }

  override async open(namespace: string): Promise<StorageBase> {
    await this.#wait('open')
    this.openCount++
    const storage = await super.open(namespace)
    const close = storage.close.bind(storage)
    let isClosed = false
    storage.close = async () => {
      if (isClosed) throw new Error('the storage was closed twice')
      isClosed = true
      this.closeCount++
      await close()
      await this.#wait('close')
    }
    return storage
  }

  override async drop(namespace: string): Promise<void> {
    await this.#wait('drop')
    await super.drop(namespace)
  }

  async #wait(during: Failure): Promise<void> {
    const call = this.#calls++
    const wait = this.#waits[call % this.#waits.length] ?? 0
    if (wait < 0) await nextTask()
    else for (let i = 0; i < wait; i++) await Promise.resolve()
    if (this.failures[call % this.failures.length] === during) throw new Error(`${during} failed`)
  }
}

class Plugin extends StoreMixin()(Object) {}

const LIFECYCLE = ['openStorage', 'closeStorage', 'dispose'] as const
const PAUSES = ['microtask', 'task'] as const
const STEPS = [
  ...LIFECYCLE,
  ...PAUSES,
  ...(['open', 'open with a signal', 'abort', 'close', 'dispose store', 'drop'] as const),
  ...(['set', 'update', 'list', 'watch', 'live', 'other runtime'] as const),
]
type Step = (typeof STEPS)[number]

const waits = fc.array(fc.constantFrom(0, 1, 3, 8, -1), { minLength: 1, maxLength: 4 })
const failures = fc.array(
  fc.constantFrom<Failure>('none', 'none', 'none', 'open', 'close', 'drop'),
  {
    minLength: 1,
    maxLength: 5,
  },
)

test('stores that are opened, closed, dropped and disposed in any order leave nothing open, and can be opened again', async () => {
  const steps = fc.array(fc.constantFrom<Step>(...STEPS), { minLength: 1, maxLength: 14 })
  const property = fc.asyncProperty(steps, waits, failures, async (...each) => {
    const plugin = new SlowPlugin(each[1], each[2])
    expect(await runSteps(plugin, each[0])).toEqual([])
    expect(plugin.closeCount).toBe(plugin.openCount)
    plugin.failures = ['none']
    const runtime = new StorageRuntime(plugin)
    const store = await runtime.open('n')
    await store.set('k', 5)
    expect(await store.get('k')).toBe(5)
    await runtime.close()
  })
  await fc.assert(property, { numRuns: RUNS, endOnFailure: false })
}, 300_000)

test('the store of an object ends as was asked last, however the calls overlap', async () => {
  const steps = fc.array(fc.constantFrom(...LIFECYCLE, ...PAUSES), { minLength: 1, maxLength: 10 })
  const property = fc.asyncProperty(steps, waits, async (all, each) => {
    const slow = new SlowPlugin(each)
    const runtime = new StorageRuntime(slow)
    const plugin = new Plugin()
    const calls: Promise<unknown>[] = []
    for (const step of all) {
      if (step === 'microtask') await Promise.resolve()
      else if (step === 'task') await nextTask()
      else calls.push(callMixin(plugin, runtime, step).catch(() => {}))
    }
    await Promise.all(calls)
    await nextTask()
    const last = all.findLast((step) => LIFECYCLE.includes(step as 'dispose'))
    expect(plugin.isOpenStorage()).toBe(last === 'openStorage')
    expect(slow.openCount - slow.closeCount).toBe(last === 'openStorage' ? 1 : 0)
    await runtime.close()
  })
  await fc.assert(property, { numRuns: RUNS, endOnFailure: false })
}, 300_000)

/** Runs steps without awaiting them, then closes the runtimes. Returns what was wrong. */
async function runSteps(plugin: SlowPlugin, steps: readonly Step[]): Promise<readonly string[]> {
  const runtimes = [new StorageRuntime(plugin), new StorageRuntime(plugin)] as const
  const [runtime, other] = runtimes
  const wrong: string[] = []
  const calls: Promise<unknown>[] = []
  const stores: Store<Record<string, number>>[] = []
  const controllers: AbortController[] = []
  const mixed = new Plugin()
  const track = (call: Promise<unknown>): void => {
    const checked = call.catch((error: unknown) => {
      if (!isStoreError(error)) wrong.push(`a raw error: ${String(error)}`)
    })
    calls.push(checked)
  }
  const open = async (signal?: AbortSignal): Promise<void> => {
    stores.push(await runtime.open<Record<string, number>>('n', { signal }))
  }
  const useOther = async (): Promise<void> => {
    await using store = await other.open('n')
    await store.set('other', 1)
  }
  for (const step of steps) {
    const store = stores.at(-1)
    if (step === 'microtask') await Promise.resolve()
    else if (step === 'task') await nextTask()
    else if (LIFECYCLE.includes(step as 'dispose')) track(callMixin(mixed, runtime, step))
    else if (step === 'open') track(open())
    else if (step === 'open with a signal') {
      const controller = new AbortController()
      controllers.push(controller)
      track(open(controller.signal))
    } else if (step === 'abort') controllers.pop()?.abort()
    else if (step === 'drop') track(runtime.drop('n'))
    else if (step === 'other runtime') track(useOther())
    else if (step === 'live') live(mixed).subscribe(() => {})
    else if (store !== undefined) track(callStore(store, step))
  }
  track(mixed[Symbol.asyncDispose]())
  for (const each of runtimes) track(each.close())
  await Promise.all(calls)
  await nextTask()
  if (mixed.isOpenStorage()) wrong.push('the store of the object is open')
  if (stores.some(({ isOpen }) => isOpen)) wrong.push('a store is open')
  return wrong
}

async function callMixin(plugin: Plugin, runtime: StorageRuntime, step: Step): Promise<void> {
  if (step === 'openStorage') await plugin.openStorage(runtime, 'n')
  else if (step === 'closeStorage') await plugin.closeStorage()
  else await plugin[Symbol.asyncDispose]()
}

async function callStore(store: Store<Record<string, number>>, step: Step): Promise<void> {
  if (step === 'close') await store.close()
  else if (step === 'dispose store') await store[Symbol.asyncDispose]()
  else if (step === 'set') await store.set('k', 1)
  else if (step === 'list') for await (const _ of store.entries()) await nextTask()
  else if (step === 'watch') {
    for await (const { kind } of store.watch({ initial: true, values: true }))
      if (kind === 'clear') break
  } else {
    await store.update('k', async (n = 0) => {
      await nextTask()
      return n + 1
    })
  }
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
