import { isStoreError, type StorageRuntime, type Store } from 'botshelf'
import { encode } from 'botshelf/codec'
import type { StorageMirror } from './storage-mirror.ts'

type Changes = ReturnType<Store['watch']>

/** An open namespace, its entries, and an iterator of the changes since they were read. */
export interface WatchedNamespace {
  readonly store: Store
  readonly entries: ReadonlyMap<string, string>
  readonly changes: Changes
}

/** Opens, watches and reads a namespace. Closes it when `signal` aborts. */
export async function watchNamespace(
  namespace: string,
  runtime: StorageRuntime,
  signal: AbortSignal,
): Promise<WatchedNamespace> {
  const store = await runtime.open(namespace)
  const close = (): void => void store[Symbol.asyncDispose]().catch(() => {})
  signal.addEventListener('abort', close)
  try {
    signal.throwIfAborted()
    // Watch first, so that no change between reading and watching is missed.
    const changes = store.watch()
    return { store, entries: await readEntries(store), changes }
  } catch (error) {
    signal.removeEventListener('abort', close)
    close()
    throw error
  }
}

/** Applies the changes of a namespace to the mirror, until its store closes. */
export async function applyChanges(
  { store, changes }: WatchedNamespace,
  mirror: StorageMirror,
): Promise<void> {
  try {
    for (let watch: Changes | undefined = changes; watch !== undefined;) {
      watch = await applyUntilClear(store, watch, mirror)
    }
  } catch (error) {
    if (isStoreError(error) && error.code === 'STORE_NOT_OPEN') return
    await store[Symbol.asyncDispose]().catch(() => {})
    throw error
  }
}

/**
 * Applies changes one by one until the next `clear`, then reads the whole namespace. `watch()` also
 * yields `clear` when the reader is too far behind, followed by every key; one listing is cheaper.
 * Resolves to the iterator to continue with.
 */
async function applyUntilClear(
  store: Store,
  changes: Changes,
  mirror: StorageMirror,
): Promise<Changes | undefined> {
  const { namespace } = store
  for await (const { kind, key } of changes) {
    if (kind === 'clear') {
      const next = store.watch()
      mirror.replace(namespace, await readEntries(store))
      return next
    }
    const value = kind === 'set' ? await store.get(key) : undefined
    if (value === undefined) mirror.delete(namespace, key)
    else mirror.set(namespace, key, encode(value))
  }
  return undefined
}

async function readEntries(store: Store): Promise<ReadonlyMap<string, string>> {
  const entries = new Map<string, string>()
  for await (const [key, value] of store) entries.set(key, encode(value))
  return entries
}
