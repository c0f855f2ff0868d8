import { StoreError, type WriteOutcome } from '../../src/errors.ts'
import type { Change, Entry, CommitResult } from '../../src/storage.ts'
import { decodeError, fromObjectError } from './errors.ts'
import { ObjectStorageBase } from './object-storage-base.ts'
import {
  isCompatible,
  type ListOptions,
  type ListPage,
  PROTOCOL_VERSION,
  type RpcReply,
  type RpcRequest,
  unsupported,
} from './protocol.ts'
import { decodeEntries, encodeChanges } from './tuples.ts'

/**
 * The part of a `DurableObjectNamespace` of `StorageObject` that botshelf uses. Declared here, so
 * that users need no Workers types.
 */
export interface ObjectBinding {
  idFromName(name: string): unknown
  get(id: never): { call(request: unknown): Promise<unknown> }
}

/** The most that one message may carry. The platform's own limit is 32 MiB (workerd 1.20261102). */
const MAX_MESSAGE_BYTES = 24 * 1024 * 1024

/** A namespace that is an object of its own, reached from a Worker. */
export class RpcObjectStorage extends ObjectStorageBase {
  readonly #binding: ObjectBinding
  readonly #prefix: string
  readonly #namespace: string
  readonly #index: RpcObjectStorage | undefined

  /** @param index the index of namespaces, to which the first write adds this one */
  constructor(binding: ObjectBinding, prefix: string, namespace: string, index?: RpcObjectStorage) {
    super('global')
    this.#binding = binding
    this.#prefix = prefix
    this.#namespace = namespace
    this.#index = index
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const found: [key: string, entry: Entry][] = []
    for (const message of splitIntoMessages(keys, keyBytes)) {
      // An object may reply for the first keys only, if its reply would be too large.
      for (let rest = message; rest.length > 0;) {
        const { entries = [] } = await this.#call({ type: 'get', keys: rest })
        if (entries.length === 0) throw incompleteReply('the entries')
        for (const entry of decodeEntries(rest, entries)) found.push(entry)
        rest = rest.slice(entries.length)
      }
    }
    return new Map(found)
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly CommitResult[]> {
    const results: (readonly CommitResult[])[] = []
    for (const message of splitIntoMessages(groups, groupBytes)) {
      try {
        results.push(await this.#commitMessage(message))
      } catch (error) {
        // The results of the other messages are known, so the whole call must not fail.
        results.push(message.map(() => fromObjectError(error, 'unknown')))
      }
    }
    return results.flat()
  }

  async liveLen(now: number): Promise<number> {
    const { len } = await this.#call({ type: 'len', now })
    if (len === undefined) throw incompleteReply('the count')
    return len
  }

  async clear(): Promise<void> {
    await this.#call({ type: 'clear' }, 'unknown')
  }

  /** Does nothing: an object replies only after its writes are on disk (its output gate). */
  async close(): Promise<void> {}

  protected async list(options: ListOptions): Promise<ListPage> {
    const { page } = await this.#call({ type: 'list', ...options })
    if (page === undefined) throw incompleteReply('the page')
    return page
  }

  async #commitMessage(groups: readonly (readonly Change[])[]): Promise<readonly CommitResult[]> {
    const changes = groups.flat()
    // Only a group that has a message of its own can be too large.
    const bytes = groupBytes(changes)
    if (bytes > MAX_MESSAGE_BYTES) {
      return [
        new StoreError(
          'TOO_LARGE',
          `The changes take ${bytes} bytes together; one message to an object carries at most ${MAX_MESSAGE_BYTES}. Write fewer at once.`,
        ),
      ]
    }
    const request = {
      type: 'commit',
      changes: encodeChanges(changes),
      groupSizes: groups.map(({ length }) => length),
    } as const
    const { groupCount, failed = [], notIndexed } = await this.#call(request, 'unknown')
    if (notIndexed && this.#index) await this.#addToIndex(this.#index)
    if (groupCount !== groups.length) throw incompleteReply('some groups')
    const results: CommitResult[] = groups.map(() => 'applied')
    for (const { groupIndex, reason } of failed) {
      results[groupIndex] = reason === 'conflict' ? reason : decodeError(reason)
    }
    return results
  }

  /** Adds the namespace to the index. If that fails, the object requests it again. */
  async #addToIndex(index: RpcObjectStorage): Promise<void> {
    try {
      const namespace = this.#namespace
      await index.set(namespace, { value: null, version: namespace })
      await this.#call({ type: 'markIndexed' })
    } catch {
      // The write itself succeeded.
    }
  }

  /** @param outcomeIfLost the outcome of a write whose reply does not arrive */
  async #call(request: RpcRequest, outcomeIfLost: WriteOutcome = 'not-applied'): Promise<RpcReply> {
    let reply: RpcReply
    try {
      // A new stub for each call: a stub whose object was reset fails forever.
      const stub = this.#binding.get(
        this.#binding.idFromName(this.#prefix + this.#namespace) as never,
      )
      reply = (await stub.call({ v: PROTOCOL_VERSION, ...request })) as RpcReply
    } catch (error) {
      throw fromObjectError(error, outcomeIfLost)
    }
    if (!isCompatible(reply?.v)) {
      throw unsupported(`protocol version ${String(reply?.v)}`, outcomeIfLost)
    }
    if (reply.error) throw decodeError(reply.error)
    return reply
  }
}

/** Splits a list so that each part fits into a message; an item that is too large has its own. */
function splitIntoMessages<T>(
  items: readonly T[],
  bytesOfItem: (item: T) => number,
): (readonly T[])[] {
  const messages: T[][] = []
  let total = Infinity
  for (const item of items) {
    const bytes = bytesOfItem(item)
    total += bytes
    if (total <= MAX_MESSAGE_BYTES) messages.at(-1)?.push(item)
    else {
      messages.push([item])
      total = bytes
    }
  }
  return messages
}

function keyBytes(key: string): number {
  return 16 + 2 * key.length
}

function groupBytes(changes: readonly Change[]): number {
  let bytes = 0
  for (const change of changes) {
    bytes += 256 + 2 * change.key.length + ('entry' in change ? change.bytes : 0)
  }
  return bytes
}

function incompleteReply(part: string): StoreError {
  return new StoreError(
    'BACKEND_ERROR',
    `The object's reply lacks ${part}. Deploy the object and its Worker with one version of botshelf.`,
  )
}
