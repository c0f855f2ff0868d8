import { quote } from '../errors.ts'

/**
 * The largest request body that the admin API reads, in bytes: 16 MiB. An encoded value of 2,000,000
 * bytes fits, the most that a Durable Object stores, even if JSON escapes each of its characters twice.
 */
export const MAX_BODY_BYTES: number = 16 * 1024 * 1024
/** The largest entry that the admin API sends or reads, in bytes of JSON; the rest of a body needs room too. */
export const MAX_ENTRY_BYTES: number = MAX_BODY_BYTES - 64 * 1024

/** The fields of a JSON object. */
export type JsonFields = Readonly<Record<string, unknown>>

/**
 * Thrown to answer a request with a status other than 200. The message is one sentence for the
 * client. `createAdminHandler` and `errorResponse` turn it into a response.
 *
 * @example
 * throw new HttpError(429, 'Too many requests; try again in 60 seconds.', { 'retry-after': '60' })
 */
export class HttpError extends Error {
  override readonly name: string = 'HttpError'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** Creates a JSON response that is never cached. */
export function jsonResponse(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json(body, {
    status,
    headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers },
  })
}

/**
 * Reads the body of a request as a JSON object.
 *
 * @param maxBytes the most bytes that are read, also if `content-length` is smaller than the body
 * @throws HttpError 415 without `content-type: application/json`, 413 for a larger body, 400 for
 * anything but a JSON object in UTF-8
 */
export async function readJsonObject(request: Request, maxBytes: number): Promise<JsonFields> {
  const type = request.headers.get('content-type')?.toLowerCase() ?? ''
  if (!/^\s*application\/json\s*(;\s*charset="?utf-8"?\s*)?$/.test(type)) {
    throw new HttpError(
      415,
      'Send JSON in UTF-8, with the header "content-type: application/json".',
    )
  }
  const text = await readBodyText(request, maxBytes)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new HttpError(400, 'The body is not JSON.')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new HttpError(400, 'The body must be a JSON object.')
  }
  return body as JsonFields
}

async function readBodyText(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = new HttpError(413, `The body is too large: at most ${maxBytes} bytes are read.`)
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  const reader = request.body?.getReader()
  let text = ''
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
      if (done) return text + utf8.decode()
      bytes += value.byteLength
      if (bytes > maxBytes) throw tooLarge
      text += utf8.decode(value, { stream: true })
    }
  } catch (error) {
    await reader?.cancel().catch(() => {})
    if (error instanceof TypeError) throw new HttpError(400, 'The body is not UTF-8 text.')
    throw error
  }
}

/**
 * Refuses fields that are not in `known`.
 *
 * @param where text before the sentence, such as `Event 3: `
 * @throws HttpError 400
 */
export function assertKnownFields(body: JsonFields, known: readonly string[], where = ''): void {
  const unknown = Object.keys(body).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new HttpError(
    400,
    `${where}Unknown field ${quote(unknown)}; the fields are: ${known.join(', ')}.`,
  )
}

/**
 * Returns a field that must be a string with more than white space.
 *
 * @param maxLength the most UTF-16 code units
 * @param where text before the sentence, such as `Event 3: `
 * @throws HttpError 400
 *
 * @example
 * const body = await readJsonObject(request, 32 * 1024)
 * assertKnownFields(body, ['room', 'text'])
 * const room = parseTextField(body, 'room', 128)
 */
export function parseTextField(
  body: JsonFields,
  name: string,
  maxLength: number,
  where = '',
): string {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  if (value === undefined) throw new HttpError(400, `${where}The field "${name}" is missing.`)
  if (typeof value !== 'string') {
    throw new HttpError(
      400,
      `${where}The field "${name}" must be a string; received ${quote(value)}.`,
    )
  }
  if (value.trim() === '') {
    throw new HttpError(400, `${where}The field "${name}" is empty: it needs visible text.`)
  }
  if (value.length > maxLength) {
    throw new HttpError(
      400,
      `${where}The field "${name}" is too long: it has ${value.length} characters, at most ${maxLength} are allowed.`,
    )
  }
  return value
}

/** @throws HttpError 400 unless a field or parameter has one of the `choices` */
export function parseChoice<C extends string>(
  name: string,
  given: unknown,
  choices: readonly C[],
): C {
  const found = choices.find((choice) => choice === given)
  if (found !== undefined) return found
  const received = given === undefined ? 'it is missing' : `received ${quote(given)}`
  throw new HttpError(400, `"${name}" must be one of: ${choices.join(', ')}; ${received}.`)
}

/** The query parameters of a URL by name. */
export type Query = Readonly<Record<string, string | undefined>>

/** @throws HttpError 400 for a parameter that is not in `known`, or that occurs twice */
export function parseQuery(request: Request, known: readonly string[]): Query {
  const found = new Map<string, string>()
  for (const [name, value] of new URL(request.url).searchParams) {
    if (!known.includes(name)) {
      throw new HttpError(
        400,
        `Unknown parameter ${quote(name)}; the parameters are: ${known.join(', ')}.`,
      )
    }
    if (found.has(name)) {
      throw new HttpError(400, `The parameter ${quote(name)} is given twice; give it once.`)
    }
    found.set(name, value)
  }
  return Object.fromEntries(found)
}
