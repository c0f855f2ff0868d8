import { quoteName } from '../backup/shown.ts'
import { HttpError } from './reply.ts'

/**
 * The parameters of an address, each at most once.
 *
 * @throws HttpError 400 for one that is not known here, or stands there twice
 */
export function readQuery(
  request: Request,
  known: readonly string[],
): Readonly<Record<string, string | undefined>> {
  const found = new Map<string, string>()
  for (const [name, value] of new URL(request.url).searchParams) {
    if (!known.includes(name)) {
      throw new HttpError(
        400,
        `There is no parameter ${quoteName(name)}; there are: ${known.join(', ')}.`,
      )
    }
    if (found.has(name))
      throw new HttpError(400, `The parameter ${quoteName(name)} stands there twice.`)
    found.set(name, value)
  }
  return Object.fromEntries(found)
}
