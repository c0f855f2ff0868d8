const ANSWERS_WITHIN = 120_000

/** A bot in a Worker, by its address, and its operator's token. */
export interface EdgeAccess {
  /** The address of its page, such as `https://bot.example.com/`. */
  readonly url: string
  readonly token: string
}

/** Why a bot in a Worker did not do as it was asked: a sentence to be shown as it is. */
export class PlaceError extends Error {
  override readonly name: string = 'PlaceError'
  /** The status of the answer; `undefined` if there was none. */
  readonly status: number | undefined
  /** May the same succeed if it is done again, after a pause? */
  readonly retryable: boolean

  constructor(message: string, status: number | undefined, retryable = false, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.retryable = retryable
  }
}

/** One of the storages of a bot in a Worker. */
export interface EdgeStorage {
  readonly name: string
  /** Is it the one that is used if none is named? */
  readonly default?: boolean
}

/** What a bot in a Worker says of itself to anybody. */
export interface Edge {
  readonly storages: readonly EdgeStorage[]
  /** Is there an operator at all: has it a token? */
  readonly admin: boolean
}

/** The bot in a Worker at an address; `undefined` if there is none, or it cannot be reached. */
export async function findEdge(url: string): Promise<Edge | undefined> {
  try {
    const found = (await ask(url, 'api/storages', {})) as Edge | null
    return Array.isArray(found?.storages) && typeof found.admin === 'boolean' ? found : undefined
  } catch (error) {
    if (error instanceof PlaceError) return undefined
    throw error
  }
}

/**
 * Asks the Worker as its operator: gets, or posts `body` as JSON; resolves to the JSON it answers.
 *
 * @throws PlaceError
 */
export function callEdge(
  { url, token }: EdgeAccess,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}` }
  if (body === undefined) return ask(url, path, { headers })
  return ask(url, path, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function ask(url: string, path: string, init: RequestInit): Promise<unknown> {
  let status: number
  let ok: boolean
  let text: string
  try {
    const signal = AbortSignal.timeout(ANSWERS_WITHIN)
    const reply = await fetch(new URL(path, url), { ...init, signal })
    ;({ status, ok } = reply)
    text = await reply.text()
  } catch (cause) {
    throw new PlaceError(`The bot at ${url} cannot be reached.`, undefined, true, cause)
  }
  const body = parse(text)
  if (ok && body !== undefined) return body
  const said = body !== undefined && 'error' in body ? body.error : undefined
  throw new PlaceError(sentence(url, status, said), status, status === 503 || status === 429)
}

function sentence(url: string, status: number, said: unknown): string {
  if (status === 401) return "The operator's token is wrong."
  if (status === 404) return `The bot at ${url} has no operator: no token is configured there.`
  if (typeof said === 'string') return said
  return `The bot at ${url} gave an answer that cannot be understood (status ${status}).`
}

/** The object that a text of JSON stands for; `undefined` for any other text. */
function parse(text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : undefined
  } catch {
    return undefined
  }
}
