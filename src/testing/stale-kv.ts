// Simulates the delays and limits of Workers KV, which Miniflare does not have. The numbers and rules
// are Cloudflare's: developers.cloudflare.com/kv/concepts/how-kv-works, /kv/platform/limits and
// /kv/api/write-key-value-pairs (2026-11). The texts of the errors are those of users' reports.

import { BOOLEAN, checkOptions, FUNCTION, type OptionTypes } from '../arguments.ts'
import { quote, StoreError } from '../errors.ts'
import type { Binding } from './kv-binding.ts'
import { KVLocation, RecentWrites, type Settings } from './kv-location.ts'

/** The options of {@link staleKV}. */
export interface StaleKVOptions {
  /**
   * How long a location keeps what it read, also that a key is absent, in milliseconds; 0 or more.
   * A longer `cacheTtl` of a read applies instead. Default: 60,000.
   */
  readonly staleMs?: number | undefined
  /** How long listings show the keys and metadata from before a write, in milliseconds; 0 or more. Default: 60,000. */
  readonly listLagMs?: number | undefined
  /**
   * Whether a location reads its own writes at once. Without it, a key reads as before the write for
   * up to `staleMs`. Workers KV usually does so, but does not promise it. Default: true.
   */
  readonly seesOwnWrites?: boolean | undefined
  /** How many writes of one key succeed in a second, over all locations; `Infinity`: any number. Default: 1. */
  readonly writesPerSecond?: number | undefined
  /** How many calls a location accepts until `nextRequest()`; `Infinity`: any number. Default: 1,000. */
  readonly operationsPerRequest?: number | undefined
  /** Returns the time in milliseconds, such as that of a test clock. Default: `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** The methods that {@link staleKV} adds to a KV namespace. */
export interface StaleKVLocation<KV> {
  /** Begins a new request: the location accepts `operationsPerRequest` calls again. */
  nextRequest(): void
  /**
   * Returns another location of the same KV namespace, with the same options. It has read nothing yet, and
   * has its own count of operations. The locations share the limit of writes and the lag of listings.
   */
  location(): KV & StaleKVLocation<KV>
}

const METHODS = ['get', 'getWithMetadata', 'put', 'delete', 'list'] as const

const MILLISECONDS = [
  'a number of milliseconds, 0 or more',
  (option: unknown) => Number.isFinite(option) && (option as number) >= 0,
] as const
const COUNT = [
  'a positive integer or Infinity',
  (option: unknown) =>
    option === Infinity || (Number.isSafeInteger(option) && (option as number) > 0),
] as const
const OPTIONS: OptionTypes = {
  staleMs: MILLISECONDS,
  listLagMs: MILLISECONDS,
  seesOwnWrites: BOOLEAN,
  writesPerSecond: COUNT,
  operationsPerRequest: COUNT,
  now: FUNCTION,
}

/**
 * Wraps a KV namespace, such as Miniflare's, and returns one that shows what Workers KV does and a
 * simulator does not:
 *
 * - A location keeps what it read for `staleMs`, also that a key is absent. So it sees the writes of
 *   another location late.
 * - For `listLagMs` a listing lacks a key that was just written, has one that was just deleted, and
 *   shows the metadata from before a write.
 * - A second write to a key within a second rejects with `KV PUT failed: 429 Too Many Requests`.
 * - A call after the last operation of a request rejects with
 *   `Too many API requests by single Worker invocation.` A read of many keys is one operation.
 *
 * The namespace that it returns is one location; `location()` returns another. Writes that bypass it
 * are not delayed in listings. A cached value is shown for `staleMs` even if it expires meanwhile.
 * It needs the methods `get`, `getWithMetadata`, `put`, `delete` and `list` of the namespace.
 *
 * @throws StoreError `INVALID_VALUE` if an option is wrong, or `binding` is not a KV namespace
 * @example
 * let time = Date.now()
 * const here = staleKV(env.BOT_KV, { now: () => time })
 * const there = here.location()
 * await there.get('k') // null
 * await here.put('k', 'new')
 * await there.get('k') // null, for the next 60 seconds
 * time += 60_000
 * await there.get('k') // 'new'
 */
export function staleKV<KV extends object>(
  binding: KV,
  options?: StaleKVOptions,
): KV & StaleKVLocation<KV> {
  const methods = binding as Partial<Record<string, unknown>> | null
  if (!METHODS.every((method) => typeof methods?.[method] === 'function')) {
    throw new StoreError(
      'INVALID_VALUE',
      `staleKV() needs a KV namespace, with the methods ${METHODS.join(', ')}; received ${quote(binding)}. Pass the binding itself, such as env.BOT_KV.`,
    )
  }
  const given = checkOptions<StaleKVOptions>(options, OPTIONS)
  const settings: Settings = {
    staleMs: given.staleMs ?? 60_000,
    listLagMs: given.listLagMs ?? 60_000,
    seesOwnWrites: given.seesOwnWrites ?? true,
    writesPerSecond: given.writesPerSecond ?? 1,
    operationsPerRequest: given.operationsPerRequest ?? 1000,
    now: given.now ?? Date.now,
  }
  const location = new KVLocation(
    binding as unknown as Binding,
    settings,
    new RecentWrites(settings),
  )
  return location as unknown as KV & StaleKVLocation<KV>
}
