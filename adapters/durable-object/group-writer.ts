import { StoreError } from '../../src/errors.ts'
import type { CountingEngine, GroupOutcome } from './counting-engine.ts'
import { MAX_REPLY_BYTES } from './message-size.ts'
import type { FailedGroup, RpcReply, WriteRequest } from './protocol.ts'
import { type DecodedChange, decodeGroups } from './tuples.ts'
import type { TurnOrder } from './turn-order.ts'
import { groupIdOf } from './write-history.ts'

/** The most memory that the kept replies take, in bytes. Each counts as 1 KiB and its contents. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024
/** By how much the clocks of a Worker and an object may differ, in milliseconds. */
const CLOCK_TOLERANCE_MS = 25
/** The longest time that a message is under way, if the clock of its Worker is behind. */
const MAX_DELAY_MS = 30_000

/** The fields of the reply to a write. */
export type WriteReply = Pick<RpcReply, 'groupCount' | 'failed' | 'results'>

interface Run {
  readonly reply: WriteReply
  /** The approximate memory that the failed groups and the results take, in bytes. */
  readonly bytes: number
}

interface KeptRun {
  readonly run: Promise<Run>
  readonly receivedAt: number
  bytes: number
}

/**
 * Runs the write messages of one object: each once, and in the order of the turns. It keeps the last
 * replies in memory, because a message may arrive twice.
 */
export class GroupWriter {
  readonly #engine: CountingEngine
  readonly #turns: TurnOrder
  /** By the id of the message, the oldest first. */
  readonly #runs = new Map<string, KeptRun>()
  #keptBytes = 0
  /** The reply to every message that arrived since then is kept. */
  #keptSince = Date.now()

  constructor(engine: CountingEngine, turns: TurnOrder) {
    this.#engine = engine
    this.#turns = turns
  }

  /** Runs each group whole or not at all, or resolves to the reply to an earlier delivery. */
  async write(request: WriteRequest): Promise<WriteReply> {
    const kept = this.#runs.get(request.messageId)
    if (kept) return (await kept.run).reply
    const added = { receivedAt: Date.now(), run: this.#run(request), bytes: 0 }
    this.#runs.set(request.messageId, added)
    this.#count(added, 1024)
    const isKept = (): boolean => this.#runs.get(request.messageId) === added
    try {
      const { reply, bytes } = await added.run
      if (isKept()) this.#count(added, bytes)
      return reply
    } catch (error) {
      if (isKept()) this.#forget(request.messageId, added)
      throw error
    }
  }

  /**
   * A group with a condition is a conflict if another client's turn holds one of its keys. A message
   * with another group on such a key waits until the turn ends.
   */
  async #run(request: WriteRequest): Promise<Run> {
    const { changes, groupSizes, turn, endsTurn } = request
    const since = sentSince(request)
    const groups = decodeGroups(changes, groupSizes)
    if (this.#turns.isIdle) return this.#runGroups(groups, request, since)
    const keys = groups
      .filter((group) => !isConditional(group))
      .flatMap((group) => group.map(({ key }) => key))
    try {
      return await this.#turns.run(keys, turn, () => this.#runGroups(groups, request, since))
    } finally {
      if (turn !== undefined && endsTurn) this.#turns.release(turn)
    }
  }

  #runGroups(
    groups: readonly (readonly DecodedChange[])[],
    { messageId, now = -Infinity, turn }: WriteRequest,
    since: number | undefined,
  ): Run {
    // An earlier delivery would be known.
    const sentAt = since !== undefined && since >= this.#keptSince ? undefined : since
    return createReply(groups.length, (groupIndex) => {
      const changes = groups[groupIndex] ?? []
      const id = groupIdOf(changes, messageId, groupIndex)
      return this.#engine.apply(changes, {
        id,
        now,
        sentAt,
        isHeld: this.#isHeld(changes, turn),
      })
    })
  }

  /** Counts the memory of a reply, and forgets the oldest ones. */
  #count(added: KeptRun, bytes: number): void {
    added.bytes += bytes
    this.#keptBytes += bytes
    for (const [messageId, oldest] of this.#runs) {
      if (this.#keptBytes <= MAX_KEPT_BYTES) break
      this.#forget(messageId, oldest)
    }
  }

  #forget(messageId: string, { bytes, receivedAt }: KeptRun): void {
    this.#runs.delete(messageId)
    this.#keptBytes -= bytes
    this.#keptSince = Math.max(this.#keptSince, receivedAt)
  }

  #isHeld(changes: readonly DecodedChange[], turn: string | undefined): boolean {
    if (this.#turns.isIdle || !isConditional(changes)) return false
    return changes.some(({ key }) => this.#turns.isHeld(key, turn))
  }
}

/**
 * Returns when a message that arrives now was first sent, or an earlier time; by this clock. Absent if
 * it was not sent before.
 */
function sentSince({ sentAt, age = 0 }: WriteRequest): number | undefined {
  // Without a delay of this message. The Worker's clock tells the delay, unless it is wrong.
  const latest = Date.now() - age
  const earliest = latest - MAX_DELAY_MS
  return sentAt && Math.min(Math.max(sentAt, earliest), latest) - CLOCK_TOLERANCE_MS
}

/**
 * Creates a reply with the outcome of each group, until it is too large for more.
 *
 * @param run returns the outcome of the group with this index
 */
function createReply(groupCount: number, run: (groupIndex: number) => GroupOutcome): Run {
  const failed: FailedGroup[] = []
  const results: Record<number, readonly unknown[]> = {}
  let groupIndex = 0
  let bytes = 0
  for (; groupIndex < groupCount && bytes < MAX_REPLY_BYTES; groupIndex++) {
    const outcome = run(groupIndex)
    if (typeof outcome === 'string') failed.push({ groupIndex, reason: outcome })
    else if (outcome instanceof Error) failed.push({ groupIndex, reason: outcome.toJSON() })
    else if (outcome.values === undefined)
      failed.push({ groupIndex, reason: resultsNotKnown().toJSON() })
    else if (outcome.bytes > 0) {
      results[groupIndex] = outcome.values
      bytes += outcome.bytes
    }
  }
  const resultCount = Object.keys(results).length
  const kept = bytes + 512 * failed.length + 64 * resultCount
  // Without steps there are none. It is slow to look for each in an empty object.
  const reply = { groupCount: groupIndex, failed, ...(resultCount > 0 && { results }) }
  return { reply, bytes: kept }
}

function isConditional(changes: readonly DecodedChange[]): boolean {
  return changes.some(({ ifVersion }) => ifVersion !== undefined)
}

function resultsNotKnown(): StoreError {
  return new StoreError(
    'CONNECTION_LOST',
    'The object applied the changes, but their results were lost. Read the keys.',
    { outcome: 'applied', retryable: false },
  )
}
