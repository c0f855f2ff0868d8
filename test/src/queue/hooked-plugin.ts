import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import {
  type Change,
  type Entry,
  type CommitResult,
  type StorageBase,
  StorageRuntime,
  type Store,
  StoreError,
  type Traits,
} from '../../../src/index.ts'

/** Memory with the traits of another backend, and with hooks in which a test replaces results. */
export class HookedPlugin extends MemoryStoragePlugin {
  commits = 0
  reads = 0
  traits: Partial<Traits> = {}
  onCommit: (
    apply: () => Promise<readonly CommitResult[]>,
    groups: readonly (readonly Change[])[],
  ) => Promise<readonly CommitResult[]> = (apply) => apply()
  onRead: (read: () => Promise<Map<string, Entry>>) => Promise<Map<string, Entry>> = (read) =>
    read()

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const commit = storage.commit.bind(storage)
    const getMany = storage.getMany.bind(storage)
    storage.commit = (groups) => {
      this.commits++
      return this.onCommit(() => commit(groups), groups)
    }
    storage.getMany = (keys) => {
      this.reads++
      return this.onRead(() => getMany(keys))
    }
    // Without `transact`, every update is a read and a conditional commit, as over a network.
    Object.defineProperty(storage, 'transact', { value: undefined })
    Object.defineProperty(storage, 'traits', { value: { ...storage.traits, ...this.traits } })
    return storage
  }
}

export async function openStore(plugin: HookedPlugin): Promise<Store<Record<string, number>>> {
  return new StorageRuntime(plugin).open('n')
}

export function lostAnswer(): StoreError {
  return new StoreError('CONNECTION_LOST', 'gone', { outcome: 'unknown' })
}

export function plusOne(n = 0): number {
  return n + 1
}
