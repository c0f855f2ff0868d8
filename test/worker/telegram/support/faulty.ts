import { MemoryStoragePlugin } from '../../../../adapters/memory.ts'
import type { StorageBase, StoreError } from '../../../../src/index.ts'

/** What becomes of a write in a namespace: it fails with this; or, if there is nothing, it is made. */
export type Fault = (namespace: string) => StoreError | undefined

/** Memory whose writes fail as they are told to: no simulator of a backend fails by itself. */
export class FaultyStoragePlugin extends MemoryStoragePlugin {
  fault: Fault = () => undefined

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const check = (): void => {
      const error = this.fault(namespace)
      if (error !== undefined) throw error
    }
    const commit = storage.commit.bind(storage)
    storage.commit = async (groups) => {
      check()
      return commit(groups)
    }
    const transact = storage.transact?.bind(storage)
    if (transact !== undefined) {
      storage.transact = async (keys, apply) => {
        // What was decided may have been stored, or may not, only if something was.
        const error = this.fault(namespace)
        if (error?.outcome === 'unknown') apply(await storage.getMany(keys))
        if (error !== undefined) throw error
        return transact(keys, apply)
      }
    }
    return storage
  }
}
