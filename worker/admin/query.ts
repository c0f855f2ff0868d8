import { HttpError } from '../http/reply.js'

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
    const shown = JSON.stringify(name.slice(0, 60))
    if (!known.includes(name)) {
      throw new HttpError(400, `There is no parameter ${shown}; there are: ${known.join(', ')}.`)
    }
    if (found.has(name)) throw new HttpError(400, `The parameter ${shown} stands there twice.`)
    found.set(name, value)
  }
  return Object.fromEntries(found)
}

/**
 * A parameter that is one of a few words.
 *
 * @throws HttpError 400
 */
export function oneOf<W extends string>(name: string, given: unknown, words: readonly W[]): W {
  const found = words.find((word) => word === given)
  if (found !== undefined) return found
  throw new HttpError(400, `"${name}" must be one of: ${words.join(', ')}.`)
}
