import {
  type BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  compareWritesSortKeys,
  maxChannelVersion,
  type SerializerProtocol,
  TASKS,
  writesSortKey,
} from '@langchain/langgraph-checkpoint'
import type { Store } from '../../src/store.ts'
import { type Address, valueKey, writesKey } from './address.ts'
import type { Serialized, StoredCheckpoint, StoredWrite } from './stored.ts'

/** Reads the writes to a checkpoint, in the order in which LangGraph applies them. */
async function readWrites(
  store: Store,
  serde: SerializerProtocol,
  address: Address,
): Promise<CheckpointPendingWrite[]> {
  const prefix = writesKey(address, '')
  const writes: StoredWrite[] = []
  for await (const ofTask of (store as Store<Record<string, StoredWrite[]>>).values({ prefix })) {
    writes.push(...ofTask)
  }
  const sorted = writes
    .map((write) => ({ ...write, key: writesSortKey(write.taskPath, write.taskId, write.index) }))
    .toSorted((a, b) => compareWritesSortKeys(a.key, b.key))
  return Promise.all(
    sorted.map(async ({ taskId, channel, value }): Promise<CheckpointPendingWrite> => [
      taskId,
      channel,
      await serde.loadsTyped(...value),
    ]),
  )
}

/** Reads what belongs to a stored checkpoint: the values of its channels, and its pending writes. */
export async function readTuple(
  store: Store,
  saver: BaseCheckpointSaver,
  stored: StoredCheckpoint,
): Promise<CheckpointTuple> {
  const { serde } = saver
  const { address, parentId } = stored
  const parent = parentId === undefined ? undefined : { ...address, checkpoint_id: parentId }
  const checkpoint: Checkpoint = await serde.loadsTyped(...stored.checkpoint)
  const { channel_values: values, channel_versions: versions } = checkpoint
  const keys = new Map(
    Object.entries(versions).map(([channel, version]) => [
      valueKey(address, channel, version),
      channel,
    ]),
  )
  const [found, pendingWrites] = await Promise.all([
    store.getMany([...keys.keys()]),
    readWrites(store, serde, address),
  ])
  const loading = [...found].map(async ([key, value]) => {
    values[keys.get(key)!] = await serde.loadsTyped(...(value as Serialized))
  })
  await Promise.all(loading)
  if (checkpoint.v < 4 && parent) {
    // Earlier formats keep the sends to a checkpoint among the writes to its parent.
    const writes = await readWrites(store, serde, parent)
    values[TASKS] = writes.filter(([, channel]) => channel === TASKS).map(([, , value]) => value)
    const known = Object.values(versions)
    versions[TASKS] =
      known.length > 0 ? maxChannelVersion(...known) : saver.getNextVersion(undefined)
  }
  const metadata: CheckpointMetadata = await serde.loadsTyped(...stored.metadata)
  const tuple = { config: { configurable: address }, checkpoint, metadata, pendingWrites }
  return parent ? { ...tuple, parentConfig: { configurable: parent } } : tuple
}
