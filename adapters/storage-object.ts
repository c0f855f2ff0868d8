import { DurableObject } from 'cloudflare:workers'
import { StoreError } from '../src/errors.ts'
import { CountingEngine } from './durable-object/counting-engine.ts'
import { ROOT } from './durable-object/engine.ts'
import {
  type ErrorData,
  PROTOCOL,
  type Reply,
  type Request,
  speaks,
  toData,
} from './durable-object/protocol.ts'

/** The most a reply carries, in bytes; the platform's own limit is 32 MiB. */
const MAX_REPLY_BYTES = 12 * 1024 * 1024
/** No alarm can be set for later: the runtime takes no date after 2189. */
const LATEST_ALARM = Date.UTC(2189, 0)
const LISTED = `${ROOT}listed`

/**
 * The object behind `botshelf/durable-object`, one for each namespace. A Worker exports it and
 * lists it under `new_sqlite_classes`; nothing else is to be done with it. It owns all of its
 * storage and its alarm, which reclaims what has expired.
 */
export class StorageObject extends DurableObject {
  readonly #engine: CountingEngine
  #alarm: number | undefined

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env)
    this.#engine = new CountingEngine(ctx.storage, `${ROOT}/:`)
  }

  /** Answers one message with data, errors too; nothing is thrown. */
  async call(request: Request): Promise<Reply> {
    const writes = request?.op === 'commit' || request?.op === 'clear'
    try {
      if (!speaks(request?.v)) throw unspoken(`version ${String(request?.v)} of the protocol`)
      return { v: PROTOCOL, ...(await this.#answer(request)) }
    } catch (error) {
      return { v: PROTOCOL, error: toData(error, writes ? 'unknown' : 'not-applied') }
    }
  }

  override async alarm(): Promise<void> {
    this.#alarm = undefined
    this.#engine.sweep(Date.now())
    await this.#wake(this.#engine.nextExpiry())
  }

  async #answer(request: Request): Promise<Omit<Reply, 'v'>> {
    switch (request.op) {
      case 'get':
        return { records: this.#engine.read(request.keys, MAX_REPLY_BYTES) }
      case 'commit':
        return this.#commit(request)
      case 'list':
        return { page: this.#engine.page(request, MAX_REPLY_BYTES) }
      case 'len':
        return { len: this.#engine.len(request.now) }
      case 'clear':
        this.#engine.clear()
        return {}
      case 'listed':
        this.ctx.storage.kv.put(LISTED, true)
        return {}
      default:
        throw unspoken(`the operation ${String((request as { op: unknown }).op)}`)
    }
  }

  async #commit({ changes, groups }: Request & { op: 'commit' }): Promise<Omit<Reply, 'v'>> {
    let end = 0
    const outcomes = this.#engine.commit(
      groups.map((length) => changes.slice(end, (end += length))),
    )
    let wake = Number.POSITIVE_INFINITY
    for (const [, , , , , expires = wake] of changes) wake = Math.min(wake, expires)
    await this.#wake(wake)
    const failed: [number, 'conflict' | ErrorData][] = []
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome === 'applied') continue
      failed.push([index, outcome === 'conflict' ? outcome : toData(outcome, 'unknown')])
    }
    const applied = failed.length < outcomes.length
    const unlisted = applied && this.ctx.storage.kv.get(LISTED) === undefined
    return { done: outcomes.length, failed, unlisted }
  }

  /** Nothing waits for the alarm: what has expired is not shown, and reclaimed by a later one. */
  async #wake(at: number): Promise<void> {
    if (at >= LATEST_ALARM) return
    try {
      this.#alarm ??= (await this.ctx.storage.getAlarm()) ?? Number.POSITIVE_INFINITY
      if (at >= this.#alarm) return
      this.#alarm = at
      // A time that has passed is taken as now, but not one before 1970.
      await this.ctx.storage.setAlarm(Math.max(at, 1))
    } catch {
      this.#alarm = undefined
    }
  }
}

function unspoken(what: string): StoreError {
  return new StoreError(
    'VERSION_MISMATCH',
    `The object does not speak ${what}; it runs another version of botshelf than its client.`,
  )
}
