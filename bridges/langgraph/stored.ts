import {
  compareWritesSortKeys,
  WRITES_IDX_MAP,
  type WritesSortKey,
  writesSortKey,
} from '@langchain/langgraph-checkpoint'
import type { Address } from './address.ts'

/** What a serializer returns. */
export type Serialized = [type: string, bytes: Uint8Array]

/** A checkpoint without the values that have keys of their own. */
export interface StoredCheckpoint {
  readonly address: Address
  readonly parentId?: string | undefined
  readonly checkpoint: Serialized
  readonly metadata: Serialized
}

/** A write to a channel. */
export interface StoredWrite {
  readonly channel: string
  readonly value: Serialized
}

/** The writes of one call of `putWrites`. The key of a task has those of all calls, in order. */
export interface StoredWrites {
  readonly taskId: string
  readonly taskPath: string
  readonly writes: readonly StoredWrite[]
}

/**
 * Merges the writes to a checkpoint, in the order in which LangGraph applies them. Of a task's
 * writes with the same index the first counts; of those to a special channel, the last.
 */
export function mergeWrites(calls: readonly StoredWrites[]): (StoredWrite & { taskId: string })[] {
  const merged = new Map<string, StoredWrite & { taskId: string; sortKey: WritesSortKey }>()
  for (const { taskId, taskPath, writes } of calls) {
    for (const [position, write] of writes.entries()) {
      const special = Object.hasOwn(WRITES_IDX_MAP, write.channel)
      const index = special ? WRITES_IDX_MAP[write.channel]! : position
      const id = `${index} ${taskId}`
      if (!special && merged.has(id)) continue
      merged.set(id, { ...write, taskId, sortKey: writesSortKey(taskPath, taskId, index) })
    }
  }
  return [...merged.values()].toSorted((a, b) => compareWritesSortKeys(a.sortKey, b.sortKey))
}
