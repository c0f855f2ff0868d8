// The messages between a Worker (`RpcObjectStorage`) and an object (`StorageObject`). All of it is
// data: no function and no thrown error crosses.
import { StoreError, type WriteOutcome } from '../../src/errors.ts'
import type { ErrorData } from './errors.ts'
import type { ChangeTuple, EntryTuple } from './tuples.ts'

/**
 * The version of the messages. A Worker and its objects are not updated at the same moment, so
 * each side accepts the version before and after its own.
 */
export const PROTOCOL_VERSION = 1

/** Whether this side can work with a message of another version. */
export function isCompatible(version: unknown): boolean {
  return typeof version === 'number' && Math.abs(version - PROTOCOL_VERSION) <= 1
}

/** A request from a Worker to an object. */
export type RpcRequest =
  | { readonly type: 'get'; readonly keys: readonly string[] }
  | {
      readonly type: 'commit'
      /** The changes of all groups, one group after another. */
      readonly changes: readonly ChangeTuple[]
      /** How many of the changes belong to each group. */
      readonly groupSizes: readonly number[]
    }
  | ({ readonly type: 'list' } & ListOptions)
  | { readonly type: 'len'; readonly now: number }
  | { readonly type: 'clear' }
  // Sent when the index of namespaces contains this object's namespace.
  | { readonly type: 'markIndexed' }

/** A request with the protocol version of the Worker. */
export type RpcMessage = RpcRequest & { readonly v: number }

/** The reply of an object. It has `error`, or the fields of the request's type. */
export interface RpcReply {
  /** The protocol version of the object. */
  readonly v: number
  readonly error?: ErrorData
  /** get: the entries under the first keys, in their order; at least one, if a key was sent. */
  readonly entries?: readonly (EntryTuple | undefined)[]
  /** commit: the number of groups that the object received. */
  readonly groupCount?: number
  /** commit: the groups that were not applied. */
  readonly failed?: readonly FailedGroup[]
  /** commit: the object has data, and the index of namespaces may not contain its namespace. */
  readonly notIndexed?: boolean
  /** list: one page. */
  readonly page?: ListPage
  /** len: the number of live entries. */
  readonly len?: number
}

/** A group that was not applied, by its index in the request. */
export interface FailedGroup {
  readonly groupIndex: number
  readonly reason: 'conflict' | ErrorData
}

/** Selects the page of a listing. */
export interface ListOptions {
  readonly prefix: string
  /** The last key of the page before. */
  readonly after?: string | undefined
  /** Entries that have expired by then are left out; in milliseconds since 1970. */
  readonly now: number
  readonly includeEntries: boolean
}

/** A page of a listing. */
export interface ListPage {
  readonly keys: readonly string[]
  /** The entries under these keys; empty without `includeEntries`. */
  readonly entries: readonly EntryTuple[]
  /** The key after which the next page begins; absent on the final page. */
  readonly last?: string | undefined
}

/** Creates the error for a version or a request that this side does not know. */
export function unsupported(received: string, outcome?: WriteOutcome): StoreError {
  return new StoreError(
    'VERSION_MISMATCH',
    `Received ${received}; this side has protocol version ${PROTOCOL_VERSION}. Deploy the object and its Worker with one version of botshelf.`,
    { outcome },
  )
}
