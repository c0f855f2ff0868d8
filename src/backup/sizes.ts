import type { StorageRuntime } from '../index.ts'
import { namespacesOf } from './runtime-target.ts'

/**
 * How many entries each namespace has, sorted by name.
 *
 * @throws StoreError what the storage says
 */
export async function sizesOf(runtime: StorageRuntime): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  for (const namespace of await namespacesOf(runtime)) {
    await using store = await runtime.open(namespace)
    sizes.set(namespace, await store.size())
  }
  return sizes
}
