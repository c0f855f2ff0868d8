import type { RunnableConfig } from '@langchain/core/runnables'
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  copyCheckpoint,
  getCheckpointId,
  type PendingWrite,
  type SerializerProtocol,
  WRITES_IDX_MAP,
} from '@langchain/langgraph-checkpoint'
import type { Store } from '../src/store.ts'
import { checkStore } from './check-store.ts'
import {
  checkId,
  checkpointKey,
  checkVersions,
  joinKey,
  toAddress,
  toNamespace,
  valueKey,
  writesKey,
} from './langgraph/address.ts'
import { listTuples } from './langgraph/list.ts'
import { readTuple } from './langgraph/read.ts'
import { mergeWrites, type StoredCheckpoint, type StoredWrite } from './langgraph/stored.ts'

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
  readonly #writes: Store<Record<string, StoredWrite[]>>

  /**
   * @param store holds nothing else
   * @param serde serializes checkpoints, metadata and values. Default: LangGraph's own serializer
   * @throws StoreError `NOT_ATOMIC` if the store's backend has no atomic steps; `INVALID_VALUE` if
   * it is no store. The methods reject with the store's errors, and with `INVALID_VALUE` for an
   * identifier that is missing, empty or no string, or a `put` without `newVersions`.
   */
  constructor(store: Store, serde?: SerializerProtocol) {
    super(serde)
    this.#store = checkStore(store, { caller: 'CheckpointSaver' })
    this.#checkpoints = store as Store<Record<string, StoredCheckpoint>>
    this.#writes = store as Store<Record<string, StoredWrite[]>>
  }

  /** Reads a checkpoint. Without `checkpoint_id`, it is the newest of the namespace. */
  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    if (config.configurable?.['thread_id'] === undefined) return undefined
    const id = getCheckpointId(config)
    const prefix = checkpointKey(toNamespace(config), id && checkId('checkpoint_id', id))
    if (id) {
      const stored = await this.#checkpoints.get(prefix)
      return stored && readTuple(this.#store, this, stored)
    }
    const newest = this.#checkpoints.values({ prefix, reverse: true, limit: 1 })
    for await (const stored of newest) return readTuple(this.#store, this, stored)
    return undefined
  }

  /** Lists checkpoints, the newest of a namespace first. Without `thread_id`, of all threads. */
  override list(
    config: RunnableConfig,
    options?: CheckpointListOptions,
  ): AsyncGenerator<CheckpointTuple> {
    return listTuples(this.#store, this, config, options)
  }

  /**
   * Stores a checkpoint together with the values of the channels that `newVersions` names. Those of
   * other channels that have a version are in the thread already.
   */
  override async put(
    config: RunnableConfig,
    saved: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    checkVersions(newVersions)
    const { channel_values, ...checkpoint } = copyCheckpoint(saved)
    const parentId = config.configurable?.['checkpoint_id'] || undefined
    if (parentId !== undefined) checkId('checkpoint_id', parentId)
    const id = checkId('checkpoint_id', checkpoint.id)
    const address = { ...toNamespace(config), checkpoint_id: id }
    const versions = checkpoint.channel_versions
    const values = Object.entries(channel_values)
    // A channel's default has no version until a node writes to the channel.
    const defaults = values.filter(([channel]) => !Object.hasOwn(versions, channel))
    const changed = values.filter(
      ([channel]) => Object.hasOwn(versions, channel) && Object.hasOwn(newVersions, channel),
    )
    // Serializes at once, as the graph goes on changing the values.
    const [dumpedCheckpoint, dumpedMetadata, ...entries] = await Promise.all([
      this.serde.dumpsTyped({ ...checkpoint, channel_values: Object.fromEntries(defaults) }),
      this.serde.dumpsTyped(metadata),
      ...changed.map(async ([channel, value]) => {
        const key = valueKey(address, channel, versions[channel]!)
        return [key, await this.serde.dumpsTyped(value)] as const
      }),
    ])
    const stored = { address, parentId, checkpoint: dumpedCheckpoint, metadata: dumpedMetadata }
    await this.#store.setMany([[checkpointKey(address, id), stored], ...entries])
    return { configurable: address }
  }

  /** Stores writes of a task. The first write with an index is kept, unless the channel is special. */
  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const key = writesKey(toAddress(config), checkId('taskId', taskId))
    const added = await Promise.all(
      writes.map(async ([channel, value], position) => ({
        taskId,
        taskPath,
        index: Object.hasOwn(WRITES_IDX_MAP, channel) ? WRITES_IDX_MAP[channel]! : position,
        channel,
        value: await this.serde.dumpsTyped(value),
      })),
    )
    // One call to the backend, unless the task has written before.
    if (await this.#writes.insert(key, mergeWrites([], added))) return
    await this.#writes.update(key, (stored = []) => mergeWrites(stored, added))
  }

  /** Removes all checkpoints and writes of a thread. */
  override async deleteThread(threadId: string): Promise<void> {
    await this.#store.clear({ prefix: joinKey(checkId('thread_id', threadId), '') })
  }

  /** Makes versions unique, so that two branches of a thread do not replace each other's values. */
  override getNextVersion(current: number | undefined): number {
    return Math.floor(super.getNextVersion(current)) + Math.random()
  }
}
