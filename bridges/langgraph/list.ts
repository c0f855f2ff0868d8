import type { RunnableConfig } from '@langchain/core/runnables'
import type {
  BaseCheckpointSaver,
  CheckpointListOptions,
  CheckpointTuple,
} from '@langchain/langgraph-checkpoint'
import type { Store } from '../../src/store.ts'
import { checkId, checkpointKey, decodePart, joinKey } from './address.ts'
import { readTuple } from './read.ts'
import type { StoredCheckpoint } from './stored.ts'

/** Lists the threads' identifiers, with one listing of one key for each thread. */
async function* listThreads(store: Store): AsyncGenerator<string> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const next = store.keys({ after, limit: 1 })
    after = undefined
    for await (const key of next) {
      const end = key.indexOf('/')
      // "0" comes after "/": skips the other keys of the thread. A key without a thread is foreign.
      after = end > 0 ? `${key.slice(0, end)}0` : key
      if (end > 0) yield decodePart(key.slice(0, end))
    }
  }
}

/** Lists checkpoints, the newest of a namespace first. Without `thread_id`, of all threads. */
export async function* listTuples(
  store: Store,
  saver: BaseCheckpointSaver,
  { configurable = {} }: RunnableConfig,
  { before, filter = {}, limit = Infinity }: CheckpointListOptions = {},
): AsyncGenerator<CheckpointTuple> {
  const { thread_id, checkpoint_ns, checkpoint_id } = configurable
  const end = before?.configurable?.['checkpoint_id']
  if (thread_id !== undefined) checkId('thread_id', thread_id)
  if (checkpoint_ns !== undefined) checkId('checkpoint_ns', checkpoint_ns)
  for (const id of [checkpoint_id, end]) if (id) checkId('checkpoint_id', id)

  const checkpoints = store as Store<Record<string, StoredCheckpoint>>
  const hasNamespace = checkpoint_ns !== undefined
  const skipsNone = hasNamespace && !checkpoint_id && Object.keys(filter).length === 0
  let remaining = limit
  for await (const thread of thread_id === undefined ? listThreads(store) : [thread_id]) {
    if (remaining <= 0) return
    const namespace = { thread_id: thread, checkpoint_ns }
    const stored = checkpoints.values({
      prefix: hasNamespace ? checkpointKey(namespace, '') : joinKey(thread, 'c', ''),
      after: hasNamespace && end ? checkpointKey(namespace, end) : undefined,
      reverse: true,
      limit: skipsNone && Number.isSafeInteger(remaining) ? remaining : undefined,
    })
    for await (const each of stored) {
      const id = each.address.checkpoint_id
      if ((checkpoint_id && id !== checkpoint_id) || (end && id >= end)) continue
      const metadata: Record<string, unknown> = await saver.serde.loadsTyped(...each.metadata)
      if (Object.entries(filter).some(([name, value]) => metadata[name] !== value)) continue
      yield readTuple(store, saver, each)
      remaining--
      if (remaining <= 0) return
    }
  }
}
