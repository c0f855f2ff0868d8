// The messages between a Worker (`RpcObjectStorage`) and an object (`StorageObject`). All of it is
// data: no function and no thrown error crosses.
import { StoreError, type StoreErrorData, type WriteOutcome } from '../../src/errors.ts'
import type { ChangeColumns, EntryColumns } from './tuples.ts'

/** The version of the messages. */
export const PROTOCOL_VERSION = 5
/** The longest lease of a turn, in milliseconds. */
export const MAX_LEASE_MS = 30_000

/**
 * Whether this side can work with a message of another version. A Worker and its objects are not
 * updated at the same moment, so it works with the version after its own, and the next one has to work
 * with this one. Version 4 sent changes in another form.
 */
export function isCompatible(version: unknown): boolean {
  return version === PROTOCOL_VERSION || version === PROTOCOL_VERSION + 1
}

/** A request from a Worker to an object. */
export type RpcRequest =
  | { readonly type: 'get'; readonly keys: readonly string[] }
  | WriteRequest
  | ({ readonly type: 'list' } & ListOptions)
  | { readonly type: 'len'; readonly now: number }
  | { readonly type: 'clear' }
  | { readonly type: 'clearPrefix'; readonly prefix: string }
  // Deletes the whole storage of the object.
  | { readonly type: 'drop' }
  | TurnRequest
  // Ends a turn, or the wait for it. There may be none.
  | { readonly type: 'release'; readonly turn: string }
  // Sent when the index of namespaces contains this object's namespace.
  | { readonly type: 'markIndexed' }

/** Writes groups of changes. */
export interface WriteRequest {
  /**
   * `perform` if a change is a step or a check. `resend`: a message that was sent before, and may have
   * arrived.
   */
  readonly type: 'commit' | 'perform' | 'resend'
  /** The changes of all groups, one group after another. */
  readonly changes: ChangeColumns
  /** How many of the changes belong to each group. */
  readonly groupSizes: readonly number[]
  /** The same in each delivery of the message. */
  readonly messageId: string
  /** In milliseconds since 1970; absent: nothing has expired. */
  readonly now?: number | undefined
  /** The id of the turn in which the changes are written. */
  readonly turn?: string | undefined
  /** Whether the turn ends after the write. */
  readonly endsTurn?: boolean
  /** resend: when the message was first sent, by the Worker's clock; in milliseconds since 1970. */
  readonly sentAt?: number
  /** resend: how long ago that was, in milliseconds. */
  readonly age?: number
}

/** Waits for a turn on all of the keys. */
export interface TurnRequest {
  readonly type: 'turn'
  readonly keys: readonly string[]
  /** When the turn ends if it is not released, in milliseconds from its start; up to 30,000. */
  readonly leaseMs: number
  /** The id of the turn. The client chooses it, to release the turn even if the reply is lost. */
  readonly id: string
}

/** A request with the protocol version of the Worker. */
export type RpcMessage = RpcRequest & { readonly v: number }

/** The reply of an object. It has `error`, or the fields of the request's type. */
export interface RpcReply {
  /** The protocol version of the object. */
  readonly v: number
  readonly error?: StoreErrorData
  /** get: the entries of the first keys, in their order; of at least one, if a key was sent. */
  readonly entries?: EntryColumns
  /**
   * commit, perform, resend: the number of groups that the object handled. With steps it may be lower
   * than the number sent, if the reply would be too large, but not 0.
   */
  readonly groupCount?: number
  /** commit, perform, resend: the groups that were not applied, or whose results are not known. */
  readonly failed?: readonly FailedGroup[]
  /**
   * perform, resend: the results of the groups that are not in `failed`; by index in the request. A
   * group that is in neither has results without a value.
   */
  readonly results?: Readonly<Record<number, readonly unknown[]>>
  /** commit, perform, resend: the index of namespaces may not contain this object's namespace. */
  readonly notIndexed?: boolean
  /** turn: the id of the turn; absent if it did not come in time. `entries` has those of the keys. */
  readonly turn?: string | undefined
  /** list: one page. */
  readonly page?: ListPage
  /** len: the number of live entries. */
  readonly len?: number
}

/** A group without results, by its index in the request. */
export interface FailedGroup {
  readonly groupIndex: number
  /** `unknown`: the object does not know what became of the group; only after `resend`. */
  readonly reason: 'conflict' | 'unknown' | StoreErrorData
}

/** Selects the page of a listing. */
export interface ListOptions {
  readonly prefix: string
  /** The last key of the page before, or the key after which the listing begins. */
  readonly after?: string | undefined
  /** The most keys in the page. */
  readonly limit?: number | undefined
  readonly reverse?: boolean | undefined
  /** Entries that have expired by then are left out; in milliseconds since 1970. */
  readonly now: number
  readonly includeEntries: boolean
}

/** A page of a listing. */
export interface ListPage {
  readonly keys: readonly string[]
  /** The entries under these keys; empty without `includeEntries`. */
  readonly entries: EntryColumns
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
