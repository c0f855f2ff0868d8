import {
  BatchStorageBase,
  type Change,
  type CommitResult,
  type Entry,
  LocalTurns,
  type StorageBase,
  StoragePluginBase,
  SyncAccess,
  type Traits,
} from '../../../src/index.ts'

/** What the calls of a storage were. */
type Call = 'get' | 'commit' | 'getMany' | 'commit groups'

/** A storage in a `Map` that answers synchronously, and logs its calls. */
class SyncStorage extends BatchStorageBase {
  override readonly traits: Traits = {
    atomic: 'instance',
    durable: false,
    consistency: 'strong',
    batchAcrossTicks: true,
    maxKeyBytes: Infinity,
    maxValueBytes: Infinity,
    watch: false,
  }
  readonly sync: SyncAccess
  readonly turns: LocalTurns
  readonly calls: Call[] = []
  readonly #data: SharedData

  constructor(data: SharedData, batchAcrossTicks: boolean) {
    super()
    this.traits = { ...this.traits, batchAcrossTicks }
    this.#data = data
    this.turns = data.turns
    this.sync = new SyncAccess({
      get: (key) => {
        this.calls.push('get')
        return this.#read(key)
      },
      commit: (group) => {
        this.calls.push('commit')
        return this.#apply(group)
      },
      joinWrites: data.joinWrites,
    })
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    this.calls.push('getMany')
    const found = new Map<string, Entry>()
    for (const key of keys) {
      const entry = this.#read(key)
      if (entry) found.set(key, entry)
    }
    return found
  }

  async commit(groups: readonly (readonly Change[])[]): Promise<readonly CommitResult[]> {
    this.calls.push('commit groups')
    return groups.map((group) => this.#apply(group))
  }

  async *entries(): AsyncIterable<[string, Entry]> {
    yield* structuredClone(this.#data.map)
  }

  async *liveKeys(): AsyncIterable<string> {
    yield* this.#data.map.keys()
  }

  async liveLen(): Promise<number> {
    return this.#data.map.size
  }

  async clear(): Promise<void> {
    this.#data.map.clear()
  }

  async close(): Promise<void> {}

  #read(key: string): Entry | undefined {
    this.#data.fail('read')
    return structuredClone(this.#data.map.get(key))
  }

  #apply(group: readonly Change[]): CommitResult {
    this.#data.fail('write')
    const { map } = this.#data
    const isMet = ({ key, ifVersion }: Change): boolean =>
      ifVersion === undefined || ifVersion === (map.get(key)?.version ?? null)
    if (!group.every(isMet)) return 'conflict'
    for (const change of group) {
      if ('entry' in change) map.set(change.key, change.entry)
      else if ('remove' in change) map.delete(change.key)
    }
    return 'applied'
  }
}

/** What the storages of a namespace share. */
interface SharedData {
  readonly map: Map<string, Entry>
  readonly turns: LocalTurns
  joinWrites: boolean
  /** Throws where a test wants a call to fail. */
  fail: (call: 'read' | 'write') => void
}

/** Opens storages that share their data. */
export class SyncPlugin extends StoragePluginBase {
  readonly data: SharedData = {
    map: new Map(),
    turns: new LocalTurns(),
    joinWrites: false,
    fail: () => {},
  }
  readonly storages: SyncStorage[] = []
  readonly #batchAcrossTicks: boolean

  /** @param batchAcrossTicks the trait of the storages */
  constructor(batchAcrossTicks = true) {
    super({})
    this.#batchAcrossTicks = batchAcrossTicks
  }

  async open(): Promise<StorageBase> {
    const storage = new SyncStorage(this.data, this.#batchAcrossTicks)
    this.storages.push(storage)
    return storage
  }

  /** Returns the calls of the last storage since the last call of this method. */
  takeCalls(): readonly Call[] {
    return this.storages.at(-1)?.calls.splice(0) ?? []
  }
}
