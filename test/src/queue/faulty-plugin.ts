import { expect } from 'vitest'
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

/** Memory whose calls a test can replace, with the traits of another backend. */
export class FaultyPlugin extends MemoryStoragePlugin {
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

export async function openStore(plugin: FaultyPlugin): Promise<Store<Record<string, number>>> {
  return new StorageRuntime(plugin).open('n')
}

export function lostAnswer(): StoreError {
  return new StoreError('CONNECTION_LOST', 'gone', { outcome: 'unknown' })
}

export function never(): Promise<never> {
  return new Promise(() => {})
}

export function plusOne(n = 0): number {
  return n + 1
}

/** Resolves to the error that a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<StoreError> {
  return promise.then(
    () => expect.fail('it resolved'),
    (error: unknown) => error as StoreError,
  )
}
