import { jsonBytes, MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES, splitIntoChunks } from '../backup/chunks.ts'
import {
  type BackupChange,
  type BackupEntry,
  type BackupRemoval,
  InvalidInputError,
  parseExpiry,
  parseVersion,
  parseName,
  parseEncodedValue,
} from '../backup/entry.ts'
import { type ListMode, mergeValues } from '../backup/merge.ts'
import { runtimeTarget } from '../backup/runtime-target.ts'
import { decode, encode } from '../codec.ts'
import { quote } from '../errors.ts'
import { isStoreError, type StorageRuntime } from '../index.ts'
import { cloneValue } from '../value/copy-value.ts'
import {
  assertKnownFields,
  HttpError,
  MAX_BODY_BYTES,
  MAX_ENTRY_BYTES,
  parseChoice,
  readJsonObject,
} from './http.ts'
import { assertPlainJson, NotPlainError } from './plain-json.ts'
import type { ValueForm } from './read-namespace.ts'

/** The most entries that one call removes without naming them. */
export const MAX_UNNAMED_REMOVALS = 500
const MAX_CONCURRENT_MERGES = 20

/** Called with the changes of a call after they were checked and before the first write. */
export type OnPlanned = (changes: readonly BackupChange[]) => void

/** The namespace that a request writes, and the form of its values. */
export interface WriteTarget {
  readonly namespace: string
  readonly form: ValueForm
}

/** The body of `PUT /storage`: all entries that the namespace must contain afterwards. */
export interface ReplaceRequest {
  readonly entries: readonly BackupEntry[]
}

/** The body of `PATCH /storage`: entries to merge and keys to remove. */
export interface MergeRequest {
  readonly entries: readonly BackupEntry[]
  readonly lists: ListMode
  readonly remove: readonly BackupRemoval[]
}

/**
 * Reads `{ entries, expires?, versions? }`, objects by key, from a body of at most 200 entries and 16 MiB.
 *
 * @throws HttpError 400, 413 or 415
 * @throws InvalidInputError
 */
export async function readReplaceRequest(
  request: Request,
  target: WriteTarget,
): Promise<ReplaceRequest> {
  const body = await readJsonObject(request, MAX_BODY_BYTES)
  assertKnownFields(body, ['entries', 'expires', 'versions'])
  const expires = parseByKey(body['expires'] ?? {}, 'expires')
  const versions = parseByKey(body['versions'] ?? {}, 'versions')
  const entries = parseEntries(body['entries'], target).map((entry) => ({
    ...entry,
    ...parseExpiry(expires.get(entry.key)),
    ...parseVersion(versions.get(entry.key)),
  }))
  const keys = new Set(entries.map(({ key }) => key))
  for (const [field, values] of Object.entries({ expires, versions })) {
    const other = [...values.keys()].find((key) => !keys.has(key))
    if (other === undefined) continue
    throw new InvalidInputError(
      `"${field}" has the key ${quote(other)}, which is not in "entries".`,
    )
  }
  return { entries }
}

/**
 * Reads `{ entries?, lists, remove? }` from a body of at most 200 entries, 200 keys to remove, and 16 MiB.
 *
 * @throws HttpError 400, 413 or 415
 * @throws InvalidInputError
 */
export async function readMergeRequest(
  request: Request,
  target: WriteTarget,
): Promise<MergeRequest> {
  const { namespace } = target
  const body = await readJsonObject(request, MAX_BODY_BYTES)
  assertKnownFields(body, ['entries', 'lists', 'remove'])
  const lists = parseChoice('lists', body['lists'], ['append', 'replace'])
  const entries = parseEntries(body['entries'] ?? {}, target)
  const keys = body['remove'] ?? []
  if (!Array.isArray(keys))
    throw new InvalidInputError('The field "remove" must be a list of keys.')
  assertEntryCount(keys.length)
  const remove = keys.map((key: unknown): BackupRemoval => ({
    ...parseName({ namespace, key }),
    remove: true,
  }))
  const both = remove.find(({ key }) => entries.some((entry) => entry.key === key))
  if (both === undefined) return { entries, lists, remove }
  throw new InvalidInputError(`The key ${quote(both.key)} is in both "entries" and "remove".`)
}

/**
 * Sets the entries of a namespace and removes all others. If several such calls run at the same time,
 * all entries of at least one of them exist at the end, except on an eventually consistent storage.
 *
 * @throws HttpError 413 if there are more than 500 others
 * @throws StoreError of the storage; before the first write, if an entry exceeds the limits in `traits`
 */
export async function replaceNamespace(
  runtime: StorageRuntime,
  namespace: string,
  { entries }: ReplaceRequest,
  onPlanned: OnPlanned,
): Promise<readonly BackupChange[]> {
  const named = new Set(entries.map(({ key }) => key))
  const others: BackupRemoval[] = []
  {
    await using store = await runtime.open(namespace)
    for await (const key of store.keys()) {
      if (!named.has(key)) others.push({ namespace, key, remove: true })
    }
  }
  if (others.length > MAX_UNNAMED_REMOVALS) {
    throw new HttpError(
      413,
      `The namespace has ${others.length} entries that the request does not name, and one call removes at most ${MAX_UNNAMED_REMOVALS} of them. Remove at least ${others.length - MAX_UNNAMED_REMOVALS} first, with PATCH and "remove", ${MAX_CHUNK_ENTRIES} keys a call.`,
    )
  }
  const changes = [...entries, ...others]
  const target = runtimeTarget(runtime)
  await target.check(changes)
  onPlanned(changes)
  await target.apply(changes)
  // Two concurrent calls may each have listed and then removed entries that the other one set. The call
  // that restores its entries last does so after all removals, so nothing removes them afterwards.
  if (others.length > 0) await target.setMissing(entries)
  return changes
}

/**
 * Merges each entry into the value under its key and then removes the keys to remove. Each merge is one
 * atomic step, except on a storage whose `traits.atomic` is `none`. An expiry is kept.
 *
 * After a failure some entries may be merged; with `lists: 'append'` a retry appends those again.
 *
 * @throws StoreError of the storage; before the first write, if a merged value exceeds the limits in
 * `traits`
 */
export async function mergeNamespace(
  runtime: StorageRuntime,
  namespace: string,
  { entries, lists, remove }: MergeRequest,
  onPlanned: OnPlanned,
): Promise<readonly BackupChange[]> {
  const target = runtimeTarget(runtime)
  const changes = [...entries, ...remove]
  await target.check(changes)
  await using store = await runtime.open(namespace)
  const merge = (current: unknown, { value }: BackupEntry): unknown =>
    mergeValues(current, decode(value), lists)
  // The stored values may be large, and the memory of a Worker holds only some of them at once.
  const bounds = { maxItems: MAX_CONCURRENT_MERGES, maxBytes: MAX_CHUNK_BYTES }
  const chunks = [...splitIntoChunks(entries, bounds)]
  for (const chunk of chunks) {
    const current = await Promise.all(chunk.map(({ key }) => store.get(key)))
    for (const [index, entry] of chunk.entries()) {
      const value = encode(merge(current[index], entry))
      await target.check([{ namespace, key: entry.key, value }])
    }
  }
  onPlanned(changes)
  for (const chunk of chunks) {
    const stored = await Promise.allSettled(
      chunk.map((entry) => store.update(entry.key, (current) => merge(current, entry))),
    )
    const failed = stored.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
  await target.apply(remove)
  return changes
}

function parseEntries(given: unknown, { namespace, form }: WriteTarget): readonly BackupEntry[] {
  const values = parseByKey(given, 'entries')
  assertEntryCount(values.size)
  return [...values].map(([key, value]) => {
    const name = parseName({ namespace, key })
    try {
      const entry = {
        ...name,
        value: form === 'text' ? parseEncodedField(value) : parsePlainValue(value),
      }
      if (jsonBytes(entry) <= MAX_ENTRY_BYTES) return entry
      throw new HttpError(413, `The entry ${quote(key)} is larger than ${MAX_ENTRY_BYTES} bytes.`)
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error
      throw new InvalidInputError(`The entry ${quote(key)}: ${error.message}`)
    }
  })
}

function parseEncodedField(value: unknown): string {
  if (typeof value === 'string') return parseEncodedValue(value)
  throw new InvalidInputError(
    'The value must be a string that botshelf/codec encoded; to send plain JSON, add "as=json" to the URL.',
  )
}

function parsePlainValue(value: unknown): string {
  try {
    // First, because it ends at the deepest level that can be stored.
    const copied = cloneValue(value)
    // JSON.parse returns values that JSON cannot hold: it reads 1e400 as Infinity.
    assertPlainJson(value)
    return encode(copied)
  } catch (error) {
    if (error instanceof NotPlainError || isStoreError(error))
      throw new InvalidInputError(error.message)
    throw error
  }
}

function parseByKey(given: unknown, field: string): ReadonlyMap<string, unknown> {
  if (given === undefined) throw new InvalidInputError(`The field "${field}" is missing.`)
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidInputError(
      `The field "${field}" must be an object with a value for each key; received ${quote(given)}.`,
    )
  }
  return new Map(Object.entries(given))
}

function assertEntryCount(count: number): void {
  if (count <= MAX_CHUNK_ENTRIES) return
  throw new HttpError(
    413,
    `There are ${count} entries; send at most ${MAX_CHUNK_ENTRIES} in one call.`,
  )
}
