import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { collect } from '../../src/conformance/assertions.ts'
import type { KeysOptions, StorageBase } from '../../src/index.ts'

const PARTS = ['', 'a', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1f600}']

/** Keys in neither order; many of them compare differently by UTF-16 code unit and by UTF-8. */
export const KEYS_IN_TWO_ORDERS: readonly string[] = [
  ...new Set(PARTS.flatMap((one) => PARTS.map((other) => one + other))),
]

/** Memory that lists in the order of UTF-8, as Durable Objects and Workers KV do. */
export class Utf8StoragePlugin extends MemoryStoragePlugin {
  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const listSorted = storage.liveKeys.bind(storage)
    const list = async ({ prefix, after }: KeysOptions = {}): Promise<readonly string[]> => {
      const keys = await collect(listSorted(0, { prefix }))
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      return after === undefined ? sorted : sorted.slice(sorted.indexOf(after) + 1)
    }
    storage.liveKeys = async function* (_now, options) {
      yield* await list(options)
    }
    storage.entries = async function* (options) {
      for (const key of await list(options)) {
        const entry = await storage.get(key)
        if (entry !== undefined) yield [key, entry]
      }
    }
    return storage
  }
}
