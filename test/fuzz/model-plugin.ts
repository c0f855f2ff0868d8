import {
  type Change,
  type CommitOptions,
  type CommitResult,
  type Entry,
  LocalTurns,
  type PerformResult,
  type StepChange,
  type StorageBase,
  StoragePluginBase,
  SyncAccess,
  type Turn,
  type Turns,
} from '../../src/index.ts'
import { DEFAULT_OPTIONS, type ModelOptions } from './model-options.ts'
import { ModelStorage } from './model-storage.ts'
import { TaskQueue } from './task-queue.ts'

/** A model storage with `transact`. */
class TransactingModelStorage extends ModelStorage {
  transact(
    keys: readonly string[],
    apply: (found: Map<string, Entry>) => readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]> {
    return this.transaction(keys, apply, options)
  }
}

/** A model storage that also answers synchronously. */
class SyncModelStorage extends TransactingModelStorage {
  readonly sync: SyncAccess

  constructor(options: ModelOptions, taskQueue: TaskQueue) {
    super(options, taskQueue)
    this.sync = new SyncAccess({
      get: (key) => this.readSync(key),
      commit: (group, now) => this.commitSync(group, now),
      joinWrites: options.joinWrites,
    })
  }
}

/** A model storage with `perform`. */
class PerformingModelStorage extends ModelStorage {
  perform(
    groups: readonly (readonly (Change | StepChange)[])[],
    options?: CommitOptions,
  ): Promise<readonly PerformResult[]> {
    return this.steps(groups, options)
  }
}

/** Turns that the backend grants: the client does not know who else waits, and gets the entries. */
class RemoteTurns implements Turns {
  readonly hasContention = false
  readonly #turns = new LocalTurns()
  readonly #read: (keys: readonly string[]) => ReadonlyMap<string, Entry> | undefined
  readonly #latency: () => Promise<void>

  constructor(
    read: (keys: readonly string[]) => ReadonlyMap<string, Entry> | undefined,
    latency: () => Promise<void>,
  ) {
    this.#read = read
    this.#latency = latency
  }

  isContended(): boolean {
    return false
  }

  async request(keys: readonly string[], leaseMs: number): Promise<Turn> {
    await this.#latency()
    const turn = await this.#turns.request(keys, leaseMs)
    const entries = this.#read(keys)
    await this.#latency()
    return {
      ...(entries && { entries }),
      get hasLapsed() {
        return turn.hasLapsed
      },
      release: () => turn.release(),
    }
  }
}

/** A plugin that opens one model storage. */
export class ModelPlugin extends StoragePluginBase {
  readonly storage: ModelStorage

  constructor(options: Partial<ModelOptions> = {}, taskQueue: TaskQueue = new TaskQueue([0])) {
    super({})
    const complete = { ...DEFAULT_OPTIONS, ...options }
    const Storage = {
      transact: TransactingModelStorage,
      perform: PerformingModelStorage,
      sync: SyncModelStorage,
      commit: ModelStorage,
      none: ModelStorage,
    }[complete.backend]
    this.storage = new Storage(complete, taskQueue)
    if (!complete.turns) return
    const [latency] = complete.latencies
    const turns = new RemoteTurns(
      (keys) => this.storage.turnEntries(keys),
      async () => {
        await this.storage.fallSilent('turn')
        if (latency?.wait === 'task') await taskQueue.wait()
      },
    )
    Object.defineProperty(this.storage, 'turns', { value: turns })
  }

  async open(): Promise<StorageBase> {
    return this.storage
  }
}
