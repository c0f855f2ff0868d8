import { HttpError } from './reply.ts'

type Fields = Readonly<Record<string, unknown>>

/** Refuses any field that is not in `known`; `where` is said before a field's name. */
export function assertKnownFields(body: Fields, known: readonly string[], where = ''): void {
  for (const name of Object.keys(body)) {
    if (known.includes(name)) continue
    const shown = JSON.stringify(name.slice(0, 60))
    throw new HttpError(400, `${where}There is no field ${shown}; there are: ${known.join(', ')}.`)
  }
}

/** A field that holds text of 1 to `most` characters which are not all blank. */
export function readTextField(body: Fields, name: string, most: number, where = ''): string {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  if (value === undefined) throw new HttpError(400, `${where}The field "${name}" is missing.`)
  if (typeof value !== 'string') {
    throw new HttpError(400, `${where}The field "${name}" must be a string.`)
  }
  if (value.trim() === '') throw new HttpError(400, `${where}The field "${name}" is empty.`)
  if (value.length > most) {
    throw new HttpError(400, `${where}The field "${name}" is too long: at most ${most} characters.`)
  }
  return value
}

/**
 * A field or a parameter that is one of a few words.
 *
 * @throws HttpError 400
 */
export function readChoice<W extends string>(name: string, given: unknown, words: readonly W[]): W {
  const found = words.find((word) => word === given)
  if (found !== undefined) return found
  throw new HttpError(400, `"${name}" must be one of: ${words.join(', ')}.`)
}
