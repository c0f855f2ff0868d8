import type { StoreError } from '../../src/errors.ts'
import type { GroupResults } from './group-plan.ts'
import type { DecodedChange } from './tuples.ts'

/** How many groups are remembered, besides those of the message that is running. */
const MAX_GROUPS = 1000
/** How much the remembered results take together, in bytes. */
const MAX_RESULT_BYTES = 4 * 1024 * 1024

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
  /** By name: the bytes of the results that are remembered, the oldest first. */
  readonly #resultBytes = new Map<string, number>()
  #totalBytes = 0

  /** Returns the outcome of a group that ran before. */
  find(changes: readonly DecodedChange[], id: GroupId): GroupOutcome | undefined {
    const found = this.#outcomes.get(nameOf(changes, id))
    if (found === undefined || id.messageId === undefined) return undefined
    // A group that was not applied may be sent again, with the same versions. That is another try.
    const isSameTry = found.messageId === id.messageId
    return isSameTry || isApplied(found.outcome) ? found.outcome : undefined
  }

  /** Remembers the outcome of a group. */
  add(changes: readonly DecodedChange[], id: GroupId, outcome: GroupOutcome): void {
    const { messageId } = id
    if (messageId === undefined) return
    const name = nameOf(changes, id)
    this.#forgetResults(name)
    this.#outcomes.delete(name)
    this.#outcomes.set(name, { messageId, outcome })
    // The groups of one message stay together: it may be delivered again as a whole.
    for (const [oldest, { messageId: other }] of this.#outcomes) {
      if (this.#outcomes.size <= MAX_GROUPS || other === messageId) break
      this.#forgetResults(oldest)
      this.#outcomes.delete(oldest)
    }
    if (!isApplied(outcome)) return
    this.#resultBytes.set(name, outcome.bytes)
    this.#totalBytes += outcome.bytes
    if (outcome.bytes > MAX_RESULT_BYTES) this.#forgetResults(name)
    for (const oldest of this.#resultBytes.keys()) {
      if (this.#totalBytes <= MAX_RESULT_BYTES) break
      this.#forgetResults(oldest)
    }
  }

  /** Keeps of a group only that it was applied. */
  #forgetResults(name: string): void {
    const bytes = this.#resultBytes.get(name)
    const remembered = this.#outcomes.get(name)
    if (bytes === undefined || remembered === undefined) return
    this.#resultBytes.delete(name)
    this.#totalBytes -= bytes
    if (bytes > 0) remembered.outcome = { values: undefined, bytes: 0 }
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
