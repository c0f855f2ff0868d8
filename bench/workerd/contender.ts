import type { StorageObject } from '../../adapters/storage-object.ts'
import type { Database } from '../task.ts'
import type { HandObject } from './hand-object.ts'
import type { HostObject } from './host-object.ts'

export interface Bindings {
  /** botshelf's own objects. */
  readonly BOT_STORAGE: DurableObjectNamespace<StorageObject>
  /** Objects written by hand, with a batch in one message. */
  readonly HAND: DurableObjectNamespace<HandObject>
  /** Objects inside which contenders run. */
  readonly HOST: DurableObjectNamespace<HostObject>
  readonly KV: KVNamespace
}

/** A contender in a Worker. Nothing may outlive the request, so each opens anew. */
export interface Contender {
  open(bindings: Bindings, name: string): Promise<Database>
}

/** A contender inside an object. */
export interface InsideContender {
  open(storage: DurableObjectStorage, name: string): Promise<Database>
}
