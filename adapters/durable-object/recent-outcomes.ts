import type { StoreError } from '../../src/errors.ts'
import type { GroupResults } from './group-plan.ts'
import type { DecodedChange } from './tuples.ts'

/** How many groups are remembered. */
const MAX_GROUPS = 1000
/** The largest results of a group that are remembered, in bytes. */
const MAX_RESULT_BYTES = 4096

/** What became of a group. */
export type GroupOutcome = GroupResults | 'conflict' | StoreError

/** Identifies a group in a message. */
export interface GroupId {
  /** The id of the message; absent from a client with protocol version 1. */
  readonly messageId: string | undefined
  readonly groupIndex: number
}

/**
 * Remembers what became of the last groups, in memory. The platform may deliver a message twice, and
 * a client may lose the reply and ask for the outcome.
 */
export class RecentOutcomes {
  readonly #outcomes = new Map<string, { messageId: string; outcome: GroupOutcome }>()

  /** Returns the outcome of a group that ran before. */
  find(changes: readonly DecodedChange[], id: GroupId): GroupOutcome | undefined {
    const found = this.#outcomes.get(nameOf(changes, id))
    if (found === undefined || id.messageId === undefined) return undefined
    // A group that was not applied may be sent again, with the same versions. That is another try.
    const isSameTry = found.messageId === id.messageId
    return isSameTry || isApplied(found.outcome) ? found.outcome : undefined
  }

  /** Remembers the outcome of a group, without its results if they are large. */
  add(changes: readonly DecodedChange[], id: GroupId, outcome: GroupOutcome): void {
    const { messageId } = id
    if (messageId === undefined) return
    const isLarge = isApplied(outcome) && outcome.bytes > MAX_RESULT_BYTES
    const kept = isLarge ? { values: undefined, bytes: 0 } : outcome
    const name = nameOf(changes, id)
    this.#outcomes.delete(name)
    this.#outcomes.set(name, { messageId, outcome: kept })
    if (this.#outcomes.size <= MAX_GROUPS) return
    for (const oldest of this.#outcomes.keys()) {
      this.#outcomes.delete(oldest)
      return
    }
  }
}

/** Whether the outcome of a group is that it was applied. */
export function isApplied(outcome: GroupOutcome): outcome is GroupResults {
  return outcome !== 'conflict' && 'values' in outcome
}

/** The name of a group: the first version in it, with its key. A group of removals has none. */
function nameOf(changes: readonly DecodedChange[], { messageId, groupIndex }: GroupId): string {
  const first = changes.find(({ version }) => version !== undefined)
  return first?.version === undefined
    ? `${messageId}/${groupIndex}`
    : `${first.version.length}:${first.version}${first.key}`
}
