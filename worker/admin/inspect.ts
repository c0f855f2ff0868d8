import { isStoreError, type StorageRuntime } from '../src/index.js'
import { runtimePlace } from './bot/backup/runtime-place.js'
import { HttpError } from './http/reply.js'

/**
 * Everything in a namespace: its keys, with the values as text of `botshelf/codec`.
 *
 * @throws HttpError 400 if there can be no such namespace; StoreError what the storage says
 */
export async function readEntries(
  namespace: string,
  runtime: StorageRuntime,
): Promise<Readonly<Record<string, string>>> {
  try {
    // Unlike an assignment this makes `__proto__` a property like any other.
    return Object.fromEntries(await runtimePlace(runtime).entries(namespace))
  } catch (error) {
    if (isStoreError(error) && error.code === 'INVALID_NAMESPACE') throw noSuchNamespace()
    throw error
  }
}

/**
 * A namespace as it is escaped in a path.
 *
 * @throws HttpError 400
 */
export function unescapeNamespace(escaped: string): string {
  try {
    return decodeURIComponent(escaped)
  } catch {
    throw noSuchNamespace()
  }
}

function noSuchNamespace(): HttpError {
  return new HttpError(400, 'There can be no namespace of this name.')
}
