import { MinimalStoragePlugin } from '../../support/minimal-plugin.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'

/** Opens a store on a backend without atomic steps: `traits.atomic` is `none`. */
export async function openStoreWithoutAtomicSteps(): Promise<Store> {
  return new StorageRuntime(new MinimalStoragePlugin({})).open('minimal')
}
