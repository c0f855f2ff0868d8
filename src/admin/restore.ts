import { isLive, type StorageRuntime } from '../index.ts'
import { readCursor, writeCursor } from '../backup/cursor.ts'
import type { EntryName, BackupChange, Removal } from '../backup/entry.ts'
import { MOST_CALL_BYTES, MOST_ENTRIES, MOST_REMOVED } from '../backup/limits.ts'
import { byName, type PartRange, readPart } from '../backup/part.ts'
import type { RestoreMode } from '../backup/plan.ts'
import { namespacesOf, runtimeTarget } from '../backup/runtime-target.ts'
import { quoteName } from '../backup/shown.ts'
import { TRANSIENT } from '../backup/transient.ts'
import { readJsonObject } from './body.ts'
import { readChoice, assertKnownFields } from './fields.ts'
import { HttpError } from './reply.ts'
import { readRestoreId, type RestoreState } from './restore-id.ts'

/** A part that is to be restored, and where it stands in its restore. */
export interface RestoreCall {
  readonly state: RestoreState
  readonly entries: readonly BackupChange[]
  readonly next: string | null
  readonly sha256: string
  readonly range: PartRange
}

/** What became of a part. */
export interface Restored {
  /** Where the restore stands now. */
  readonly state: RestoreState
  readonly changes: readonly BackupChange[]
  /** Is the same part to be sent again, with the new id, since there is more to remove? */
  readonly again: boolean
  /** Was it the last part, and is all of it done? */
  readonly done: boolean
}

/**
 * Reads `{ mode, part, restore? }`: a part of at most 200 entries and 16 MiB, and the id that the
 * call before answered, which the first one has not.
 *
 * @throws HttpError 400, 413 or 415; 409 for a part that is not the next one of this restore;
 * EntryError for a part that is not as it was made
 */
export async function readRestore(
  request: Request,
  storage: string,
  token: string,
): Promise<RestoreCall> {
  const body = await readJsonObject(request, MOST_CALL_BYTES)
  assertKnownFields(body, ['mode', 'part', 'restore'])
  const { part } = body
  const mode = readChoice('mode', body['mode'], ['merge', 'replace'])
  const state = await readState({ mode, storage }, body['restore'], token)
  const given = (part as { entries?: unknown } | null | undefined)?.entries
  if (Array.isArray(given) && given.length > MOST_ENTRIES) {
    throw new HttpError(
      413,
      `There are ${given.length} entries in the part; at most ${MOST_ENTRIES} are taken.`,
    )
  }
  const { after, entries, next, sha256, range } = await readPart(part)
  if (after !== state.after) throw outOfOrder(state)
  if (state.begun !== undefined && state.begun.sha256 !== sha256) {
    throw new HttpError(409, 'This is another part than the one that is to be sent again.')
  }
  return { state, entries, next, sha256, range }
}

/**
 * Restores a part. Done twice is the same as once. With `replace`, what is between the entries of
 * the part and is not in it is removed, after the part is set: at most 500 entries a call. What has
 * expired is in the part no more.
 *
 * @param about gets what is going to be changed
 * @throws StoreError what the storage says; before anything is changed, if it cannot hold the part
 */
export async function restorePart(
  runtime: StorageRuntime,
  { state, entries, next, sha256, range }: RestoreCall,
  about: (changes: readonly BackupChange[]) => void,
): Promise<Restored> {
  const place = runtimeTarget(runtime)
  const now = Date.now()
  const live = entries.filter(
    (entry) => !TRANSIENT.has(entry.namespace) && ('remove' in entry || isLive(entry, now)),
  )
  // Listed before anything is set: what another call adds after that is not removed.
  const others = state.mode === 'replace' ? await notIn(runtime, state, live, range) : []
  const removed = others.slice(0, MOST_REMOVED)
  const set = state.begun === undefined ? live : []
  const changes = [...set, ...removed]
  await place.check(changes)
  about(changes)
  await place.apply(set)
  await place.apply(removed)
  // Another call at the same time may have removed what this part has set, while this one removes what
  // that one has set. See `setNamespace`: the one that looks last has all of its entries.
  if (removed.length > 0) await place.setMissing(live)
  const last = removed.at(-1)
  const again = removed.length < others.length && last !== undefined
  const done = !again && next === null
  const { v, mode, storage } = state
  const after = again ? state.after : next
  const begun = again ? { begun: { sha256, removed: writeCursor(last) } } : {}
  return { state: { v, mode, storage, after, ...begun, done }, changes, again, done }
}

async function readState(
  begun: { readonly mode: RestoreMode; readonly storage: string },
  id: unknown,
  token: string,
): Promise<RestoreState> {
  if (id === undefined) return { v: 1, ...begun, after: null, done: false }
  if (typeof id !== 'string') throw new HttpError(400, 'The field "restore" must be a string.')
  const state = await readRestoreId(id, token)
  for (const field of ['mode', 'storage'] as const) {
    if (state[field] === begun[field]) continue
    throw new HttpError(409, `This restore was begun with the ${field} "${state[field]}".`)
  }
  if (state.done) throw new HttpError(409, 'This restore is complete.')
  return state
}

function outOfOrder({ after }: RestoreState): HttpError {
  if (after === null) {
    return new HttpError(409, 'The part is out of order: a restore begins with the first part.')
  }
  const { namespace, key } = readCursor(after)
  return new HttpError(
    409,
    `The part is out of order: the next one begins behind ${quoteName(key)} of ${quoteName(namespace)}.`,
  )
}

/** What is stored where the part is, and not in it; sorted, and one more than are removed at once. */
async function notIn(
  runtime: StorageRuntime,
  state: RestoreState,
  entries: readonly BackupChange[],
  { after, upTo }: PartRange,
): Promise<readonly Removal[]> {
  const from = state.begun === undefined ? after : readCursor(state.begun.removed)
  const isWithin = (name: EntryName): boolean =>
    (from === undefined || byName(name, from) > 0) &&
    (upTo === undefined || byName(name, upTo) <= 0)
  const known = new Set(entries.map(({ namespace, key }) => JSON.stringify([namespace, key])))
  const found: Removal[] = []
  for (const namespace of await namespacesOf(runtime)) {
    if (TRANSIENT.has(namespace)) continue
    if (from !== undefined && namespace < from.namespace) continue
    if (upTo !== undefined && namespace > upTo.namespace) break
    await using store = await runtime.open(namespace)
    for await (const key of store.keys()) {
      const name = { namespace, key }
      if (isWithin(name) && !known.has(JSON.stringify([namespace, key]))) {
        found.push({ ...name, remove: true })
      }
    }
    if (found.length > MOST_REMOVED) break
  }
  return found.toSorted(byName)
}
