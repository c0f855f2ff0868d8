import type { Driver } from 'unstorage'
import { noop } from '../../src/async.ts'
import { decode, encode } from '../../src/codec.ts'
import type { Entry } from '../../src/entry.ts'
import { quote, StoreError, toStoreError } from '../../src/errors.ts'
import { type KeysOptions, sortedKeys, StorageBase, type Traits } from '../../src/storage.ts'
import { decodePart, encodePart } from './key-encoding.ts'

/** The methods of a driver that the plugin calls. */
export type UsedDriver = Required<Pick<Driver, 'getItem' | 'setItem' | 'removeItem' | 'getKeys'>>

/** What the caller may know about a driver. */
export type KnownTraits = Partial<
  Pick<Traits, 'durable' | 'consistency' | 'maxKeyBytes' | 'maxValueBytes'>
>

const PARALLEL_READS = 10
/** The longest key of Workers KV, in bytes. Of the drivers whose limit is known, few take less. */
const MAX_DRIVER_KEY_BYTES = 512

/**
 * A namespace in a driver of unstorage. It is cleared key by key, since the file drivers ignore the
 * base that `clear` of a driver gets and remove everything.
 */
export class DriverStorage extends StorageBase {
  override readonly traits: Traits
  readonly #driver: UsedDriver
  readonly #prefix: string

  /** @param prefix what the driver's keys of the namespace begin with, as `encodePart` writes it */
  constructor(driver: UsedDriver, prefix: string, known: KnownTraits) {
    super()
    this.#driver = driver
    this.#prefix = prefix
    this.traits = {
      atomic: 'none',
      durable: false,
      consistency: 'eventual',
      // The driver may do I/O in a Worker.
      batchAcrossTicks: false,
      maxKeyBytes: maxKeyBytesBehind(prefix),
      maxValueBytes: Number.POSITIVE_INFINITY,
      watch: false,
      ...known,
    }
  }

  async get(key: string): Promise<Entry | undefined> {
    const text = throwIfError(await this.#driver.getItem(this.#prefix + encodePart(key), {}))
    return text === null || text === undefined ? undefined : decodeEntry(key, text)
  }

  async set(key: string, entry: Entry): Promise<void> {
    const text = encode(entry)
    throwIfError<unknown>(await this.#driver.setItem(this.#prefix + encodePart(key), text, {}))
  }

  async remove(key: string): Promise<void> {
    throwIfError<unknown>(await this.#driver.removeItem(this.#prefix + encodePart(key), {}))
  }

  async len(): Promise<number> {
    let count = 0
    for await (const _ of this.keys()) count++
    return count
  }

  async *keys({ prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    for (const listed of await listKeys(this.#driver, this.#prefix)) {
      const key = decodePart(listed)
      if (key?.startsWith(prefix)) yield key
    }
  }

  override async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>()
    for await (const [key, entry] of this.#readAll(keys)) found.set(key, entry)
    return found
  }

  override async *entries(options?: KeysOptions): AsyncIterable<[key: string, entry: Entry]> {
    yield* this.#readAll(await sortedKeys(this.keys(options), options))
  }

  /** Reads a few keys at a time. The entries before one that cannot be read come before its error. */
  async *#readAll(keys: readonly string[]): AsyncGenerator<[key: string, entry: Entry]> {
    for (let start = 0; start < keys.length; start += PARALLEL_READS) {
      const chunk = keys.slice(start, start + PARALLEL_READS)
      const reads = chunk.map((key) => this.get(key))
      for (const read of reads) read.catch(noop)
      for (const [index, read] of reads.entries()) {
        const entry = await read
        if (entry !== undefined) yield [chunk[index] as string, entry]
      }
    }
  }

  /** Keeps the driver open: the caller has created it. */
  async close(): Promise<void> {}
}

/** Returns how long a key may be for the default limit of a driver's keys; less than 1 for none. */
export function maxKeyBytesBehind(prefix: string): number {
  // At most three characters for a byte, two `:` that split the text, and `-` at its end.
  return Math.floor((MAX_DRIVER_KEY_BYTES - prefix.length - 3) / 3)
}

/** Lists what comes after a prefix in the keys of a driver, which may list others too. */
export async function listKeys(driver: UsedDriver, prefix: string): Promise<readonly string[]> {
  const keys = await driver.getKeys(prefix, {})
  return keys
    .map((key) => key.replace(/[/\\]/g, ':').replace(/^:+/, ''))
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length))
}

/** Throws the error to which a driver resolved, as the file drivers do when a read or a removal fails. */
function throwIfError<T>(result: T): T {
  if (result instanceof Error) throw result
  return result
}

function decodeEntry(key: string, text: unknown): Entry {
  try {
    if (typeof text === 'string') return decode(text) as Entry
  } catch (error) {
    throw toStoreError(error, { key })
  }
  throw new StoreError(
    'CORRUPT',
    `The driver of unstorage must return the text that was stored; received ${quote(text)}. Use a driver that keeps text, or delete the key.`,
    { key },
  )
}
