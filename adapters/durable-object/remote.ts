import { BatchStorageBase } from '../../src/batch-storage.js'
import { StoreError, type WriteOutcome } from '../../src/errors.js'
import type { Change, Entry, KeysOptions, Outcome, Traits } from '../../src/storage.js'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from './engine.js'
import {
  fromData,
  outcomeFromData,
  PROTOCOL,
  type Reply,
  type Request,
  speaks,
  translate,
} from './protocol.js'

/** The part of a `DurableObjectNamespace` that is used; ours, so that no Workers types are needed. */
export interface ObjectBinding {
  idFromName(name: string): unknown
  get(id: never): { call(request: unknown): Promise<unknown> }
}

/** The most that one message may carry, in bytes; the platform's own limit is 32 MiB. */
const MAX_MESSAGE_BYTES = 24 * 1024 * 1024

type Question = Request extends infer R ? (R extends { v: number } ? Omit<R, 'v'> : never) : never

/** Calls to one object. Each takes a fresh stub, since one that broke stays broken. */
export class ObjectClient {
  readonly #binding: ObjectBinding
  readonly #name: string

  constructor(binding: ObjectBinding, name: string) {
    this.#binding = binding
    this.#name = name
  }

  /** @param lost what is known of a write whose answer does not come */
  async call(question: Question, lost: WriteOutcome = 'not-applied'): Promise<Reply> {
    let reply: Reply
    try {
      const stub = this.#binding.get(this.#binding.idFromName(this.#name) as never)
      reply = (await stub.call({ v: PROTOCOL, ...question })) as Reply
    } catch (error) {
      throw translate(error, lost)
    }
    if (!speaks(reply?.v)) {
      throw new StoreError(
        'VERSION_MISMATCH',
        `The object answered in version ${String(reply?.v)} of the protocol; this client speaks ${PROTOCOL}.`,
        { outcome: lost },
      )
    }
    if (reply.error) throw fromData(reply.error)
    return reply
  }

  async *list(question: { prefix: string; now: number; values: boolean }): AsyncGenerator<Reply> {
    let after: string | undefined
    do {
      const reply = await this.call({
        op: 'list',
        ...question,
        ...(after === undefined ? {} : { after }),
      })
      yield reply
      after = reply.last
    } while (after !== undefined)
  }
}

/** A namespace that is an object of its own, reached from a Worker. */
export class RemoteStorage extends BatchStorageBase {
  override readonly traits: Traits = {
    atomic: 'global',
    durable: true,
    consistency: 'strong',
    gather: false,
    maxKeyBytes: MAX_KEY_BYTES,
    maxValueBytes: MAX_VALUE_BYTES,
    watch: false,
  }
  readonly #object: ObjectClient
  readonly #list: () => Promise<void>

  /** @param list puts the namespace into the index of namespaces */
  constructor(object: ObjectClient, list: () => Promise<void>) {
    super()
    this.#object = object
    this.#list = list
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>()
    for (let next = 0; next < keys.length;) {
      const reply = await this.#object.call({ op: 'get', keys: keys.slice(next) })
      for (const [key, entry] of reply.found ?? []) found.set(key, entry)
      if (!reply.done)
        throw new StoreError('BACKEND_ERROR', 'The object answered for none of the keys.')
      next += reply.done
    }
    return found
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    for (const message of messages(groups)) {
      try {
        outcomes.push(...(await this.#send(message)))
      } catch (error) {
        // What became of the other messages is known.
        outcomes.push(...message.map(() => translate(error, 'unknown')))
      }
    }
    return outcomes
  }

  async #send(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    const bytes = groups.reduce((sum, group) => sum + sizeOf(group), 0)
    if (bytes > MAX_MESSAGE_BYTES) {
      const said = `The changes take ${bytes} bytes together; one message to an object carries at most ${MAX_MESSAGE_BYTES}.`
      return [new StoreError('TOO_LARGE', said)]
    }
    const reply = await this.#object.call({ op: 'commit', groups }, 'unknown')
    if (reply.unlisted) await this.#list()
    if (reply.outcomes?.length === groups.length) return reply.outcomes.map(outcomeFromData)
    throw new StoreError('BACKEND_ERROR', 'The object did not answer for every group.')
  }

  async *entries({ prefix = '' }: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    const pages = this.#object.list({ prefix, now: Number.NEGATIVE_INFINITY, values: true })
    for await (const { entries = [] } of pages)
      for (const [key, entry] of entries) yield [key, entry]
  }

  async *liveKeys(now: number, { prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    for await (const { keys = [] } of this.#object.list({ prefix, now, values: false })) yield* keys
  }

  async liveLen(now: number): Promise<number> {
    return (await this.#object.call({ op: 'len', now })).len ?? 0
  }

  async clear(): Promise<void> {
    await this.#object.call({ op: 'clear' }, 'unknown')
  }

  /** Nothing to do: what the object answered had passed its output gate. */
  async close(): Promise<void> {}
}

/** The groups in messages that an object can be sent; one that does not fit goes by itself. */
function messages(groups: readonly (readonly Change[])[]): (readonly (readonly Change[])[])[] {
  const all: (readonly Change[])[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const group of groups) {
    const more = sizeOf(group)
    bytes += more
    if (bytes <= MAX_MESSAGE_BYTES) all.at(-1)?.push(group)
    else {
      all.push([group])
      bytes = more
    }
  }
  return all
}

function sizeOf(group: readonly Change[]): number {
  let bytes = 0
  for (const change of group) {
    bytes += 256 + 2 * change.key.length + ('entry' in change ? change.bytes : 0)
  }
  return bytes
}
