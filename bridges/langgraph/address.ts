import type { RunnableConfig } from '@langchain/core/runnables'
import { quote, StoreError } from '../../src/errors.ts'

/** Identifies the checkpoints of a graph, or of a subgraph, in LangGraph's names. */
export interface Namespace {
  readonly thread_id: string
  readonly checkpoint_ns: string
}

/** Identifies a checkpoint, in LangGraph's names. */
export interface Address extends Namespace {
  readonly checkpoint_id: string
}

/**
 * Checks an identifier of LangGraph, and returns it.
 *
 * @throws StoreError `INVALID_VALUE` for one that is no string; and for an empty one, unless it is
 * a `checkpoint_ns`, which is empty for a graph that is no subgraph
 */
export function checkId(name: keyof Address | 'taskId', id: unknown): string {
  if (typeof id === 'string' && (id !== '' || name === 'checkpoint_ns')) return id
  const expected = name === 'checkpoint_ns' ? 'text' : 'text that is not empty'
  const advice =
    name === 'thread_id'
      ? 'Pass it to the graph: graph.invoke(input, { configurable: { thread_id: "my-thread" } }).'
      : 'Pass the one that LangGraph gave.'
  throw new StoreError(
    'INVALID_VALUE',
    `${name} must be ${expected}; received ${quote(id)}. ${advice}`,
  )
}

/**
 * Checks which channels are new.
 *
 * @throws StoreError `INVALID_VALUE` for what is no object; without it, values would be lost
 */
export function checkVersions(versions: unknown): void {
  if (typeof versions === 'object' && versions !== null) return
  throw new StoreError(
    'INVALID_VALUE',
    `newVersions must be an object; received ${quote(versions)}. Pass the version of each channel whose value is new.`,
  )
}

/** Reads from a config which checkpoints it is about. */
export function toNamespace({ configurable = {} }: RunnableConfig): Namespace {
  return {
    thread_id: checkId('thread_id', configurable['thread_id']),
    checkpoint_ns: checkId('checkpoint_ns', configurable['checkpoint_ns'] ?? ''),
  }
}

/** Reads from a config which checkpoint it is about. */
export function toAddress(config: RunnableConfig): Address {
  const checkpoint_id = checkId('checkpoint_id', config.configurable?.['checkpoint_id'])
  return { ...toNamespace(config), checkpoint_id }
}

/**
 * Joins parts to a key. Different parts never give the same key, and keys have the order of their
 * last part. A last part of '' gives the prefix of the keys that begin with the parts before it.
 */
export function joinKey(...parts: string[]): string {
  const last = parts.pop()
  return [...parts.map((part) => part.replaceAll(/[%/]/g, encodeURIComponent)), last].join('/')
}

/** Returns the text of a part that `joinKey` has encoded: any but the last. Never throws. */
export function decodePart(part: string): string {
  return part.replaceAll('%2F', '/').replaceAll('%25', '%')
}

/** Creates the key of a checkpoint; for '' the prefix of all checkpoints of a namespace. */
export function checkpointKey({ thread_id, checkpoint_ns }: Namespace, id: string): string {
  return joinKey(thread_id, 'c', checkpoint_ns, id)
}

/** Creates the key of a version of a channel's value. */
export function valueKey(of: Namespace, channel: string, version: string | number): string {
  return joinKey(of.thread_id, 'v', of.checkpoint_ns, channel, `${version}`)
}

/** Creates the key of the writes of a task; for '' the prefix of all writes to a checkpoint. */
export function writesKey(address: Address, taskId: string): string {
  return joinKey(address.thread_id, 'w', address.checkpoint_ns, address.checkpoint_id, taskId)
}
