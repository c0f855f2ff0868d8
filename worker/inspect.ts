import { encode } from '../src/codec.js'
import { isStoreError, type StorageRuntime, type Store } from '../src/index.js'
import { HttpError } from './http/reply.js'

/**
 * Everything in a namespace: its keys, with the values as text of `botshelf/codec`.
 *
 * @throws HttpError 400 if there can be no such namespace; StoreError what the storage says
 */
export async function readEntries(
  escapedNamespace: string,
  runtime: StorageRuntime,
): Promise<Readonly<Record<string, string>>> {
  await using store = await openStore(escapedNamespace, runtime)
  const entries: [string, string][] = []
  for await (const [key, value] of store) entries.push([key, encode(value)])
  // Unlike an assignment this makes `__proto__` a property like any other.
  return Object.fromEntries(entries)
}

async function openStore(escaped: string, runtime: StorageRuntime): Promise<Store> {
  try {
    return await runtime.open(decodeURIComponent(escaped))
  } catch (error) {
    if (error instanceof URIError || (isStoreError(error) && error.code === 'INVALID_NAMESPACE')) {
      throw new HttpError(400, 'There can be no namespace of this name.')
    }
    throw error
  }
}
