import type { StorageObject } from '../../adapters/storage-object.ts'
import type { Database } from '../task.ts'
import type { BaselineObject } from './baseline-object.ts'
import type { HostObject } from './host-object.ts'

export interface Bindings {
  /** botshelf's own objects. */
  readonly BOT_STORAGE: DurableObjectNamespace<StorageObject>
  /** Objects written by hand, with a batch in one message. */
  readonly BASELINE: DurableObjectNamespace<BaselineObject>
  /** Objects inside which candidates run. */
  readonly HOST: DurableObjectNamespace<HostObject>
  readonly KV: KVNamespace
}

/** A candidate in a Worker. Nothing may outlive the request, so each opens anew. */
export interface Candidate {
  open(bindings: Bindings, name: string): Promise<Database>
}

/** A candidate inside an object. */
export interface InsideCandidate {
  open(storage: DurableObjectStorage, name: string): Promise<Database>
}
