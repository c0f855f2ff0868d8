import { noop, sleep } from '../../src/async.ts'
import { isStoreError, StoreError, type WriteOutcome } from '../../src/errors.ts'
import type { Entry } from '../../src/entry.ts'
import type {
  Change,
  CommitOptions,
  CommitResult,
  PerformResult,
  StepChange,
} from '../../src/storage.ts'
import { fromObjectError } from './errors.ts'
import { checkMessageBytes, groupBytes, keyBytes, splitIntoMessages } from './message-size.ts'
import { ObjectStorageBase } from './object-storage-base.ts'
import {
  isCompatible,
  type ListOptions,
  type ListPage,
  PROTOCOL_VERSION,
  type RpcReply,
  type RpcRequest,
  unsupported,
  type WriteRequest,
} from './protocol.ts'
import { RpcTurn, RpcTurns } from './rpc-turns.ts'
import { createColumns, decodeEntries, encodeChanges } from './tuples.ts'

/** How often a write whose reply was lost is sent again. With the waits it takes up to 2.5 seconds. */
const MAX_RESENDS = 7

/** The part of a stub of `StorageObject` that botshelf uses. */
export interface ObjectStub {
  call(request: unknown): Promise<unknown>
}

/** Changes that are applied whole or not at all. */
type Group = readonly (Change | StepChange)[]
/** What an object replied for one group: the results of its changes, or why it was not applied. */
type GroupReply = readonly unknown[] | 'conflict' | StoreError

/** A namespace that is an object of its own, reached from a Worker. */
export class RpcObjectStorage extends ObjectStorageBase {
  readonly copiesValues = true
  readonly turns: RpcTurns
  readonly #getStub: (namespace: string) => ObjectStub
  readonly #namespace: string
  readonly #index: RpcObjectStorage | undefined

  /**
   * @param getStub returns a new stub of the object of a namespace
   * @param index the index of namespaces, to which the first write adds this one
   */
  constructor(
    getStub: (namespace: string) => ObjectStub,
    namespace: string,
    index?: RpcObjectStorage,
  ) {
    super('global')
    this.turns = new RpcTurns((request) => this.#call(request))
    this.#getStub = getStub
    this.#namespace = namespace
    this.#index = index
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>()
    for (const message of splitIntoMessages(keys, keyBytes)) {
      // An object may reply for the first keys only, if its reply would be too large.
      for (let rest = message; rest.length > 0;) {
        const { entries = createColumns() } = await this.#call({ type: 'get', keys: rest })
        const { length } = entries.versions
        if (length === 0) throw incompleteReply('the entries')
        decodeEntries(rest, entries, found)
        rest = rest.slice(length)
      }
    }
    return found
  }

  async commit(
    groups: readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]> {
    const results = await this.#write(groups, options)
    return results.map((result) => (Array.isArray(result) ? 'applied' : (result as CommitResult)))
  }

  async perform(groups: readonly Group[], options?: CommitOptions): Promise<PerformResult[]> {
    const results = await this.#write(groups, options)
    // Without conditions there is no conflict.
    return results.map((result) => (result === 'conflict' ? incompleteReply('a result') : result))
  }

  async liveLen(now: number): Promise<number> {
    const { len } = await this.#call({ type: 'len', now })
    if (len === undefined) throw incompleteReply('the count')
    return len
  }

  async clear(): Promise<void> {
    await this.#call({ type: 'clear' }, 'unknown')
  }

  override async clearPrefix(prefix: string): Promise<void> {
    await this.#call({ type: 'clearPrefix', prefix }, 'unknown')
  }

  /**
   * Deletes the object with all of its data. The name leaves the index first: a write in between is
   * deleted with the rest, and a later write adds the name again.
   */
  async drop(): Promise<void> {
    await this.#index?.remove(this.#namespace)
    try {
      await this.#call({ type: 'drop' }, 'unknown')
    } catch (error) {
      await this.#index?.addName(this.#namespace).catch(noop)
      throw error
    }
  }

  /** Does nothing: an object replies only after its writes are on disk (its output gate). */
  async close(): Promise<void> {}

  /** Adds the name of a namespace. Only for the index. */
  async addName(namespace: string): Promise<void> {
    await this.set(namespace, { value: null, version: crypto.randomUUID() })
  }

  protected async list(options: ListOptions): Promise<ListPage> {
    const { page } = await this.#call({ type: 'list', ...options })
    if (page === undefined) throw incompleteReply('the page')
    return page
  }

  async #write(
    groups: readonly Group[],
    { now, turn }: CommitOptions = {},
  ): Promise<readonly GroupReply[]> {
    const { timeoutCount } = this
    const results: (readonly GroupReply[])[] = []
    const messages = splitIntoMessages(groups, groupBytes)
    for (let message = messages.shift(); message; message = messages.shift()) {
      try {
        const options = { now, turn: turn instanceof RpcTurn ? turn : undefined, timeoutCount }
        const received = await this.#writeMessage(message, options, messages.length === 0)
        results.push(received)
        if (received.length < message.length) messages.unshift(message.slice(received.length))
      } catch (error) {
        // The results of the other messages are known, so the whole call must not fail.
        const failed = fromObjectError(error, 'unknown')
        results.push(message.map(() => failed))
      }
    }
    return results.flat()
  }

  /**
   * Resolves to the results of the groups that the object has handled: all, or the first ones.
   *
   * @param options.timeoutCount the count when the call began. After a timeout nothing is sent again
   */
  async #writeMessage(
    groups: readonly Group[],
    {
      now,
      turn,
      timeoutCount,
    }: {
      readonly now: number | undefined
      readonly turn: RpcTurn | undefined
      readonly timeoutCount: number
    },
    isLast: boolean,
  ): Promise<readonly GroupReply[]> {
    const changes = groups.flat()
    checkMessageBytes(groupBytes(changes))
    const type = changes.some((each) => 'step' in each || 'check' in each) ? 'perform' : 'commit'
    const request = {
      type,
      changes: encodeChanges(changes),
      groupSizes: groups.map(({ length }) => length),
      messageId: crypto.randomUUID(),
      now,
      turn: turn?.id,
      endsTurn: isLast,
    } as const
    const sentAt = Date.now()
    let lost: StoreError | undefined
    for (let resends = 0; ; resends++) {
      try {
        const again = lost && { type: 'resend', sentAt, age: Date.now() - sentAt }
        const reply = await this.#call({ ...request, ...again } as WriteRequest, 'unknown')
        // Not earlier: a request that is lost on its way does not end the turn.
        if (isLast) turn?.end()
        const isPart = type === 'perform' && (reply.groupCount ?? 0) > 0
        if (reply.groupCount !== groups.length && !isPart) throw incompleteReply('some groups')
        const results = await this.#readResults(groups, reply, lost)
        // As a new message the rest would run again, if an earlier delivery has run more of it.
        if (lost) while (results.length < groups.length) results.push(lost)
        return results
      } catch (error) {
        // Repeats every retryable error at once, except a rate limit.
        const isLost = isStoreError(error) && error.retryable && error.code !== 'RATE_LIMITED'
        if (!isLost || resends === MAX_RESENDS) throw lost ?? error
        lost ??= error
      }
      // Not all at once: a reset of the object loses the reply of every request that it runs.
      await sleep(Math.random() * 20 * 2 ** resends)
      if (this.timeoutCount !== timeoutCount) throw lost
    }
  }

  /** @param lost why the message was sent again, if it was */
  async #readResults(
    groups: readonly Group[],
    { groupCount, failed = [], results, notIndexed }: RpcReply,
    lost: StoreError | undefined,
  ): Promise<GroupReply[]> {
    if (notIndexed && this.#index) await this.#addToIndex(this.#index)
    const read: GroupReply[] = groups
      .slice(0, groupCount)
      .map((group, index) => results?.[index] ?? group.map(noop))
    for (const { groupIndex, reason } of failed) {
      if (reason === 'conflict') read[groupIndex] = reason
      else if (reason === 'unknown') read[groupIndex] = lost ?? incompleteReply('an outcome')
      else read[groupIndex] = StoreError.from(reason)
    }
    return read
  }

  /** Adds the namespace to the index. If that fails, the object requests it again. */
  async #addToIndex(index: RpcObjectStorage): Promise<void> {
    try {
      await index.addName(this.#namespace)
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
      const stub = this.#getStub(this.#namespace)
      reply = (await stub.call({ v: PROTOCOL_VERSION, ...request })) as RpcReply
    } catch (error) {
      throw fromObjectError(error, outcomeIfLost, { isStub: true })
    }
    if (!isCompatible(reply?.v)) {
      throw unsupported(`protocol version ${String(reply?.v)}`, outcomeIfLost)
    }
    if (reply.error) throw StoreError.from(reply.error)
    return reply
  }
}

function incompleteReply(part: string): StoreError {
  return new StoreError(
    'BACKEND_ERROR',
    `The object's reply lacks ${part}. Deploy the object and its Worker with one version of botshelf.`,
  )
}
