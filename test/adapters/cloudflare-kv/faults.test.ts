import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../../adapters/cloudflare-kv.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import { ScriptedKV } from './support/scripted-kv.ts'

const KEYS = Array.from({ length: 10 }, (_, i) => `a${i}`)
/** More than any call here makes. */
const CALLS = 14

beforeAll(() => {
  // A retry after 429 waits a second.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterAll(() => {
  vi.useRealTimers()
})

type TestedStore = Store<Record<string, number>>
const WRITES: Record<string, (store: TestedStore) => Promise<unknown>> = {
  'clear()': (store) => store.clear(),
  'clear() with a prefix': (store) => store.clear({ prefix: 'a' }),
  'deleteMany()': (store) => store.deleteMany(KEYS),
  'setMany()': (store) => store.setMany(KEYS.map((key) => [key, 1] as const)),
}

const FAULTS: Record<string, { readonly text: string; readonly isDone?: boolean }> = {
  'a rate limit': { text: 'KV PUT failed: 429 Too Many Requests' },
  'the limit of an invocation': { text: 'Too many API requests by single Worker invocation.' },
  'an error of the server': { text: 'KV DELETE failed: 500 Internal Server Error' },
  'a lost answer': { text: 'Network connection lost.', isDone: true },
}

test.each(
  Object.keys(WRITES).flatMap((write) =>
    Object.keys(FAULTS).map((fault) => [write, fault] as const),
  ),
)(
  '%s has a true outcome at whichever call %s occurs, once or from then on',
  async (write, fault) => {
    const { text, isDone } = FAULTS[fault] ?? { text: '' }
    for (let first = 0; first < CALLS; first++) {
      for (const last of [first, Infinity]) {
        const kv = new ScriptedKV()
        const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: kv } })
        const runtime = new StorageRuntime(plugin, { allowLostUpdates: true })
        const store = await runtime.open<Record<string, number>>('n')
        await store.setMany(KEYS.map((key) => [key, 0] as const))
        const before = stored(kv)
        const start = kv.calls.length
        const error = new Error(text)
        const isHit = (): boolean => {
          const index = kv.calls.length - 1 - start
          return index >= first && index <= last
        }
        if (isDone === true) failAfter(kv, isHit, error)
        else kv.fail = () => (isHit() ? error : undefined)
        const settled = WRITES[write]?.(store).then(
          () => ({ code: 'none', outcome: 'applied', message: '' }),
          (thrown: unknown) => thrown as { code: string; outcome: string; message: string },
        )
        await vi.runAllTimersAsync()
        const { outcome, message } = (await settled) ?? { outcome: 'none', message: '' }
        const changed = [...before].filter(([key, value]) => stored(kv).get(key) !== value).length
        if (outcome === 'applied') expect(changed).toBe(KEYS.length)
        else if (outcome === 'not-applied') expect(changed).toBe(0)
        else expect(outcome).toBe('unknown')
        const [, done = '0'] = /^(\d+) of 10/.exec(message) ?? []
        expect(changed).toBeGreaterThanOrEqual(Number(done))
        // What is certainly refused is not unknown.
        if (changed === 0 && fault.includes('limit')) expect(outcome).toBe('not-applied')
      }
    }
  },
)

function stored(kv: ScriptedKV): Map<string, string> {
  return new Map(Array.from(kv.puts, ([name, { value }]) => [name, value]))
}

/** Lets writes take effect before they fail. */
function failAfter(kv: ScriptedKV, isHit: () => boolean, error: Error): void {
  const put = kv.put.bind(kv)
  const remove = kv.delete.bind(kv)
  kv.put = async (...args) => {
    await put(...args)
    if (isHit()) throw error
  }
  kv.delete = async (name) => {
    await remove(name)
    if (isHit()) throw error
  }
}
