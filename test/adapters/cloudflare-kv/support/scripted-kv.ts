import { CloudflareKVStoragePlugin } from '../../../../adapters/cloudflare-kv.ts'
import { type Change, type StorageBase, StorageRuntime, type Store } from '../../../../src/index.ts'

interface Put {
  readonly value: string
  readonly metadata: { x?: number; t?: string }
  readonly expiration?: number
}

/**
 * A KV namespace that counts its calls, and can do what Miniflare never does but Workers KV does:
 * reject calls, enforce limits, and leave keys out of a bulk get. The conformance suite runs on
 * Miniflare's.
 */
export class ScriptedKV {
  readonly puts = new Map<string, Put>()
  readonly calls: string[] = []
  /** How many keys all bulk gets and listings returned. */
  keysRead = 0
  keysListed = 0
  /** Returns the error of a call, given its method and how often the method was called. */
  fail: ((call: string, count: number) => Error | undefined) | undefined
  /** A key that bulk gets leave out. */
  hidden: string | undefined
  deleteMs = 0
  maxBulkKeys = Infinity

  #record(call: string): void {
    this.calls.push(call)
    const error = this.fail?.(call, this.callCount(call))
    if (error) throw error
  }

  callCount(call: string): number {
    return this.calls.filter((each) => each === call).length
  }

  async get(names: string | string[]): Promise<unknown> {
    if (typeof names === 'string') {
      this.#record('get')
      return this.puts.get(names)?.value ?? null
    }
    this.#record('bulk')
    this.keysRead += names.length
    if (names.length > 100)
      throw new Error('KV GET_BULK failed: 400 You can request a maximum of 100 keys')
    if (names.length > this.maxBulkKeys)
      throw new Error('KV GET_BULK failed: 413 Total size of request exceeds the limit of 25MB')
    return new Map(
      names
        .filter((name) => name !== this.hidden)
        .map((name) => [name, this.puts.get(name)?.value ?? null]),
    )
  }

  async put(name: string, value: string, options: Omit<Put, 'value'>): Promise<void> {
    this.#record('put')
    this.puts.set(name, { value, ...options })
  }

  async delete(name: string): Promise<void> {
    this.#record('delete')
    if (this.deleteMs > 0) await new Promise((resolve) => setTimeout(resolve, this.deleteMs))
    this.puts.delete(name)
  }

  async list({
    prefix,
    cursor = '0',
    limit = 1000,
  }: {
    prefix: string
    cursor?: string
    limit?: number
  }): Promise<unknown> {
    this.#record('list')
    const all = [...this.puts]
      .filter(([name]) => name.startsWith(prefix))
      .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([name, { metadata }]) => ({ name, metadata }))
    const end = Number(cursor) + limit
    const page = { keys: all.slice(Number(cursor), end), list_complete: end >= all.length }
    this.keysListed += page.keys.length
    return page.list_complete ? page : { ...page, cursor: String(end) }
  }

  getWithMetadata(): void {}
}

/** Opens the namespace `n`, as a store and as a storage. */
export async function open(kv: ScriptedKV): Promise<{ store: Store; storage: StorageBase }> {
  const plugin = new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding: kv } })
  return { store: await new StorageRuntime(plugin).open('n'), storage: await plugin.open('n') }
}

export function setChange(key: string): Change {
  return { key, entry: { value: 1, version: key }, bytes: 2 }
}

/** Returns the keys `k0`, `k1`, … */
export function numberedKeys(length: number): string[] {
  return Array.from({ length }, (_, i) => `k${i}`)
}
