import type { RunnableConfig } from '@langchain/core/runnables'
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type PendingWrite,
  type SerializerProtocol,
} from '@langchain/langgraph-checkpoint'
import type { Store } from '../src/store.ts'
import { checkStore } from './check-store.ts'
import { checkpointKey, joinKey, toAddress, valueKey, writesKey } from './langgraph/address.ts'
import { listThreads, readTuple } from './langgraph/read.ts'
import type { Serialized, StoredCheckpoint, StoredWrites } from './langgraph/stored.ts'

/**
 * Saves LangGraph's checkpoints in a store. A checkpoint is stored whole or not at all, and so are
 * the writes of one call of `putWrites`. A channel's value is stored once for each of its versions.
 *
 * @see https://docs.langchain.com/oss/javascript/langgraph/persistence
 *
 * @example
 * const graph = builder.compile({ checkpointer: new CheckpointSaver(await runtime.open('graph')) })
 */
export class CheckpointSaver extends BaseCheckpointSaver {
  readonly #store: Store
  // The same store, with the types of two kinds of keys.
  readonly #checkpoints: Store<Record<string, StoredCheckpoint>>
  readonly #writes: Store<Record<string, StoredWrites[]>>

  /**
   * @param store holds nothing else
   * @param serde serializes checkpoints, metadata and values. Default: LangGraph's own serializer
   * @throws StoreError `NOT_ATOMIC` if the store's backend has no atomic steps; `INVALID_VALUE` if
   * it is no store. The methods reject with the store's errors, and with `INVALID_VALUE` for an
   * identifier that is missing or no string.
   */
  constructor(store: Store, serde?: SerializerProtocol) {
    super(serde)
    this.#store = checkStore(store, { caller: 'CheckpointSaver' })
    this.#checkpoints = store as Store<Record<string, StoredCheckpoint>>
    this.#writes = store as Store<Record<string, StoredWrites[]>>
  }

  /** Reads a checkpoint. Without `checkpoint_id`, it is the newest of the namespace. */
  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread_id, checkpoint_id } = config.configurable ?? {}
    if (thread_id === undefined) return undefined
    const key = checkpointKey(toAddress(config, checkpoint_id ?? ''))
    if (checkpoint_id) {
      const stored = await this.#checkpoints.get(key)
      return stored && readTuple(this.#store, this, stored)
    }
    const newest = this.#checkpoints.values({ prefix: key, reverse: true, limit: 1 })
    for await (const stored of newest) return readTuple(this.#store, this, stored)
    return undefined
  }

  /** Lists checkpoints, the newest of a namespace first. Without `thread_id`, of all threads. */
  override async *list(
    { configurable = {} }: RunnableConfig,
    { before, filter = {}, limit }: CheckpointListOptions = {},
  ): AsyncGenerator<CheckpointTuple> {
    const { thread_id, checkpoint_ns, checkpoint_id } = configurable
    const end = before?.configurable?.['checkpoint_id'] || ''
    const hasNamespace = checkpoint_ns !== undefined
    const skipsNone = hasNamespace && !checkpoint_id && Object.keys(filter).length === 0
    let remaining = limit ?? Infinity
    for await (const thread of thread_id === undefined ? listThreads(this.#store) : [thread_id]) {
      if (remaining <= 0) return
      const address = toAddress({ configurable: { thread_id: thread, checkpoint_ns } }, end)
      const prefix = hasNamespace
        ? checkpointKey({ ...address, checkpoint_id: '' })
        : joinKey(thread, 'c', '')
      const after = hasNamespace && end ? checkpointKey(address) : undefined
      const range = { prefix, after, reverse: true, limit: skipsNone ? limit : undefined }
      for await (const stored of this.#checkpoints.values(range)) {
        const id = stored.address.checkpoint_id
        if ((checkpoint_id && id !== checkpoint_id) || (end && id >= end)) continue
        const metadata: Record<string, unknown> = await this.serde.loadsTyped(...stored.metadata)
        if (Object.entries(filter).some(([name, value]) => metadata[name] !== value)) continue
        yield readTuple(this.#store, this, stored)
        remaining--
        if (remaining <= 0) return
      }
    }
  }

  /** Stores a checkpoint together with the values of the channels that `newVersions` names. */
  override async put(
    config: RunnableConfig,
    { channel_values, ...checkpoint }: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const address = toAddress(config, checkpoint.id)
    const versions = { ...checkpoint.channel_versions, ...newVersions }
    const values = Object.entries(channel_values)
    // A channel's default has no version until a node writes to the channel.
    const defaults = values.filter(([channel]) => !Object.hasOwn(versions, channel))
    const changed = values.filter(([channel]) => Object.hasOwn(newVersions, channel))
    // Serializes at once, as the graph goes on changing the values.
    const [dumpedCheckpoint, dumpedMetadata, ...entries] = await Promise.all([
      this.serde.dumpsTyped({ ...checkpoint, channel_values: Object.fromEntries(defaults) }),
      this.serde.dumpsTyped(metadata),
      ...changed.map(async ([channel, value]): Promise<[string, Serialized]> => [
        valueKey(address, channel, newVersions[channel]!),
        await this.serde.dumpsTyped(value),
      ]),
    ])
    const stored: StoredCheckpoint = {
      address,
      parentId: config.configurable?.['checkpoint_id'],
      checkpoint: dumpedCheckpoint,
      metadata: dumpedMetadata,
    }
    await this.#store.setMany([[checkpointKey(address), stored], ...entries])
    return { configurable: address }
  }

  /** Stores writes of a task. The first write with an index is kept, unless the channel is special. */
  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const address = toAddress(config)
    const dumped = await Promise.all(
      writes.map(async ([channel, value]) => ({
        channel,
        value: await this.serde.dumpsTyped(value),
      })),
    )
    await this.#writes.append(writesKey(address, taskId), { taskId, taskPath, writes: dumped })
  }

  /** Removes all checkpoints and writes of a thread. */
  override async deleteThread(threadId: string): Promise<void> {
    const { thread_id } = toAddress({ configurable: { thread_id: threadId } }, '')
    await this.#store.clear({ prefix: joinKey(thread_id, '') })
  }

  /** Makes versions unique, so that two branches of a thread do not replace each other's values. */
  override getNextVersion(current: number | undefined): number {
    return Math.floor(super.getNextVersion(current)) + Math.random()
  }
}
