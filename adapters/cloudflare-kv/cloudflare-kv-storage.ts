import { noop, sleep } from '../../src/async.ts'
import { BatchStorageBase } from '../../src/batch-storage.ts'
import { StoreError } from '../../src/errors.ts'
import { type Entry, isLive } from '../../src/entry.ts'
import { type Listing, listPages } from '../../src/listing.ts'
import {
  type Change,
  checkRemovals,
  conditionNotSupported,
  createTimeCheck,
  type KeysOptions,
  type CommitResult,
  groupFailure,
  type Traits,
} from '../../src/storage.ts'
import { utf8Bytes } from '../../src/value/copy-value.ts'
import { callKV, type KVBinding, MAX_OPERATIONS, tooManyOperations } from './binding.ts'
import { type ListedKey, listKeys, needsRead, splitByReads } from './listing.ts'
import { decodeEntry, encodeEntry, metadataOf } from './stored-entry.ts'

/** The longest key that KV accepts, with prefix and namespace. */
export const MAX_KEY_BYTES = 512
const MAX_VALUE_BYTES = 25 * 1024 * 1024

/** The most keys that KV accepts in one bulk get (documented 2026-11). */
const MAX_BULK_KEYS = 100
/** The bulk gets that a listing reads ahead. Each may return 25 MB (documented 2026-11). */
const MAX_READS_AHEAD = 2
/** A Worker has six connections (documented 2026-11); further calls would only wait. */
const MAX_PARALLEL_CALLS = 6

/** KV rejects an expiry less than 60 seconds ahead; one second more is for the time of the call. */
const MIN_LIFETIME_MS = 61_000
/** KV accepts no expiry of 2^31 seconds (2038-01-19) or later (Miniflare 5.20261102). */
const MAX_EXPIRATION_SECONDS = 2 ** 31

const MAX_WRITE_ATTEMPTS = 3
/** KV allows one write per second to a key (documented 2026-11). */
const RETRY_DELAY_MS = 1000
const MAX_RETRY_JITTER_MS = 500

/** The keys of a part of a listing, and a bulk get of those whose metadata has no entry. */
interface EntriesRead {
  readonly keys: readonly ListedKey[]
  readonly texts: Promise<Map<string, string>> | undefined
}

/** A namespace in Workers KV. */
export class CloudflareKVStorage extends BatchStorageBase {
  readonly copiesValues = true
  override readonly traits: Traits
  readonly #kv: KVBinding
  readonly #keyPrefix: string

  constructor(kv: KVBinding, keyPrefix: string) {
    super()
    this.#kv = kv
    this.#keyPrefix = keyPrefix
    this.traits = {
      atomic: 'none',
      durable: true,
      consistency: 'eventual',
      batchAcrossTicks: false,
      maxKeyBytes: MAX_KEY_BYTES - utf8Bytes(keyPrefix),
      maxValueBytes: MAX_VALUE_BYTES,
      watch: false,
    }
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>()
    for (const [key, text] of await this.#getTexts(keys)) found.set(key, decodeEntry(key, text))
    return found
  }

  async #getTexts(keys: readonly string[]): Promise<Map<string, string>> {
    const chunks: (readonly string[])[] = []
    for (let i = 0; i < keys.length; i += MAX_BULK_KEYS) {
      chunks.push(keys.slice(i, i + MAX_BULK_KEYS))
    }
    if (chunks.length > MAX_OPERATIONS) {
      throw tooManyOperations(`${keys.length} keys need more. Use several requests.`)
    }
    const texts = new Map<string, string>()
    await inParallel(chunks, async (chunk) => {
      for (const [key, text] of await this.#readTexts(chunk)) texts.set(key, text)
    })
    return texts
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly CommitResult[]> {
    const writes = groups.reduce((sum, changes) => sum + changes.length, 0)
    if (writes > MAX_OPERATIONS) {
      const error = tooManyOperations(`${writes} writes need more. Use several requests.`)
      return groups.map(() => error)
    }
    const results: CommitResult[] = []
    const checkTime = createTimeCheck(this)
    await inParallel(groups, async (changes, index) => {
      results[index] = await this.#writeGroup(changes, checkTime)
    })
    return results
  }

  entries(options: KeysOptions = {}): Listing<[key: string, entry: Entry]> {
    return listPages(() => this.#entryPages(options))
  }

  async *#entryPages(options: KeysOptions): AsyncGenerator<readonly [key: string, entry: Entry][]> {
    const { limit = Number.POSITIVE_INFINITY } = options
    const reads: EntriesRead[] = []
    let listed = 0
    for await (const keys of splitByReads(this.#listKeys(options), MAX_BULK_KEYS, limit)) {
      reads.push(this.#startRead(keys))
      listed += keys.length
      // A reader needs more than `limit` entries only if some of them have expired.
      const maxAhead = listed < limit ? MAX_READS_AHEAD : 0
      while (reads.length > maxAhead || (reads.length > 0 && reads[0]?.texts === undefined)) {
        yield* entriesOf(reads.shift() as EntriesRead)
      }
    }
    for (const read of reads) yield* entriesOf(read)
  }

  liveKeys(now: number, options: KeysOptions = {}): Listing<string> {
    return listPages(() => this.#keyPages(now, options))
  }

  async *#keyPages(now: number, options: KeysOptions): AsyncGenerator<readonly string[]> {
    for await (const page of this.#listKeys(options)) {
      yield page
        .filter(({ metadata: { x } }) => x === undefined || isLive({ expires: x }, now))
        .map(({ key }) => key)
    }
  }

  async liveLen(now: number): Promise<number> {
    let count = 0
    for await (const { length } of this.#keyPages(now, {})) count += length
    return count
  }

  async clear(): Promise<void> {
    await this.clearPrefix('')
  }

  override async clearPrefix(prefix: string): Promise<void> {
    const checkTime = createTimeCheck(this)
    const names: string[] = []
    let calls = 0
    for await (const page of this.#listKeys({ prefix })) {
      calls += 1 + page.length
      for (const { key } of page) names.push(this.#keyPrefix + key)
      if (calls <= MAX_OPERATIONS) continue
      throw tooManyOperations('clear() needs more. Delete 900 of keys() in each request.')
    }
    await this.#removeAll(names, checkTime)
  }

  async close(): Promise<void> {}

  #listKeys(options: KeysOptions): AsyncGenerator<readonly ListedKey[]> {
    return listKeys(this.#kv, this.#keyPrefix, options)
  }

  /** Starts one bulk get for the keys whose metadata has no entry, if there are any. */
  #startRead(keys: readonly ListedKey[]): EntriesRead {
    const unread = keys.filter(needsRead).map(({ key }) => key)
    if (unread.length === 0) return { keys, texts: undefined }
    const texts = this.#getTexts(unread)
    // A reader that ends the listing early does not await it.
    texts.catch(noop)
    return { keys, texts }
  }

  /** Reads up to 100 keys, and returns the texts of those that exist. */
  async #readTexts(keys: readonly string[]): Promise<Map<string, string>> {
    const names = keys.map((key) => this.#keyPrefix + key)
    const found = new Map<string, string>()
    const texts = names.length > 1 ? await this.#bulkGet(names) : new Map<string, string | null>()
    for (const name of names) {
      // The result of a bulk get may lack a name (Miniflare 5.20261102: `__proto__`), so get it alone.
      const text = texts.has(name)
        ? texts.get(name)
        : await callKV(() => this.#kv.get(name, 'text'), 'not-applied')
      if (typeof text === 'string') found.set(name.slice(this.#keyPrefix.length), text)
    }
    return found
  }

  /** Gets several keys at once. If their values exceed 25 MB together, gets each half alone. */
  async #bulkGet(names: string[]): Promise<Map<string, string | null>> {
    try {
      return await callKV(() => this.#kv.get(names, 'text'), 'not-applied')
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'TOO_LARGE' || names.length === 1)
        throw error
      const half = Math.ceil(names.length / 2)
      return new Map([
        ...(await this.#bulkGet(names.slice(0, half))),
        ...(await this.#bulkGet(names.slice(half))),
      ])
    }
  }

  async #writeGroup(changes: readonly Change[], checkTime: () => void): Promise<CommitResult> {
    const conditional = changes.find((change) => change.ifVersion !== undefined)
    if (conditional !== undefined) return conditionNotSupported(conditional)
    let written = 0
    try {
      if (changes.every((change) => 'remove' in change)) {
        const names = changes.map(({ key }) => this.#keyPrefix + key)
        await this.#removeAll(names, checkTime)
        return 'applied'
      }
      const writes = changes.map((change) => this.#prepareWrite(change))
      for (const write of writes) {
        checkTime()
        await this.#write(write)
        written++
      }
      return 'applied'
    } catch (error) {
      return groupFailure(error, changes, written)
    }
  }

  /** @throws StoreError with the outcome `unknown` if one fails after another was removed */
  async #removeAll(names: readonly string[], checkTime: () => void): Promise<void> {
    const results: unknown[] = []
    const removing = inParallel(names, async (name) => {
      try {
        checkTime()
        results.push(await this.#write(() => this.#kv.delete(name)))
      } catch (error) {
        results.push(error)
        throw error
      }
    })
    await removing.catch(noop)
    checkRemovals(results, names.length)
  }

  /** Checks a change, and returns the function that sends it. */
  #prepareWrite(change: Change): () => Promise<void> {
    const name = this.#keyPrefix + change.key
    if (!('entry' in change)) return () => this.#kv.delete(name)
    const { expires } = change.entry
    const text = encodeEntry(change.entry)
    const bytes = utf8Bytes(text)
    if (bytes > MAX_VALUE_BYTES) {
      throw new StoreError(
        'TOO_LARGE',
        `The value takes ${bytes} bytes as text; Workers KV allows ${MAX_VALUE_BYTES}. Split it over several keys.`,
        { key: change.key },
      )
    }
    const metadata = metadataOf(change.entry, text)
    if (expires === undefined) return () => this.#kv.put(name, text, { metadata })
    // Where KV does not accept the expiry, it keeps the entry longer, and readers ignore it.
    return () => {
      const expiration = Math.ceil(Math.max(expires, Date.now() + MIN_LIFETIME_MS) / 1000)
      if (expiration >= MAX_EXPIRATION_SECONDS) return this.#kv.put(name, text, { metadata })
      return this.#kv.put(name, text, { metadata, expiration })
    }
  }

  /** Sends a write, and retries it while KV reports that it follows another too soon. */
  async #write(write: () => Promise<void>): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await callKV(write, 'unknown')
      } catch (error) {
        const isTooSoon =
          error instanceof StoreError && error.retryable && error.code === 'RATE_LIMITED'
        if (!isTooSoon || attempts === MAX_WRITE_ATTEMPTS) throw error
        await sleep(RETRY_DELAY_MS + Math.random() * MAX_RETRY_JITTER_MS)
      }
    }
  }
}

/** If an entry is corrupt, the page ends before it, and the listing fails then. */
async function* entriesOf(
  read: EntriesRead,
): AsyncGenerator<readonly [key: string, entry: Entry][]> {
  const texts = await read.texts
  const page: [key: string, entry: Entry][] = []
  try {
    for (const { key, metadata } of read.keys) {
      const text = metadata.t ?? texts?.get(key)
      if (text !== undefined) page.push([key, decodeEntry(key, text)])
    }
  } finally {
    yield page
  }
}

/**
 * Runs a function for each item, a few at a time. After a failure it starts no more, and rejects
 * with that failure when those under way have settled.
 */
async function inParallel<T>(
  items: readonly T[],
  run: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  let failure: { readonly error: unknown } | undefined
  const runNext = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const index = next++
      try {
        await run(items[index] as T, index)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(MAX_PARALLEL_CALLS, items.length) }, runNext))
  if (failure !== undefined) throw failure.error
}
