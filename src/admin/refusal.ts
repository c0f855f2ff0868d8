import { isStoreError } from '../index.ts'
import { EntryError } from '../backup/entry.ts'
import { quoteName } from '../backup/shown.ts'
import { HttpError } from './reply.ts'

/**
 * Does what an operator asked for; what he gave that is wrong, or that the storage cannot hold, is
 * told to him.
 *
 * @throws HttpError 400 for what is no entry, and for a name, and 413 for a value, that this storage
 * cannot hold; StoreError what else the storage says
 */
export async function refuseWrong<R>(run: () => Promise<R>): Promise<R> {
  try {
    return await run()
  } catch (error) {
    throw refusal(error)
  }
}

function refusal(error: unknown): unknown {
  if (error instanceof EntryError) return new HttpError(400, error.message)
  if (!isStoreError(error)) return error
  const { code, namespace, key } = error
  const entry = `The entry ${quoteName(key)} of ${quoteName(namespace)}`
  switch (code) {
    case 'TOO_LARGE':
      return new HttpError(413, `${entry} is larger than this storage takes.`)
    case 'INVALID_NAMESPACE':
      if (namespace === undefined) return new HttpError(400, error.message)
      return new HttpError(400, `This storage cannot hold a namespace ${quoteName(namespace)}.`)
    case 'INVALID_KEY':
      return new HttpError(400, `${entry} has a longer key than this storage takes.`)
    case 'INVALID_VALUE':
      return new HttpError(400, `${entry} cannot be stored: ${error.message}`)
    default:
      return error
  }
}
