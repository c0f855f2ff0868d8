const DEFAULT_TIMEOUT_MS = 120_000

/** The address of a bot and the token of its operator. */
export interface AdminAccess {
  /** The address that the bot's paths are relative to, such as `https://bot.example.com/`. */
  readonly url: string
  /** The operator's token; without it only public paths answer. */
  readonly token?: string | undefined
}

/** Details of an {@link AdminError}. */
export interface AdminErrorDetails {
  /** The HTTP status; absent if there was no response. */
  readonly status?: number | undefined
  /** Whether the same call may succeed later. Default `false`. */
  readonly retryable?: boolean | undefined
  /** The `retry-after` of the response, in milliseconds. Default 0. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** Thrown if a call to a bot fails. Its message is one sentence that can be shown as it is. */
export class AdminError extends Error {
  override readonly name: string = 'AdminError'
  /** The HTTP status; `undefined` if there was no response. */
  readonly status: number | undefined
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** The least time to wait before a retry, in milliseconds. */
  readonly retryAfterMs: number
  /** `namespace` if other namespaces may be readable; see `BackupTarget`. */
  readonly scope: 'target' | 'namespace'

  constructor(message: string, details: AdminErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.status = details.status
    this.retryable = details.retryable ?? false
    this.retryAfterMs = details.retryAfterMs ?? 0
    this.scope = this.status === 500 ? 'namespace' : 'target'
  }
}

/** What {@link callBot} sends. */
export interface BotCallOptions {
  /** Sent as JSON by POST; without it the call is a GET. */
  readonly body?: unknown
  /** How long the call may take. Default 120 seconds. */
  readonly timeoutMs?: number | undefined
}

/**
 * Calls a path of a bot with the operator's token and resolves to the JSON that it returns.
 *
 * @param path relative to the address of the bot, such as `admin/namespaces`
 * @throws AdminError if the bot cannot be reached, does not answer in time or refuses the call
 *
 * @example
 * const access = { url: 'https://bot.example.com/', token }
 * const answer = await callBot(access, 'admin/namespaces', { timeoutMs: 10_000 })
 */
export async function callBot(
  { url, token }: AdminAccess,
  path: string,
  { body, timeoutMs = DEFAULT_TIMEOUT_MS }: BotCallOptions = {},
): Promise<unknown> {
  const headers: Record<string, string> = {}
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  let response: Response
  let text: string
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    response = await fetch(new URL(path, url), { ...init, headers, signal })
    text = await response.text()
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'TimeoutError') {
      // Not retryable: a caller would wait for as long again.
      throw new AdminError(`The bot at ${url} did not answer in time.`, { cause })
    }
    throw new AdminError(`The bot at ${url} cannot be reached.`, { retryable: true, cause })
  }
  const answer = parseObject(text)
  if (response.ok && answer !== undefined) return answer
  const { status } = response
  const reported = answer !== undefined && 'error' in answer ? answer.error : undefined
  throw new AdminError(refusalSentence({ url, token }, status, reported), {
    status,
    retryable: status === 503 || status === 429,
    retryAfterMs: 1000 * Number(response.headers.get('retry-after')) || 0,
  })
}

function refusalSentence({ url, token }: AdminAccess, status: number, reported: unknown): string {
  if (status === 401) return "The operator's token is wrong."
  if (status === 404 && token !== undefined) {
    return `The bot at ${url} has no operator: no token is configured there.`
  }
  if (typeof reported === 'string') return reported
  return `The bot at ${url} returned something unexpected (status ${status}). Is the address right?`
}

/** Parses JSON of an object or a list; `undefined` for any other text. */
function parseObject(text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : undefined
  } catch {
    return undefined
  }
}
