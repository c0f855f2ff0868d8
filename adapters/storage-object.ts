import { DurableObject } from 'cloudflare:workers'
import { StoreError } from '../src/errors.js'
import { ObjectEngine, ROOT } from './durable-object/engine.js'
import { PROTOCOL, type Reply, type Request, speaks, toData } from './durable-object/protocol.js'

/** The most a reply carries, in bytes; the platform's own limit is 32 MiB. */
const MAX_REPLY_BYTES = 12 * 1024 * 1024
const LISTED = `${ROOT}listed`

/**
 * The object behind `botshelf/durable-object`, one for each namespace. A Worker exports it and
 * lists it under `new_sqlite_classes`; nothing else is to be done with it. It owns all of its
 * storage and its alarm, which reclaims what has expired.
 */
export class StorageObject extends DurableObject {
  readonly #engine: ObjectEngine
  #alarm: number | undefined

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env)
    this.#engine = new ObjectEngine(ctx.storage, `${ROOT}/:`, true)
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
    const { next } = this.#engine.sweep(Date.now())
    if (next < Number.POSITIVE_INFINITY) await this.#wake(next)
  }

  async #answer(request: Request): Promise<Omit<Reply, 'v'>> {
    switch (request.op) {
      case 'get':
        return this.#engine.read(request.keys, MAX_REPLY_BYTES)
      case 'commit':
        return this.#commit(request.groups)
      case 'list': {
        const { prefix, after, now, values } = request
        const { entries, last } = this.#engine.page({
          prefix,
          after,
          now,
          values,
          maxBytes: MAX_REPLY_BYTES,
        })
        const more = last === undefined ? {} : { last }
        return values ? { entries, ...more } : { keys: entries.map(([key]) => key), ...more }
      }
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

  async #commit(groups: (Request & { op: 'commit' })['groups']): Promise<Omit<Reply, 'v'>> {
    const outcomes = this.#engine.commit(groups)
    let wake = Number.POSITIVE_INFINITY
    for (const change of groups.flat()) {
      if ('entry' in change) wake = Math.min(wake, change.entry.expires ?? wake)
    }
    if (wake < Number.POSITIVE_INFINITY) await this.#wake(wake)
    const unlisted = outcomes.includes('applied') && this.ctx.storage.kv.get(LISTED) === undefined
    return {
      outcomes: outcomes.map((outcome) =>
        typeof outcome === 'string' ? outcome : toData(outcome, 'unknown'),
      ),
      ...(unlisted ? { unlisted } : {}),
    }
  }

  async #wake(at: number): Promise<void> {
    this.#alarm ??= (await this.ctx.storage.getAlarm()) ?? Number.POSITIVE_INFINITY
    if (at >= this.#alarm) return
    this.#alarm = at
    try {
      await this.ctx.storage.setAlarm(at)
    } catch (error) {
      this.#alarm = undefined
      throw error
    }
  }
}

function unspoken(what: string): StoreError {
  return new StoreError(
    'VERSION_MISMATCH',
    `The object does not speak ${what}; it runs another version of botshelf than its client.`,
  )
}
