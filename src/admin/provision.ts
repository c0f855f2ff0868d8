import { decode, encode } from '../codec.ts'
import { isStoreError, type StorageRuntime } from '../index.ts'
import { copyValue } from '../value/copy-value.ts'
import {
  type BackupEntry,
  EntryError,
  type BackupChange,
  readExpiry,
  readName,
  readText,
  type Removal,
} from '../backup/entry.ts'
import {
  MOST_CALL_BYTES,
  MOST_ENTRIES,
  MOST_ENTRY_BYTES,
  MOST_REMOVED,
  PART_BYTES,
} from '../backup/limits.ts'
import { runtimeTarget } from '../backup/runtime-target.ts'
import { quoteName } from '../backup/shown.ts'
import { inParts, jsonBytes } from '../backup/parts.ts'
import { type ListMode, mergeValues } from '../backup/merge.ts'
import { checkPlain, NotPlainError } from './plain-json.ts'
import { readJsonObject } from './body.ts'
import { readChoice, assertKnownFields } from './fields.ts'
import { HttpError } from './reply.ts'
import type { ValueForm } from './inspect.ts'

const MERGED_AT_ONCE = 20
const NO_TEXT = 'The value must be text of botshelf/codec; plain JSON is sent with "as=json".'

/** What a namespace is to hold, or what is to be merged into it. */
export interface Provision {
  readonly entries: readonly BackupEntry[]
}

/** What is to be merged into a namespace. */
export interface Merge extends Provision {
  readonly lists: ListMode
  readonly remove: readonly Removal[]
}

/**
 * Reads `{ entries, expires? }`, each by key: at most 200 entries and 16 MiB.
 *
 * @throws HttpError 400, 413 or 415; EntryError
 */
export async function readSet(
  request: Request,
  namespace: string,
  form: ValueForm,
): Promise<Provision> {
  const body = await readJsonObject(request, MOST_CALL_BYTES)
  assertKnownFields(body, ['entries', 'expires'])
  const expires = readByKey(body['expires'] ?? {}, 'expires')
  const entries = readEntries(body['entries'], namespace, form).map((entry) => ({
    ...entry,
    ...readExpiry(expires.get(entry.key)),
  }))
  for (const key of expires.keys()) {
    if (entries.some((entry) => entry.key === key)) continue
    throw new EntryError(`The expiry of ${quoteName(key)} belongs to no entry.`)
  }
  return { entries }
}

/**
 * Reads `{ entries, lists, remove? }`: entries by key, whether lists are to be appended or replaced,
 * and the keys that are to go; 200 of each at most, and 16 MiB.
 *
 * @throws HttpError 400, 413 or 415; EntryError
 */
export async function readMerge(
  request: Request,
  namespace: string,
  form: ValueForm,
): Promise<Merge> {
  const body = await readJsonObject(request, MOST_CALL_BYTES)
  assertKnownFields(body, ['entries', 'lists', 'remove'])
  const lists = readChoice('lists', body['lists'], ['append', 'replace'])
  const entries = readEntries(body['entries'] ?? {}, namespace, form)
  const keys = body['remove'] ?? []
  if (!Array.isArray(keys)) throw new EntryError('The field "remove" must be a list of keys.')
  checkCount(keys.length)
  const remove = keys.map((key: unknown): Removal => ({
    ...readName({ namespace, key }),
    remove: true,
  }))
  for (const { key } of remove) {
    if (!entries.some((entry) => entry.key === key)) continue
    throw new EntryError(`The key ${quoteName(key)} is to be merged and removed.`)
  }
  return { entries, lists, remove }
}

/**
 * Makes a namespace hold exactly these entries: sets them, and then removes the others. Of several
 * such calls at the same time one at least finds all of its entries there in the end, unless the
 * storage may show what is older, as Workers KV does.
 *
 * @param about gets what is going to be changed
 * @throws HttpError 413 if there are more than 500 others; StoreError what the storage says; before
 * anything is changed, if it cannot hold the entries
 */
export async function setNamespace(
  runtime: StorageRuntime,
  namespace: string,
  { entries }: Provision,
  about: (changes: readonly BackupChange[]) => void,
): Promise<readonly BackupChange[]> {
  const known = new Set(entries.map(({ key }) => key))
  const others: Removal[] = []
  {
    await using store = await runtime.open(namespace)
    for await (const key of store.keys()) {
      if (!known.has(key)) others.push({ namespace, key, remove: true })
    }
  }
  if (others.length > MOST_REMOVED) {
    throw new HttpError(
      413,
      `There are ${others.length} other entries, of which ${MOST_REMOVED} can be removed at once; remove some of them first, by PATCH.`,
    )
  }
  const changes = [...entries, ...others]
  const place = runtimeTarget(runtime)
  await place.check(changes)
  about(changes)
  await place.apply(changes)
  // Two calls at once may each have listed, and then removed, what the other has set by now. The one
  // that looks last does so after everything is removed, and nobody takes its entries away again.
  if (others.length > 0) await place.setMissing(entries)
  return changes
}

/**
 * Merges each entry with what is under its key, as one atomic step where the storage has them, and
 * then removes what is to go. An expiry is kept.
 *
 * @param about gets what is going to be changed
 * @throws StoreError what the storage says; before anything is changed, if it cannot hold what would
 * come of it now
 */
export async function mergeNamespace(
  runtime: StorageRuntime,
  namespace: string,
  { entries, lists, remove }: Merge,
  about: (changes: readonly BackupChange[]) => void,
): Promise<readonly BackupChange[]> {
  const place = runtimeTarget(runtime)
  const changes = [...entries, ...remove]
  await place.check(changes)
  await using store = await runtime.open(namespace)
  const merge = (current: unknown, { value }: BackupEntry): unknown =>
    mergeValues(current, decode(value), lists)
  // What is under the keys may be large; a Worker holds a few of them at once.
  const parts = [...inParts(entries, MERGED_AT_ONCE, PART_BYTES)]
  for (const part of parts) {
    const now = await Promise.all(part.map(({ key }) => store.get(key)))
    for (const [index, entry] of part.entries()) {
      const value = encode(merge(now[index], entry))
      await place.check([{ namespace, key: entry.key, value }])
    }
  }
  about(changes)
  for (const part of parts) {
    const stored = await Promise.allSettled(
      part.map((entry) => store.update(entry.key, (current) => merge(current, entry))),
    )
    const failed = stored.find((each) => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
  await place.apply(remove)
  return changes
}

function readEntries(given: unknown, namespace: string, form: ValueForm): readonly BackupEntry[] {
  const found = readByKey(given, 'entries')
  checkCount(found.size)
  return [...found].map(([key, value]) => {
    const name = readName({ namespace, key })
    try {
      if (form === 'text' && typeof value !== 'string') throw new EntryError(NO_TEXT)
      const entry = { ...name, value: form === 'text' ? readText(value) : fromPlain(value) }
      if (jsonBytes(entry) <= MOST_ENTRY_BYTES) return entry
      throw new HttpError(413, `The entry ${quoteName(key)} is larger than a call takes.`)
    } catch (error) {
      if (!(error instanceof EntryError)) throw error
      throw new EntryError(`The entry ${quoteName(key)}: ${error.message}`)
    }
  })
}

function fromPlain(value: unknown): string {
  try {
    // What JSON cannot hold does not come out of it as it was written: 1e400 is no number by then.
    checkPlain(value)
    return encode(copyValue(value).value)
  } catch (error) {
    if (error instanceof NotPlainError || isStoreError(error)) throw new EntryError(error.message)
    throw error
  }
}

function readByKey(given: unknown, field: string): ReadonlyMap<string, unknown> {
  if (given === undefined) throw new EntryError(`The field "${field}" is missing.`)
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new EntryError(`The field "${field}" must be an object, by key.`)
  }
  return new Map(Object.entries(given))
}

function checkCount(count: number): void {
  if (count <= MOST_ENTRIES) return
  throw new HttpError(413, `There are ${count} entries; at most ${MOST_ENTRIES} are taken.`)
}
