import type { RunnableConfig } from '@langchain/core/runnables'
import { quote, StoreError } from '../../src/errors.ts'

/** Identifies a checkpoint, in LangGraph's names. */
export interface Address {
  readonly thread_id: string
  readonly checkpoint_ns: string
  readonly checkpoint_id: string
}

/**
 * Reads the address of a checkpoint from a config.
 *
 * @param id replaces the config's `checkpoint_id`
 * @throws StoreError `INVALID_VALUE` for an identifier that is no string, and an empty `thread_id`
 */
export function toAddress({ configurable }: RunnableConfig, id?: unknown): Address {
  const { thread_id, checkpoint_ns = '', checkpoint_id } = configurable ?? {}
  const address = { thread_id, checkpoint_ns, checkpoint_id: id ?? checkpoint_id }
  for (const [name, part] of Object.entries(address)) {
    if (typeof part === 'string' && (part !== '' || name !== 'thread_id')) continue
    throw new StoreError(
      'INVALID_VALUE',
      `configurable.${name} must be text; received ${quote(part)}. Pass it in the config: graph.invoke(input, { configurable: { thread_id: "my-thread" } }).`,
    )
  }
  return address
}

/**
 * Joins parts to a key. Different parts never give the same key, and keys have the order of their
 * last part. A last part of '' gives the prefix of the keys that begin with the parts before it.
 */
export function joinKey(...parts: string[]): string {
  return parts.map((part) => part.replaceAll(/[%/]/g, encodeURIComponent)).join('/')
}

/** Creates the key of a checkpoint. */
export function checkpointKey({ thread_id, checkpoint_ns, checkpoint_id }: Address): string {
  return joinKey(thread_id, 'c', checkpoint_ns, checkpoint_id)
}

/** Creates the key of a version of a channel's value. */
export function valueKey(address: Address, channel: string, version: string | number): string {
  return joinKey(address.thread_id, 'v', address.checkpoint_ns, channel, `${version}`)
}

/** Creates the key of the writes of a task; for '' the prefix of all writes to a checkpoint. */
export function writesKey(address: Address, taskId: string): string {
  return joinKey(address.thread_id, 'w', address.checkpoint_ns, address.checkpoint_id, taskId)
}
