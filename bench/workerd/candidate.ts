import type { StorageObject } from '../../adapters/storage-object.ts'
import type { Database } from '../task.ts'
import type { BaselineObject } from './baseline-object.ts'
import type { HostObject } from './host-object.ts'

export interface Bindings {
  /** Objects of botshelf's own class. */
  readonly BOT_STORAGE: DurableObjectNamespace<StorageObject>
  /** Objects with methods for many keys in one message. */
  readonly BASELINE: DurableObjectNamespace<BaselineObject>
  /** Objects that run candidates inside them. */
  readonly HOST: DurableObjectNamespace<HostObject>
  readonly KV: KVNamespace
  /** This Worker: each call is a request of its own. */
  readonly SELF: Fetcher
}

/** A candidate in a Worker. Each request opens it, because nothing outlives a request. */
export interface Candidate {
  open(bindings: Bindings, name: string): Promise<Database>
}

/** A candidate inside a Durable Object. */
export interface InsideCandidate {
  open(storage: DurableObjectStorage, name: string): Promise<Database>
}
