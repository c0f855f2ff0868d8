import { StoreError, type WriteOutcome } from '../../src/errors.ts'
import type { Change, Entry, Outcome } from '../../src/storage.ts'
import type { PageOptions } from './engine.ts'
import { ObjectStorageBase } from './storage-base.ts'
import {
  fromData,
  type Group,
  type Page,
  PROTOCOL,
  type Question,
  type Reply,
  speaks,
  toEntries,
  toRecords,
  translate,
} from './protocol.ts'

/** The part of a `DurableObjectNamespace` that is used; ours, so that no Workers types are needed. */
export interface ObjectBinding {
  idFromName(name: string): unknown
  get(id: never): { call(request: unknown): Promise<unknown> }
}

/** The most that one message may carry, in bytes; the platform's own limit is 32 MiB. */
const MAX_MESSAGE_BYTES = 24 * 1024 * 1024

/** A namespace that is an object of its own, reached from a Worker. */
export class RpcObjectStorage extends ObjectStorageBase {
  readonly #binding: ObjectBinding
  readonly #name: string
  readonly #enlist: (() => Promise<void>) | undefined

  /** @param enlist puts the namespace into the index of namespaces */
  constructor(binding: ObjectBinding, name: string, enlist?: () => Promise<void>) {
    super('global')
    this.#binding = binding
    this.#name = name
    this.#enlist = enlist
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const found: [string, Entry][] = []
    for (const message of messages(keys, sizeOfKey)) {
      for (let rest = message; rest.length > 0;) {
        const { records = [] } = await this.#call({ op: 'get', keys: rest })
        if (records.length === 0) throw unanswered('any of the keys')
        for (const entry of toEntries(rest, records)) found.push(entry)
        rest = rest.slice(records.length)
      }
    }
    return new Map(found)
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    const outcomes: (readonly Outcome[])[] = []
    for (const message of messages(groups.map(toRecords), sizeOfGroup)) {
      try {
        outcomes.push(await this.#send(message))
      } catch (error) {
        // What became of the other messages is known.
        outcomes.push(message.map(() => translate(error, 'unknown')))
      }
    }
    return outcomes.flat()
  }

  async page(options: PageOptions): Promise<Page> {
    const { page } = await this.#call({ op: 'list', ...options })
    if (page === undefined) throw unanswered('the listing')
    return page
  }

  async liveLen(now: number): Promise<number> {
    const { len } = await this.#call({ op: 'len', now })
    if (len === undefined) throw unanswered('the count')
    return len
  }

  async clear(): Promise<void> {
    await this.#call({ op: 'clear' }, 'unknown')
  }

  /** Tells the object that its namespace is in the index. */
  async listed(): Promise<void> {
    await this.#call({ op: 'listed' })
  }

  /** Nothing to do: what the object answered had passed its output gate. */
  async close(): Promise<void> {}

  async #send(groups: readonly Group[]): Promise<readonly Outcome[]> {
    const bytes = groups.length === 1 ? sizeOfGroup(groups[0] ?? []) : 0
    if (bytes > MAX_MESSAGE_BYTES) {
      const said = `The changes take ${bytes} bytes together; one message to an object carries at most ${MAX_MESSAGE_BYTES}.`
      return [new StoreError('TOO_LARGE', said)]
    }
    const question = {
      op: 'commit',
      changes: groups.flat(),
      groups: groups.map(({ length }) => length),
    } as const
    const { done, failed = [], unlisted } = await this.#call(question, 'unknown')
    if (unlisted) await this.#enlist?.()
    if (done !== groups.length) throw unanswered('every group')
    const outcomes: Outcome[] = groups.map(() => 'applied')
    for (const [group, why] of failed) outcomes[group] = why === 'conflict' ? why : fromData(why)
    return outcomes
  }

  /** @param lost what is known of a write whose answer does not come */
  async #call(question: Question, lost: WriteOutcome = 'not-applied'): Promise<Reply> {
    let reply: Reply
    try {
      // A fresh stub for each call, since one that broke stays broken.
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
}

/** In parts that an object can be sent; what does not fit goes by itself. */
function messages<T>(all: readonly T[], sizeOf: (each: T) => number): (readonly T[])[] {
  const parts: T[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const each of all) {
    const more = sizeOf(each)
    bytes += more
    if (bytes <= MAX_MESSAGE_BYTES) parts.at(-1)?.push(each)
    else {
      parts.push([each])
      bytes = more
    }
  }
  return parts
}

function sizeOfKey(key: string): number {
  return 16 + 2 * key.length
}

function sizeOfGroup(group: Group): number {
  let bytes = 0
  for (const [key, , , , size = 0] of group) bytes += 256 + 2 * key.length + size
  return bytes
}

function unanswered(what: string): StoreError {
  return new StoreError('BACKEND_ERROR', `The object did not answer for ${what}.`)
}
