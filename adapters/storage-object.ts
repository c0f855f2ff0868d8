// The object of the Durable Object adapter
//
// A namespace is one such object, with its entries under the keys `botshelf/1//:key` (prefix and
// namespace are empty: the object's name has them). The object receives the messages of protocol.ts,
// runs them on a `CountingEngine`, and replies with data. `GroupWriter` runs the writes, in the order
// of the turns that `TurnOrder` grants. After a write the object sets its alarm for the next expiry, or
// for two minutes after a removal; the alarm removes expired entries and what is kept of removed ones.
//
// This is the only file of the package that imports `cloudflare:workers`.

import { DurableObject } from 'cloudflare:workers'
import { quote } from '../src/errors.ts'
import { checkMessage } from './durable-object/check-message.ts'
import { CountingEngine } from './durable-object/counting-engine.ts'
import { fromObjectError } from './durable-object/errors.ts'
import { GroupWriter } from './durable-object/group-writer.ts'
import { FORMAT_PREFIX } from './durable-object/object-engine.ts'
import { MAX_REPLY_BYTES } from './durable-object/message-size.ts'
import {
  isCompatible,
  PROTOCOL_VERSION,
  type RpcMessage,
  type RpcReply,
  unsupported,
} from './durable-object/protocol.ts'
import { TurnOrder } from './durable-object/turn-order.ts'

/** The runtime rejects an alarm later than some time in 2189 (workerd 1.20261102). */
const MAX_ALARM_TIME = Date.UTC(2189, 0)
/** Present if the index of namespaces contains this object's namespace. */
const INDEXED_KEY = `${FORMAT_PREFIX}indexed`
/** The requests that may fail halfway. */
const WRITES: readonly unknown[] = ['commit', 'perform', 'resend', 'drop']

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
  readonly #turns = new TurnOrder()
  readonly #writer: GroupWriter
  /** The time of the alarm, infinite if none is set; `undefined` if it is not known. */
  #alarmTime: number | undefined

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env)
    this.#engine = new CountingEngine(ctx.storage, `${FORMAT_PREFIX}/:`)
    this.#writer = new GroupWriter(this.#engine, this.#turns)
  }

  /**
   * Handles one message of the adapter. Resolves to data, also for an error; a malformed message
   * changes nothing.
   */
  async call(message: RpcMessage): Promise<RpcReply> {
    try {
      if (!isCompatible(message?.v)) {
        throw unsupported(`protocol version ${quote(message?.v)}`)
      }
      checkMessage(message)
      return { v: PROTOCOL_VERSION, ...(await this.#handle(message)) }
    } catch (error) {
      const outcome = WRITES.includes(message?.type) ? 'unknown' : 'not-applied'
      return { v: PROTOCOL_VERSION, error: fromObjectError(error, outcome).toJSON() }
    }
  }

  /** Removes what has expired, and what is kept of removed keys; the runtime calls it. */
  override async alarm(): Promise<void> {
    this.#alarmTime = undefined
    await this.#scheduleAlarm(this.#engine.sweepAll(Date.now()))
  }

  async #handle(message: RpcMessage): Promise<Omit<RpcReply, 'v'>> {
    switch (message.type) {
      case 'get':
        return { entries: this.#engine.read(message.keys) }
      case 'commit':
      case 'perform':
      case 'resend': {
        const reply = await this.#writer.write(message)
        await this.#scheduleAlarm(this.#engine.takeNextSweep())
        // A message that was sent again may have been applied before the object was reset.
        const mayHaveStored = this.#engine.hasStored || message.type === 'resend'
        return { ...reply, notIndexed: mayHaveStored && !this.#isIndexed() }
      }
      case 'list':
        return { page: this.#engine.list(message, MAX_REPLY_BYTES) }
      case 'len':
        return { len: this.#engine.len(message.now) }
      case 'clear':
        this.#engine.clearPrefix('')
        return {}
      case 'clearPrefix':
        this.#engine.clearPrefix(message.prefix)
        return {}
      case 'drop':
        return this.#drop()
      case 'turn': {
        const turn = await this.#turns.request(message)
        return { turn, entries: this.#engine.read(message.keys) }
      }
      case 'release':
        this.#turns.release(message.turn)
        return {}
      case 'markIndexed':
        this.ctx.storage.kv.put(INDEXED_KEY, true)
        return {}
      default:
        throw unsupported(`the request ${quote((message as { type: unknown }).type)}`)
    }
  }

  #isIndexed(): boolean {
    return this.ctx.storage.kv.get(INDEXED_KEY) !== undefined
  }

  /** Deletes everything: the entries, the mark that the index has this namespace, and the alarm. */
  async #drop(): Promise<Omit<RpcReply, 'v'>> {
    this.#alarmTime = undefined
    this.#engine.beforeDeleteAll()
    await this.ctx.storage.deleteAll()
    // Before compatibility date 2026-02-24, `deleteAll` keeps the alarm.
    await this.ctx.storage.deleteAlarm()
    return {}
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
