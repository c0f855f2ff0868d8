import { isStoreError, type StorageRuntime } from '../src/index.js'
import { MOST_CALL_BYTES, MOST_CALL_CHANGES } from './bot/backup/edge-place.js'
import { EntryError, readEntry, readFields, readName } from './bot/backup/entry.js'
import type { PlaceChange } from './bot/backup/place.js'
import { runtimePlace } from './bot/backup/runtime-place.js'
import { readObject } from './http/body.js'
import { onlyFields } from './http/fields.js'
import { HttpError } from './http/reply.js'

/**
 * Reads `{ changes }`: at most 200 and 16 MiB, each `{ namespace, key, value }` or
 * `{ namespace, key, remove: true }`.
 *
 * @throws HttpError 400, 413 or 415
 */
export async function readRestore(request: Request): Promise<readonly PlaceChange[]> {
  const body = await readObject(request, MOST_CALL_BYTES)
  onlyFields(body, ['changes'])
  const { changes } = body
  if (!Array.isArray(changes)) throw new HttpError(400, 'The field "changes" must be a list.')
  if (changes.length > MOST_CALL_CHANGES) {
    throw new HttpError(
      413,
      `There are ${changes.length} changes; at most ${MOST_CALL_CHANGES} are taken.`,
    )
  }
  return changes.map(readChange)
}

function readChange(given: unknown, index: number): PlaceChange {
  try {
    const isRemoval = typeof given === 'object' && given !== null && Object.hasOwn(given, 'remove')
    if (!isRemoval) return readEntry(given)
    const fields = readFields(given, ['namespace', 'key', 'remove'])
    if (fields['remove'] === true) return { ...readName(fields), remove: true }
    throw new EntryError('The field "remove" must be true.')
  } catch (error) {
    if (error instanceof EntryError) throw new HttpError(400, `Change ${index}: ${error.message}`)
    throw error
  }
}

/**
 * Makes the changes; resolves to how many. Made twice is the same as once.
 *
 * @throws HttpError 400 for a name and 413 for a value that this storage cannot hold, when those
 * before it may be stored; StoreError what the storage says
 */
export async function restore(
  changes: readonly PlaceChange[],
  runtime: StorageRuntime,
): Promise<number> {
  try {
    await runtimePlace(runtime).apply(changes)
    return changes.length
  } catch (error) {
    if (!isStoreError(error)) throw error
    const { code, namespace, key } = error
    const entry = `The entry ${JSON.stringify(key)} of ${JSON.stringify(namespace)}`
    if (code === 'TOO_LARGE') {
      throw new HttpError(413, `${entry} is larger than this storage takes.`)
    }
    if (code === 'INVALID_NAMESPACE') {
      throw new HttpError(400, `This storage cannot hold a namespace ${JSON.stringify(namespace)}.`)
    }
    if (code === 'INVALID_KEY') {
      throw new HttpError(400, `${entry} has a longer key than this storage takes.`)
    }
    throw error
  }
}
