const ANSWERS_WITHIN = 120_000

/** A bot in a Worker, by its address. */
export interface AdminAccess {
  /** The address of its page, such as `https://bot.example.com/`. */
  readonly url: string
  /** Its operator's token; absent for anybody else. */
  readonly token?: string | undefined
}

/** Why a bot in a Worker did not do as it was asked: a sentence to be shown as it is. */
export class AdminError extends Error {
  override readonly name: string = 'PlaceError'
  /** The status of the answer; `undefined` if there was none. */
  readonly status: number | undefined
  /** May the same succeed if it is done again, after a pause? */
  readonly retryable: boolean
  /** How long that pause should be at least, in milliseconds. */
  readonly retryAfter: number

  constructor(
    message: string,
    status: number | undefined,
    retryable = false,
    cause?: unknown,
    retryAfter = 0,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.retryable = retryable
    this.retryAfter = retryAfter
  }
}

/** One of the storages of a bot in a Worker. */
export interface RemoteStorage {
  readonly name: string
  /** Is it the one that is used if none is named? */
  readonly default?: boolean
}

/** What a bot in a Worker says of itself to anybody. */
export interface RemoteBot {
  readonly storages: readonly RemoteStorage[]
  /** Is there an operator at all: has it a token? */
  readonly admin: boolean
  /** Does it talk over the web? Absent, it does. */
  readonly chat?: boolean
}

/**
 * The bot in a Worker at an address; `undefined` if there is none, or it cannot be reached.
 *
 * @param within how long it may take, in milliseconds
 */
export async function findBot(url: string, within?: number): Promise<RemoteBot | undefined> {
  try {
    const found = (await callBot({ url }, 'api/storages', undefined, within)) as RemoteBot | null
    return Array.isArray(found?.storages) && typeof found.admin === 'boolean' ? found : undefined
  } catch (error) {
    if (error instanceof AdminError) return undefined
    throw error
  }
}

/**
 * Asks the Worker: gets, or posts `body` as JSON; resolves to the JSON it answers.
 *
 * @param within how long it may take, in milliseconds
 * @throws PlaceError
 */
export async function callBot(
  { url, token }: AdminAccess,
  path: string,
  body?: unknown,
  within: number = ANSWERS_WITHIN,
): Promise<unknown> {
  const headers: Record<string, string> = {}
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  let status: number
  let ok: boolean
  let text: string
  let retryAfter: number
  try {
    const signal = AbortSignal.timeout(within)
    const reply = await fetch(new URL(path, url), { ...init, headers, signal })
    ;({ status, ok } = reply)
    retryAfter = 1000 * Number(reply.headers.get('retry-after'))
    text = await reply.text()
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'TimeoutError') {
      // Nobody waits as long again.
      throw new AdminError(`The bot at ${url} did not answer in time.`, undefined, false, cause)
    }
    throw new AdminError(`The bot at ${url} cannot be reached.`, undefined, true, cause)
  }
  const answer = parse(text)
  if (ok && answer !== undefined) return answer
  const said = answer !== undefined && 'error' in answer ? answer.error : undefined
  const words = sentence(url, status, said, token !== undefined)
  const retryable = status === 503 || status === 429
  throw new AdminError(words, status, retryable, undefined, retryAfter || 0)
}

function sentence(url: string, status: number, said: unknown, asOperator: boolean): string {
  if (status === 401) return "The operator's token is wrong."
  if (status === 404 && asOperator) {
    return `The bot at ${url} has no operator: no token is configured there.`
  }
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
