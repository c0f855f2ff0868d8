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

/** A write of a task to a channel. A key has all of those that a task makes to a checkpoint. */
export interface StoredWrite {
  readonly taskId: string
  readonly taskPath: string
  /** The position among the task's writes; negative for a special channel, such as errors. */
  readonly index: number
  readonly channel: string
  readonly value: Serialized
}

/** Merges writes of one task. Of several with an index, the first is kept; if special, the last. */
export function mergeWrites(
  stored: readonly StoredWrite[],
  added: readonly StoredWrite[],
): StoredWrite[] {
  const merged = new Map(stored.map((write) => [write.index, write]))
  for (const write of added) {
    if (write.index < 0 || !merged.has(write.index)) merged.set(write.index, write)
  }
  return [...merged.values()]
}
