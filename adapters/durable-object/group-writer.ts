import { StoreError } from '../../src/errors.ts'
import type { CountingEngine } from './counting-engine.ts'
import { MAX_REPLY_BYTES } from './message-size.ts'
import type { FailedGroup, LookUpRequest, RpcReply, WriteRequest } from './protocol.ts'
import { type GroupOutcome, isApplied, RecentOutcomes } from './recent-outcomes.ts'
import { type DecodedChange, decodeGroups } from './tuples.ts'
import type { TurnOrder } from './turn-order.ts'

/** The fields of the reply to a write. */
export type WriteReply = Required<Pick<RpcReply, 'groupCount' | 'failed' | 'results'>>

/** Runs the write messages of one object: each group once, and in the order of the turns. */
export class GroupWriter {
  readonly #engine: CountingEngine
  readonly #turns: TurnOrder
  readonly #recent = new RecentOutcomes()

  constructor(engine: CountingEngine, turns: TurnOrder) {
    this.#engine = engine
    this.#turns = turns
  }

  /**
   * Runs each group whole or not at all. A group with a condition is a conflict if another client's
   * turn holds one of its keys. A message with another group on such a key waits until the turn ends.
   */
  async write(request: WriteRequest): Promise<WriteReply> {
    const { changes, groupSizes, turn, endsTurn } = request
    const groups = decodeGroups(changes, groupSizes)
    if (this.#turns.isIdle) return this.#writeGroups(groups, request)
    const keys = groups
      .filter((group) => !isConditional(group))
      .flatMap((group) => group.map(({ key }) => key))
    try {
      return await this.#turns.run(keys, turn, () => this.#writeGroups(groups, request))
    } finally {
      if (turn !== undefined && endsTurn) this.#turns.release(turn)
    }
  }

  /**
   * Finds out what became of the groups of an earlier message: from memory, which a reset clears, or
   * from the stored versions. These prove that a group was applied, and nothing else.
   */
  lookUp({ changes, groupSizes, messageId }: LookUpRequest): WriteReply {
    const groups = decodeGroups(changes, groupSizes)
    return createReply(groups.length, (groupIndex) => {
      const group = groups[groupIndex] ?? []
      return this.#recent.find(group, { messageId, groupIndex }) ?? this.#engine.lookUp(group)
    })
  }

  #writeGroups(
    groups: readonly (readonly DecodedChange[])[],
    { messageId, now = -Infinity, turn }: WriteRequest,
  ): WriteReply {
    return createReply(groups.length, (groupIndex) => {
      const changes = groups[groupIndex] ?? []
      const id = { messageId, groupIndex }
      const known = this.#recent.find(changes, id)
      if (known) return known
      const outcome = this.#isHeld(changes, turn)
        ? 'conflict'
        : this.#engine.run(changes, now, MAX_REPLY_BYTES)
      this.#recent.add(changes, id, outcome)
      return outcome
    })
  }

  #isHeld(changes: readonly DecodedChange[], turn: string | undefined): boolean {
    if (this.#turns.isIdle || !isConditional(changes)) return false
    return changes.some(({ key }) => this.#turns.isHeld(key, turn))
  }
}

/**
 * Creates a reply with the outcome of each group, until it is too large for more.
 *
 * @param run returns the outcome of the group with this index; `undefined` if it is not known
 */
function createReply(
  groupCount: number,
  run: (groupIndex: number) => GroupOutcome | undefined,
): WriteReply {
  const failed: FailedGroup[] = []
  const results: Record<number, readonly unknown[]> = {}
  let groupIndex = 0
  for (let bytes = 0; groupIndex < groupCount && bytes < MAX_REPLY_BYTES; groupIndex++) {
    const outcome = run(groupIndex)
    if (outcome === undefined) failed.push({ groupIndex, reason: 'unknown' })
    else if (outcome === 'conflict') failed.push({ groupIndex, reason: outcome })
    else if (!isApplied(outcome)) failed.push({ groupIndex, reason: outcome.toJSON() })
    else if (outcome.values === undefined)
      failed.push({ groupIndex, reason: resultsNotKnown().toJSON() })
    else if (outcome.bytes > 0) {
      results[groupIndex] = outcome.values
      bytes += outcome.bytes
    }
  }
  return { groupCount: groupIndex, failed, results }
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
