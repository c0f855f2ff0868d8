// A KV namespace as one location sees it, and what all its locations share. See stale-kv.ts.
import { compareUtf8 } from '../key.ts'
import {
  type Binding,
  type CachedRead,
  type ListedKey,
  type ListOptions,
  type Page,
  type Read,
  type ReadOptions,
  toRead,
  toStored,
  typeOf,
} from './kv-binding.ts'
import type { StaleKVOptions } from './stale-kv.ts'

/** The options, complete. */
export type Settings = {
  readonly [Name in keyof StaleKVOptions]-?: NonNullable<StaleKVOptions[Name]>
}

const ABSENT = { value: null, metadata: null }

/** A KV namespace as one location sees it. */
export class KVLocation {
  readonly #binding: Binding
  readonly #settings: Settings
  readonly #writes: RecentWrites
  readonly #cache = new Map<string, CachedRead>()
  #operations = 0

  constructor(binding: Binding, settings: Settings, writes: RecentWrites) {
    this.#binding = binding
    this.#settings = settings
    this.#writes = writes
  }

  nextRequest(): void {
    this.#operations = 0
  }

  location(): KVLocation {
    return new KVLocation(this.#binding, this.#settings, this.#writes)
  }

  async get(keys: string | readonly string[], options?: string | ReadOptions): Promise<unknown> {
    if (!Array.isArray(keys)) return (await this.#getOne(keys as string, options)).value
    const found = await this.#getMany(keys, options)
    return new Map([...found].map(([key, { value }]) => [key, value]))
  }

  async getWithMetadata(
    keys: string | readonly string[],
    options?: string | ReadOptions,
  ): Promise<Read | Map<string, Read | null>> {
    if (!Array.isArray(keys)) return this.#getOne(keys as string, options)
    const found = await this.#getMany(keys, options)
    // Unlike the read of one key, this has `null` for a key that is absent (workerd 1.20261102).
    return new Map([...found].map(([key, read]) => [key, read.value === null ? null : read]))
  }

  async put(key: string, value: unknown, options?: { readonly metadata?: unknown }): Promise<void> {
    const stored = await toStored(value)
    await this.#write('PUT', key, () => this.#binding.put(key, stored, options))
    if (this.#settings.seesOwnWrites) {
      this.#keep(key, stored as CachedRead['value'], structuredClone(options?.metadata ?? null))
    }
  }

  async delete(key: string): Promise<void> {
    await this.#write('DELETE', key, () => this.#binding.delete(key))
    if (this.#settings.seesOwnWrites) this.#keep(key, null, null)
  }

  async list(options: ListOptions = {}): Promise<Page & { readonly cacheStatus: null }> {
    this.#countOperation()
    const { prefix, cursor: after } = options
    // Not the cursor of the binding: its pages have other keys.
    let page = await this.#binding.list({ ...options, cursor: null })
    const listed = [...page.keys]
    while (!page.list_complete && page.cursor !== undefined) {
      page = await this.#binding.list({ prefix: prefix ?? '', cursor: page.cursor })
      listed.push(...page.keys)
    }
    const rest = this.#writes
      .toEarlier(listed, prefix ?? '')
      .filter(({ name }) => !after || compareUtf8(name, after) > 0)
    // The platform takes a limit of 0 as absent.
    const keys = rest.slice(0, options.limit || 1000)
    const last = keys.at(-1)?.name
    if (keys.length === rest.length || last === undefined)
      return { keys, list_complete: true, cacheStatus: null }
    return { keys, list_complete: false, cursor: last, cacheStatus: null }
  }

  #countOperation(): void {
    if (this.#operations >= this.#settings.operationsPerRequest)
      throw new Error('Too many API requests by single Worker invocation.')
    this.#operations++
  }

  async #getOne(key: string, options: string | ReadOptions | undefined): Promise<Read> {
    this.#countOperation()
    return toRead(await this.#read(key, options), options)
  }

  async #getMany(
    keys: readonly string[],
    options: string | ReadOptions | undefined,
  ): Promise<Map<string, Read>> {
    this.#countOperation()
    const before = new Map(keys.map((key) => [key, this.#cached(key)]))
    const until = this.#until(options)
    // Reads the cached ones too, so that the binding checks the call. Its texts become JSON below.
    const type = typeOf(options)
    const found = await this.#binding.getWithMetadata(keys, type === 'json' ? 'text' : type)
    const result = new Map<string, Read>()
    for (const [key, read] of found) {
      const { value, metadata } = read ?? ABSENT
      const kept = before.get(key) ?? this.#remember(key, { value, metadata, until }, undefined)
      result.set(key, toRead(kept, options))
    }
    return result
  }

  async #read(key: string, options?: string | ReadOptions): Promise<CachedRead> {
    const cached = this.#cached(key)
    if (cached) return cached
    const until = this.#until(options)
    const read = await this.#binding.getWithMetadata(key, 'arrayBuffer')
    return this.#remember(key, { ...read, until }, cached)
  }

  #cached(key: string): CachedRead | undefined {
    const cached = this.#cache.get(key)
    if (cached && this.#settings.now() < cached.until) return cached
    this.#cache.delete(key)
    return undefined
  }

  /** Keeps what was read, unless this location has read or written the key since. */
  #remember(
    key: string,
    read: Read & { until: number },
    before: CachedRead | undefined,
  ): CachedRead {
    const { value, metadata, until } = read
    const kept = { value: value as CachedRead['value'], metadata, until }
    if (this.#cached(key) === before) this.#cache.set(key, kept)
    return kept
  }

  #keep(key: string, value: CachedRead['value'], metadata: unknown): void {
    this.#cache.set(key, { value, metadata, until: this.#until() })
  }

  #until(options?: string | ReadOptions): number {
    const { staleMs, now } = this.#settings
    const { cacheTtl = 0 } = typeof options === 'object' ? options : {}
    return now() + Math.max(staleMs, cacheTtl * 1000)
  }

  async #write(method: 'PUT' | 'DELETE', key: string, write: () => Promise<void>): Promise<void> {
    this.#countOperation()
    if (!this.#writes.accept(key)) throw new Error(`KV ${method} failed: 429 Too Many Requests`)
    const { listLagMs, seesOwnWrites } = this.#settings
    if (!seesOwnWrites) await this.#read(key)
    // A key comes before all longer ones that begin with it.
    const { keys } =
      listLagMs > 0 ? await this.#binding.list({ prefix: key, limit: 1 }) : { keys: [] }
    await write()
    this.#writes.add(key, keys[0]?.name === key ? keys[0] : undefined)
  }
}

/** A write, with the entry of its key in listings from before it. */
interface RecentWrite {
  readonly time: number
  readonly listed: ListedKey | undefined
}

/** The latest writes of all locations. */
export class RecentWrites {
  readonly #settings: Settings
  readonly #acceptedAt = new Map<string, number[]>()
  readonly #writes = new Map<string, RecentWrite[]>()

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Counts a write of the key, unless there are too many in this second. */
  accept(key: string): boolean {
    const { now, writesPerSecond } = this.#settings
    const time = now()
    const times = (this.#acceptedAt.get(key) ?? []).filter((each) => time - each < 1000)
    if (times.length >= writesPerSecond) return false
    this.#acceptedAt.set(key, [...times, time])
    return true
  }

  add(key: string, listed: ListedKey | undefined): void {
    if (this.#settings.listLagMs === 0) return
    this.#writes.set(key, [...this.#recent(key), { time: this.#settings.now(), listed }])
  }

  /** Replaces the keys of recent writes by their entries from before. */
  toEarlier(listed: readonly ListedKey[], prefix: string): ListedKey[] {
    const keys = new Map(listed.map((key) => [key.name, key]))
    for (const name of this.#writes.keys()) {
      const [first] = this.#recent(name)
      if (!first) this.#writes.delete(name)
      else if (!name.startsWith(prefix)) continue
      else if (first.listed) keys.set(name, first.listed)
      else keys.delete(name)
    }
    return [...keys.values()].toSorted((a, b) => compareUtf8(a.name, b.name))
  }

  #recent(key: string): RecentWrite[] {
    const { listLagMs, now } = this.#settings
    return (this.#writes.get(key) ?? []).filter(({ time }) => now() - time < listLagMs)
  }
}
