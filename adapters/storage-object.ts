// The object of the Durable Object adapter
//
// A namespace is one such object, with its entries under the keys `botshelf/1//:key` (prefix and
// namespace are empty: the object's name has them). The object receives the messages of protocol.ts,
// runs them on a `CountingEngine`, and replies with data.
// After a write it sets its alarm for the next expiry; the alarm removes expired entries.
//
// This is the only file of the package that imports `cloudflare:workers`.

import { DurableObject } from 'cloudflare:workers'
import { CountingEngine } from './durable-object/counting-engine.ts'
import { encodeError } from './durable-object/errors.ts'
import { FORMAT_PREFIX } from './durable-object/object-engine.ts'
import {
  type FailedGroup,
  isCompatible,
  PROTOCOL_VERSION,
  type RpcMessage,
  type RpcReply,
  unsupported,
} from './durable-object/protocol.ts'
import { decodeChange, decodeEntry } from './durable-object/tuples.ts'

/** The most that a reply carries. The platform's own limit is 32 MiB (workerd 1.20261102). */
const MAX_REPLY_BYTES = 12 * 1024 * 1024
/** The runtime rejects an alarm later than some time in 2189 (workerd 1.20261102). */
const MAX_ALARM_TIME = Date.UTC(2189, 0)
/** Present if the index of namespaces contains this object's namespace. */
const INDEXED_KEY = `${FORMAT_PREFIX}indexed`

/**
 * Stores one namespace of `botshelf/durable-object`. Export it from the Worker's main module and
 * bind it in `wrangler.toml`; a Worker then reaches it through the DurableObject backend. It owns
 * all of its storage and its alarm.
 *
 * @example
 * export { StorageObject } from 'botshelf/storage-object'
 *
 * // In wrangler.toml:
 * // [[durable_objects.bindings]]
 * // name = "BOT_STORAGE"
 * // class_name = "StorageObject"
 * //
 * // [[migrations]]
 * // tag = "v1"
 * // new_sqlite_classes = ["StorageObject"]
 */
export class StorageObject extends DurableObject {
  readonly #engine: CountingEngine
  /** The time of the alarm, infinite if none is set; `undefined` if it is not known. */
  #alarmTime: number | undefined

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env)
    this.#engine = new CountingEngine(ctx.storage, `${FORMAT_PREFIX}/:`)
  }

  /** Handles one message of the adapter. Resolves to data, also for an error. */
  async call(message: RpcMessage): Promise<RpcReply> {
    const isWrite = message?.type === 'commit' || message?.type === 'clear'
    try {
      if (!isCompatible(message?.v)) {
        throw unsupported(`protocol version ${String(message?.v)}`)
      }
      return { v: PROTOCOL_VERSION, ...(await this.#handle(message)) }
    } catch (error) {
      const outcome = isWrite ? 'unknown' : 'not-applied'
      return { v: PROTOCOL_VERSION, error: encodeError(error, outcome) }
    }
  }

  /** Removes the entries that have expired; the runtime calls it. */
  override async alarm(): Promise<void> {
    this.#alarmTime = undefined
    this.#engine.sweep(Date.now())
    await this.#scheduleAlarm(this.#engine.nextExpiry())
  }

  async #handle(message: RpcMessage): Promise<Omit<RpcReply, 'v'>> {
    switch (message.type) {
      case 'get':
        return { entries: this.#engine.read(message.keys, MAX_REPLY_BYTES) }
      case 'commit':
        return this.#commit(message)
      case 'list':
        return { page: this.#engine.list(message, MAX_REPLY_BYTES) }
      case 'len':
        return { len: this.#engine.len(message.now) }
      case 'clear':
        this.#engine.clear()
        return {}
      case 'markIndexed':
        this.ctx.storage.kv.put(INDEXED_KEY, true)
        return {}
      default:
        throw unsupported(`request ${String((message as { type: unknown }).type)}`)
    }
  }

  async #commit({
    changes,
    groupSizes,
  }: RpcMessage & { type: 'commit' }): Promise<Omit<RpcReply, 'v'>> {
    let end = 0
    const results = this.#engine.commit(groupSizes.map((size) => changes.slice(end, (end += size))))
    let nextExpiry = Infinity
    for (const change of changes) {
      const { entry } = decodeChange(change)
      if (entry) nextExpiry = Math.min(nextExpiry, decodeEntry(entry).expires ?? nextExpiry)
    }
    await this.#scheduleAlarm(nextExpiry)
    const failed: FailedGroup[] = []
    for (const [groupIndex, result] of results.entries()) {
      if (result === 'applied') continue
      const reason = result === 'conflict' ? result : encodeError(result, 'unknown')
      failed.push({ groupIndex, reason })
    }
    const notIndexed =
      failed.length < results.length && this.ctx.storage.kv.get(INDEXED_KEY) === undefined
    return { groupCount: results.length, failed, notIndexed }
  }

  /** Moves the alarm to `time` if that is earlier. Never rejects: readers ignore what has expired. */
  async #scheduleAlarm(time: number): Promise<void> {
    if (time >= MAX_ALARM_TIME) return
    try {
      this.#alarmTime ??= (await this.ctx.storage.getAlarm()) ?? Infinity
      if (time >= this.#alarmTime) return
      this.#alarmTime = time
      // The runtime takes a time in the past as now, but rejects one before 1970 (workerd 1.20261102).
      await this.ctx.storage.setAlarm(Math.max(time, 1))
    } catch {
      this.#alarmTime = undefined
    }
  }
}
