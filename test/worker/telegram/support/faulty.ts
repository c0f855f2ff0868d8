import { MemoryStoragePlugin } from '../../../../adapters/memory.ts'
import type { StorageBase, StoreError } from '../../../../src/index.ts'

/** The error that a write in a namespace fails with; `undefined` lets it succeed. */
export type Fault = (namespace: string) => StoreError | undefined

/** Memory with writes that fail on request. The simulators of the backends never fail. */
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
        // The outcome is unknown only if there was something to store.
        const error = this.fault(namespace)
        if (error?.outcome === 'unknown') apply(await storage.getMany(keys))
        if (error !== undefined) throw error
        return transact(keys, apply)
      }
    }
    return storage
  }
}
