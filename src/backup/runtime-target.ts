import { decode } from '../codec.ts'
import { toStoreError } from '../errors.ts'
import type { WriteOptions, StorageRuntime, Store } from '../index.ts'
import { checkKey } from '../key.ts'
import { copyValue, utf8Bytes } from '../value/copy-value.ts'
import { MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES, splitIntoChunks } from './chunks.ts'
import { type BackupEntry, type BackupChange, toStoredValue, type StoredValue } from './entry.ts'
import { byCodeUnit } from '../key.ts'
import type { BackupTarget } from './target.ts'

const CHUNK = { maxItems: MAX_CHUNK_ENTRIES, maxBytes: MAX_CHUNK_BYTES }

/** A {@link BackupTarget} over a runtime, which can also check changes without applying them. */
export interface RuntimeTarget extends BackupTarget {
  /**
   * Resolves if no change exceeds the limits in `traits`. A storage may reject an entry anyway: Workers KV
   * limits an entry in its stored form.
   *
   * @throws StoreError `INVALID_NAMESPACE`, `INVALID_KEY` or `TOO_LARGE`
   */
  check(changes: readonly BackupChange[]): Promise<void>
  /**
   * Sets the entries of the changes that are missing, because a concurrent call may have removed them.
   * Does nothing on an eventually consistent storage, such as Workers KV, whose listing may be outdated.
   */
  setMissing(changes: readonly BackupChange[]): Promise<void>
}

/**
 * Creates a {@link BackupTarget} for a runtime. The runtime stays open; the caller closes it.
 *
 * `apply` checks all changes before the first write. It sets up to 200 entries and 1 MiB of one
 * namespace as one atomic step; a larger entry is set alone. On a storage without atomic batches
 * the runtime needs `allowLostUpdates`, otherwise `apply` rejects with `NOT_ATOMIC`.
 *
 * The methods reject with the StoreError of the storage.
 *
 * @example
 * import { StorageRuntime } from 'botshelf'
 * import { planRestore, readAll, parseBackup, runtimeTarget, formatBackup } from 'botshelf/backup'
 * import { memory } from 'botshelf/memory'
 *
 * const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
 * const target = runtimeTarget(runtime)
 *
 * // Back up to text.
 * const at = new Date().toISOString()
 * const text = await formatBackup({ at, storage: 'Memory', contents: await readAll(target) })
 *
 * // Restore from text: plan first, then apply.
 * const { contents } = await parseBackup(new TextEncoder().encode(text))
 * const plan = planRestore(contents, await readAll(target), 'replace')
 * await target.apply(plan.changes)
 */
export function runtimeTarget(runtime: StorageRuntime): RuntimeTarget {
  const check = async (changes: readonly BackupChange[]): Promise<void> => {
    for (const { namespace, changes: run } of groupNeighbours(changes)) {
      await using store = await runtime.open(namespace)
      for (const change of run) checkFits(change, store)
    }
  }
  return {
    namespaces: () => listNamespaces(runtime),
    async entries(namespace) {
      await using store = await runtime.open(namespace)
      const entries = new Map<string, StoredValue>()
      for await (const [key, record] of store.records()) entries.set(key, toStoredValue(record))
      return entries
    },
    check,
    async apply(changes, onDone = () => {}) {
      await check(changes)
      let done = 0
      for (const { namespace, changes: run } of groupNeighbours(changes)) {
        await using store = await runtime.open(namespace)
        for (const chunk of splitIntoChunks(run, CHUNK)) {
          await applyChunk(store, chunk)
          done += chunk.length
          onDone(done)
        }
      }
    },
    async setMissing(changes) {
      const set = changes.filter((change) => !('remove' in change))
      for (const { namespace, changes: run } of groupNeighbours(set)) {
        await using store = await runtime.open(namespace)
        if (store.traits.consistency === 'eventual') continue
        // Listing keys takes one call a page; asking for each key would take one call a key.
        const existing = new Set<string>()
        for await (const key of store.keys()) existing.add(key)
        const missing = run.filter(({ key }) => !existing.has(key))
        for (const chunk of splitIntoChunks(missing, CHUNK)) await applyChunk(store, chunk)
      }
    },
  }
}

/**
 * Lists the namespaces of a runtime, sorted by code unit.
 *
 * @throws StoreError `UNAVAILABLE` if the plugin cannot list namespaces
 */
export async function listNamespaces(runtime: StorageRuntime): Promise<readonly string[]> {
  const names: string[] = []
  for await (const name of runtime.namespaces()) names.push(name)
  return names.toSorted(byCodeUnit)
}

/**
 * Counts the entries of each namespace; the result is sorted by name.
 *
 * @throws StoreError of the storage
 */
export async function countEntries(runtime: StorageRuntime): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const namespace of await listNamespaces(runtime)) {
    await using store = await runtime.open(namespace)
    counts.set(namespace, await store.size())
  }
  return counts
}

interface NamespaceChanges {
  readonly namespace: string
  readonly changes: readonly BackupChange[]
}

/** Groups neighbours of the same namespace and keeps the order. */
function* groupNeighbours(changes: readonly BackupChange[]): Generator<NamespaceChanges> {
  for (let from = 0; from < changes.length;) {
    const namespace = changes[from]?.namespace ?? ''
    let to = from
    while (changes[to]?.namespace === namespace) to++
    yield { namespace, changes: changes.slice(from, to) }
    from = to
  }
}

/** @throws StoreError `INVALID_KEY` or `TOO_LARGE` */
function checkFits(change: BackupChange, { namespace, traits }: Store): void {
  const { key } = change
  try {
    checkKey(key, traits.maxKeyBytes)
    if ('remove' in change || traits.maxValueBytes === Number.POSITIVE_INFINITY) return
    copyValue(decode(change.value), { maxBytes: traits.maxValueBytes, keyBytes: utf8Bytes(key) })
  } catch (error) {
    throw toStoreError(error, { namespace, key })
  }
}

/** Sets entries before it removes any. */
async function applyChunk(store: Store, chunk: readonly BackupChange[]): Promise<void> {
  const set: BackupEntry[] = []
  const removed: string[] = []
  for (const change of chunk) {
    if ('remove' in change) removed.push(change.key)
    else set.push(change)
  }
  await store.setMany(set.map(toPair))
  await Promise.all(removed.map((key) => store.delete(key)))
}

function toPair(entry: BackupEntry): [key: string, value: unknown, options: WriteOptions] {
  const { key, value, expires, version } = entry
  return [key, decode(value), { expires, version }]
}
