import type { Entry } from '../../src/entry.ts'
import type { Change, CommitOptions, CommitResult } from '../../src/storage.ts'
import { SyncAccess } from '../../src/sync-access.ts'
import type { LocalTurns } from '../../src/turns.ts'
import { callStorage, fromObjectError } from './errors.ts'
import { ObjectEngine, type PlatformStorage } from './object-engine.ts'
import { ObjectStorageBase } from './object-storage-base.ts'
import type { ListOptions, ListPage } from './protocol.ts'
import { decodeEntry } from './tuples.ts'

const MAX_PAGE_BYTES = 1_000_000

/** A namespace in the storage of the object that runs this code. */
export class LocalObjectStorage extends ObjectStorageBase {
  readonly sync: SyncAccess = new SyncAccess({
    get: (key) => this.#get(key),
    commit: (group, now) => this.#engine.run(group, now),
    // Each write takes a call of the platform.
    joinWrites: true,
  })
  readonly copiesValues = true
  readonly turns: LocalTurns
  readonly #storage: PlatformStorage
  readonly #engine: ObjectEngine

  /** @param turns orders all users of the namespace */
  constructor(storage: PlatformStorage, keyPrefix: string, turns: LocalTurns) {
    super('instance')
    this.turns = turns
    this.#storage = storage
    this.#engine = new ObjectEngine(storage, keyPrefix)
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#read(keys)
  }

  async commit(
    groups: readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]> {
    return this.#commit(groups, options)
  }

  async transact(
    keys: readonly string[],
    apply: (found: Map<string, Entry>) => readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]> {
    return this.#commit(apply(this.#read(keys)), options)
  }

  /** Removes expired entries too: this code must not set the object's alarm to do it later. */
  async liveLen(now: number): Promise<number> {
    return callStorage(() => this.#engine.sweep(now))
  }

  async clear(): Promise<void> {
    await this.clearPrefix('')
  }

  override async clearPrefix(prefix: string): Promise<void> {
    callStorage(() => this.#engine.clearPrefix(prefix))
  }

  async close(): Promise<void> {
    await this.#storage.sync()
  }

  // In pages, because the object may run other code between two of them.
  protected async list(options: ListOptions): Promise<ListPage> {
    return callStorage(() => this.#engine.list(options, MAX_PAGE_BYTES))
  }

  #read(keys: readonly string[]): Map<string, Entry> {
    const found = new Map<string, Entry>()
    for (const key of keys) {
      const entry = this.#get(key)
      if (entry) found.set(key, entry)
    }
    return found
  }

  #get(key: string): Entry | undefined {
    try {
      const entry = this.#engine.get(key)
      return entry && decodeEntry(entry)
    } catch (error) {
      throw fromObjectError(error, 'not-applied')
    }
  }

  #commit(
    groups: readonly (readonly Change[])[],
    { now = -Infinity, turn }: CommitOptions = {},
  ): CommitResult[] {
    try {
      return groups.map((changes) => this.#engine.run(changes, now))
    } catch (error) {
      throw fromObjectError(error, 'not-applied')
    } finally {
      turn?.release()
    }
  }
}
