import { MAX_CHUNK_ENTRIES } from '../backup/chunks.ts'
import { fromBase64Url, decodeCursor, toBase64Url, encodeCursor } from '../backup/cursor.ts'
import { type BackupChange, type BackupRemoval, byName, type EntryName } from '../backup/entry.ts'
import { parsePart, type PartRange } from '../backup/part.ts'
import type { RestoreMode } from '../backup/plan.ts'
import { listNamespaces, runtimeTarget } from '../backup/runtime-target.ts'
import { isBound } from '../backup/slice.ts'
import { quote } from '../errors.ts'
import { isLive, type StorageRuntime } from '../index.ts'
import {
  assertKnownFields,
  HttpError,
  MAX_BODY_BYTES,
  parseChoice,
  readJsonObject,
} from './http.ts'
import { MAX_UNNAMED_REMOVALS, type OnPlanned } from './write-namespace.ts'

/**
 * The progress of a restore. The client keeps it between two parts as the restore token, which is this
 * state with a signature; each response returns a new one. The server stores nothing.
 */
export interface RestoreState {
  /** The format of this state. */
  readonly v: 1
  readonly mode: RestoreMode
  readonly storage: string
  /** The cursor after which the next part must start; `null` for the first part. */
  readonly after: string | null
  /**
   * Present if the last part must be sent again: all of its entries are set, and there is more to remove
   * after the cursor `removedUpTo`. `sha256` identifies the part.
   */
  readonly unfinished?: { readonly sha256: string; readonly removedUpTo: string }
  /** Whether the last part was restored. */
  readonly done: boolean
}

/** The storage name and the signing key of a restore. */
export interface RestoreContext {
  /** The name of the storage. */
  readonly storage: string
  /** The key that signs restore tokens. */
  readonly secret: string
}

/** A part to restore, with the state of its restore. */
export interface RestoreRequest {
  readonly state: RestoreState
  readonly entries: readonly BackupChange[]
  readonly next: string | null
  readonly sha256: string
  readonly range: PartRange
}

/** The result of restoring a part. */
export interface RestoreResult {
  readonly state: RestoreState
  readonly changes: readonly BackupChange[]
  /** Whether to send the same part again with the new token, because there is more to remove. */
  readonly hasMoreToRemove: boolean
  /** Whether the restore is complete. */
  readonly done: boolean
}

/**
 * Reads `{ mode, part, restore? }` from a body of at most 16 MiB: a part of at most 200 entries, and the
 * restore token that the response to the previous part returned.
 *
 * @throws HttpError 400, 413 or 415; 409 for a part that is not the next one of this restore
 * @throws InvalidInputError for an invalid part
 */
export async function readRestoreRequest(
  request: Request,
  context: RestoreContext,
): Promise<RestoreRequest> {
  const body = await readJsonObject(request, MAX_BODY_BYTES)
  assertKnownFields(body, ['mode', 'part', 'restore'])
  const { part } = body
  const mode = parseChoice('mode', body['mode'], ['merge', 'replace'])
  const state = await stateOf(mode, body['restore'], context)
  const given = (part as { entries?: unknown } | null | undefined)?.entries
  if (Array.isArray(given) && given.length > MAX_CHUNK_ENTRIES) {
    throw new HttpError(
      413,
      `There are ${given.length} entries in the part; send at most ${MAX_CHUNK_ENTRIES}.`,
    )
  }
  const { after, entries, next, sha256, range } = await parsePart(part)
  if (after !== state.after) throw createOutOfOrderError(state)
  if (state.unfinished !== undefined && state.unfinished.sha256 !== sha256) {
    throw new HttpError(
      409,
      'The last part is not finished (its response had "again": true): send the same part; this is another one.',
    )
  }
  return { state, entries, next, sha256, range }
}

/**
 * Restores a part. Restoring it twice has the same result as once. It skips entries that have expired
 * and entries of `excludedNamespaces`, without an error; the response does not count them.
 *
 * In the mode `replace`, after it has set the entries, it removes stored entries in the range of the
 * part that the part does not have, at most 500 a call.
 *
 * @throws StoreError of the storage; before the first write, if an entry exceeds the limits in `traits`
 */
export async function restorePart(
  runtime: StorageRuntime,
  { state, entries, next, sha256, range }: RestoreRequest,
  { excludedNamespaces = [], onPlanned }: RestoreOptions,
): Promise<RestoreResult> {
  const target = runtimeTarget(runtime)
  const now = Date.now()
  const live = entries.filter(
    (entry) =>
      !excludedNamespaces.includes(entry.namespace) && ('remove' in entry || isLive(entry, now)),
  )
  // Listed before anything is set, so that what another call adds later is not removed.
  const others =
    state.mode === 'replace'
      ? await listOthers(runtime, { state, entries: live, range }, excludedNamespaces)
      : []
  const removed = others.slice(0, MAX_UNNAMED_REMOVALS)
  const set = state.unfinished === undefined ? live : []
  const changes = [...set, ...removed]
  await target.check(changes)
  onPlanned(changes)
  await target.apply(set)
  await target.apply(removed)
  // A concurrent call may have removed what this part has set; see `replaceNamespace`.
  if (removed.length > 0) await target.setMissing(live)
  const last = removed.at(-1)
  const hasMoreToRemove = removed.length < others.length && last !== undefined
  const done = !hasMoreToRemove && next === null
  const { v, mode, storage } = state
  const after = hasMoreToRemove ? state.after : next
  const unfinished = hasMoreToRemove
    ? { unfinished: { sha256, removedUpTo: encodeCursor(last) } }
    : {}
  return { state: { v, mode, storage, after, ...unfinished, done }, changes, hasMoreToRemove, done }
}

/** Options of {@link restorePart}. */
export interface RestoreOptions {
  readonly excludedNamespaces?: readonly string[] | undefined
  readonly onPlanned: OnPlanned
}

async function stateOf(
  mode: RestoreMode,
  token: unknown,
  { storage, secret }: RestoreContext,
): Promise<RestoreState> {
  const first: RestoreState = { v: 1, mode, storage, after: null, done: false }
  if (token === undefined) return first
  if (typeof token !== 'string') throw new HttpError(400, 'The field "restore" must be a string.')
  const state = await verifyRestoreToken(token, secret)
  for (const field of ['mode', 'storage'] as const) {
    if (state[field] === first[field]) continue
    throw new HttpError(
      409,
      `This restore has the ${field} "${state[field]}"; received "${first[field]}". Omit "restore" to start a new restore.`,
    )
  }
  if (state.done)
    throw new HttpError(409, 'This restore is complete. Omit "restore" to start a new one.')
  return state
}

function createOutOfOrderError({ after }: RestoreState): HttpError {
  if (after === null) {
    return new HttpError(
      409,
      'The part is out of order: a restore starts with the first part, whose "after" is null.',
    )
  }
  const { namespace, key } = decodeCursor(after)
  return new HttpError(
    409,
    `The part is out of order: the next part must start after the key ${quote(key)} of the namespace ${quote(namespace)}.`,
  )
}

/**
 * Lists stored entries in the range of a part that the part does not have, sorted. It stops after the
 * namespace with which they exceed 500.
 */
async function listOthers(
  runtime: StorageRuntime,
  { state, entries, range }: Pick<RestoreRequest, 'state' | 'entries' | 'range'>,
  excludedNamespaces: readonly string[],
): Promise<readonly BackupRemoval[]> {
  const { upTo } = range
  const from =
    state.unfinished === undefined ? range.after : decodeCursor(state.unfinished.removedUpTo)
  const isWithin = (name: EntryName): boolean =>
    (from === undefined || byName(name, from) > 0) &&
    (upTo === undefined || byName(name, upTo) <= 0)
  const named = new Set(entries.map(({ namespace, key }) => JSON.stringify([namespace, key])))
  const found: BackupRemoval[] = []
  // A listing of namespaces on Workers KV lists every key.
  const isWithinOne = from !== undefined && from.namespace === upTo?.namespace
  for (const namespace of isWithinOne ? [from.namespace] : await listNamespaces(runtime)) {
    if (excludedNamespaces.includes(namespace)) continue
    if (from !== undefined && namespace < from.namespace) continue
    if (upTo !== undefined && namespace > upTo.namespace) break
    await using store = await runtime.open(namespace)
    const boundOf = (name: EntryName | undefined): string | undefined =>
      name?.namespace === namespace && isBound(store, name.key) ? name.key : undefined
    const last = boundOf(upTo)
    for await (const key of store.keys({ after: boundOf(from) })) {
      if (last !== undefined && key > last) break
      const name = { namespace, key }
      if (isWithin(name) && !named.has(JSON.stringify([namespace, key]))) {
        found.push({ ...name, remove: true })
      }
    }
    if (found.length > MAX_UNNAMED_REMOVALS) break
  }
  return found.toSorted(byName)
}

/** Encodes a state as text that is signed with the secret. */
export async function signRestoreToken(state: RestoreState, secret: string): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(state))
  const key = await importKey(secret, 'sign')
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes))
  return `${toBase64Url(bytes)}.${toBase64Url(signature)}`
}

/** @throws HttpError 400 if the token was not signed with this secret */
async function verifyRestoreToken(token: string, secret: string): Promise<RestoreState> {
  try {
    const [text = '', signature = '', ...others] = token.split('.')
    const bytes = fromBase64Url(text)
    const key = await importKey(secret, 'verify')
    if (
      others.length === 0 &&
      (await crypto.subtle.verify('HMAC', key, fromBase64Url(signature), bytes))
    ) {
      const state = JSON.parse(new TextDecoder().decode(bytes)) as RestoreState
      // A valid signature proves that this API created it, but maybe a later version of it.
      if ((state.v as number) === 1) return state
    }
  } catch {
    // The token is not base64url.
  }
  throw new HttpError(
    400,
    'The restore token is invalid: send the "restore" of the last response, or omit it to start over.',
  )
}

function importKey(secret: string, use: 'sign' | 'verify'): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(`botshelf restore ${secret}`)
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [use])
}
