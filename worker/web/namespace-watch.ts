import { isStoreError, type StorageRuntime, type Store, type StoreValueChange } from 'botshelf'
import { encode } from 'botshelf/codec'
import type { StorageMirror } from './storage-mirror.ts'

/** An open namespace, its entries, and the changes since they were read. */
export interface WatchedNamespace {
  readonly store: Store
  readonly entries: ReadonlyMap<string, string>
  readonly changes: AsyncIterable<StoreValueChange>
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
    const changes = store.watch({ values: true })
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
  const { namespace } = store
  try {
    for await (const { kind, key, value } of changes) {
      // If the reader was too far behind, every entry follows. Replacing them all together keeps those
      // that did not change in view.
      if (kind === 'clear') mirror.replace(namespace, await readEntries(store))
      else if (kind === 'remove') mirror.delete(namespace, key)
      else mirror.set(namespace, key, encode(value))
    }
  } catch (error) {
    if (isStoreError(error) && error.code === 'STORE_NOT_OPEN') return
    await store[Symbol.asyncDispose]().catch(() => {})
    throw error
  }
}

async function readEntries(store: Store): Promise<ReadonlyMap<string, string>> {
  const entries = new Map<string, string>()
  for await (const [key, value] of store) entries.set(key, encode(value))
  return entries
}
