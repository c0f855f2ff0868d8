import { checkOptions, DURATION, type OptionTypes, SIGNAL } from '../arguments.ts'
import type { TargetError } from '../backup/target.ts'

const DEFAULT_TIMEOUT_MS = 120_000
/** 256 MiB. A value of 25 MiB, the most that a storage takes, is shorter even if JSON escapes it twice. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

/** The URL of a bot and its admin token. */
export interface AdminAccess {
  /**
   * The URL that the bot's paths are relative to, such as `https://bot.example.com/`. A URL with a path
   * must end with `/`: in `https://example.com/bot` the `bot` would be dropped.
   */
  readonly url: string
  /** The admin token. Without it only public paths can be called. */
  readonly token?: string | undefined
}

/** Details of an {@link AdminError}. */
export interface AdminErrorDetails {
  /** The HTTP status; absent if there was no response. */
  readonly status?: number | undefined
  /** The code of the StoreError that the bot answered with. */
  readonly code?: string | undefined
  /** Whether the same call may succeed later. Default `false`. */
  readonly retryable?: boolean | undefined
  /** The `retry-after` of the response, in milliseconds. Default 0. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** Thrown if a call to a bot fails. Its message is one sentence that can be shown as it is. */
export class AdminError extends Error implements TargetError {
  override readonly name: string = 'AdminError'
  /** The HTTP status; `undefined` if there was no response. */
  readonly status: number | undefined
  /** The code of the StoreError that the bot answered with, if it answered with one. */
  readonly code: string | undefined
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** The least time to wait before a retry, in milliseconds. */
  readonly retryAfterMs: number
  /** `namespace` for status 500, because other namespaces may be readable, otherwise `target`. */
  readonly scope: 'target' | 'namespace'

  constructor(message: string, details: AdminErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.status = details.status
    this.code = details.code
    this.retryable = details.retryable ?? false
    this.retryAfterMs = details.retryAfterMs ?? 0
    this.scope = this.status === 500 ? 'namespace' : 'target'
  }
}

/** Options of {@link callBot}. */
export interface BotCallOptions {
  /** Sent as JSON. */
  readonly body?: unknown
  /** The HTTP method. Default `POST` with a body, otherwise `GET`. */
  readonly method?: 'GET' | 'PATCH' | 'POST' | 'PUT' | undefined
  /** The most time that the call may take, in milliseconds. Default 120,000. */
  readonly timeoutMs?: number | undefined
  /** Aborts the call, which then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

const OPTIONS: OptionTypes = {
  body: ['JSON data', () => true],
  method: [
    'GET, PATCH, POST or PUT',
    (method) => ['GET', 'PATCH', 'POST', 'PUT'].includes(method as string),
  ],
  timeoutMs: DURATION,
  signal: SIGNAL,
}

/**
 * Calls a path of a bot with the admin token and resolves to the JSON that it returns.
 *
 * @param path relative to the URL of the bot, such as `admin/namespaces`
 * @throws StoreError `INVALID_VALUE` for invalid options
 * @throws AdminError if the bot cannot be reached, does not answer in time or refuses the call
 *
 * @example
 * const access = { url: 'https://bot.example.com/', token }
 * const answer = await callBot(access, 'admin/namespaces', { timeoutMs: 10_000 })
 */
export async function callBot(
  { url, token }: AdminAccess,
  path: string,
  options?: BotCallOptions,
): Promise<unknown> {
  const { body, method, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = checkOptions(options, OPTIONS)
  const { target, shown } = resolveUrl(url, path)
  const headers: Record<string, string> = {}
  if (token !== undefined) headers['authorization'] = `Bearer ${checkToken(token)}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  const init: RequestInit =
    body === undefined
      ? { method: method ?? 'GET' }
      : { method: method ?? 'POST', body: JSON.stringify(body) }
  let response: Response
  let text: string
  try {
    const timeout = AbortSignal.timeout(timeoutMs)
    // A followed redirect would drop the token or turn a POST into a GET.
    response = await fetch(target, {
      ...init,
      headers,
      redirect: 'manual',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    })
    text = await readText(response, shown)
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof AdminError) throw cause
    if (cause instanceof DOMException && cause.name === 'TimeoutError') {
      // Not retryable: a caller would wait for as long again.
      throw new AdminError(`The bot at ${shown} did not answer in time, within ${timeoutMs} ms.`, {
        cause,
      })
    }
    throw new AdminError(`The bot at ${shown} cannot be reached.`, { retryable: true, cause })
  }
  const answer = parseObjectOrList(text)
  if (response.ok && answer !== undefined) return answer
  const { status } = response
  throw new AdminError(statusSentence({ url: shown, token, path, target }, response, answer), {
    status,
    retryable: status === 503 || status === 429,
    retryAfterMs: 1000 * Number(response.headers.get('retry-after')) || 0,
    ...(answer !== undefined &&
      'code' in answer &&
      typeof answer.code === 'string' && { code: hideToken(answer.code, token) }),
  })
}

/** @throws AdminError for more bytes than an answer of a bot can have, which would fill the memory */
async function readText(response: Response, url: string): Promise<string> {
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  let text = ''
  for (let bytes = 0; bytes <= MAX_ANSWER_BYTES;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
    if (done) return text + decoder.decode()
    bytes += value.byteLength
    text += decoder.decode(value, { stream: true })
  }
  await reader?.cancel()
  const { status } = response
  throw new AdminError(`The server at ${url} sends more than 256 MiB. Check the URL.`, { status })
}

/**
 * Returns the URL to call, and the URL of the bot for messages: without query and fragment, which may
 * have a token.
 *
 * @throws AdminError without the URL, which fetch() would repeat with its password
 */
function resolveUrl(url: string, path: string): { target: URL; shown: string } {
  const shown = url.replace(/[?#].*$/s, '')
  let target: URL
  try {
    target = new URL(path, url)
  } catch {
    throw new AdminError(
      'The URL of the bot is invalid. It must look like https://bot.example.com/.',
    )
  }
  // The token is only for the server of the URL; a path may be an absolute URL.
  if (target.origin !== new URL(url).origin) {
    throw new AdminError(`The path of the call leads to another server, ${target.host}.`)
  }
  if (target.username === '' && target.password === '') return { target, shown }
  throw new AdminError(
    `The URL of the bot at ${target.host} has a user name or a password, which fetch() refuses. Remove them.`,
  )
}

/** @throws AdminError without the token, which fetch() would repeat */
function checkToken(token: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(token.trim())) return token.trim()
  throw new AdminError(
    'The admin token has a character that no HTTP header can have, such as a line break. Check how it is read.',
  )
}

interface CalledPath extends AdminAccess {
  readonly path: string
  readonly target: URL
}

function statusSentence(
  { url, token, path, target }: CalledPath,
  { status, headers }: Response,
  answer: object | undefined,
): string {
  const reported = answer !== undefined && 'error' in answer ? answer.error : undefined
  // A page sees the status 0 and no headers.
  if (status < 200 || (status >= 300 && status < 400)) {
    return `The server at ${url} redirects${hideToken(locationOf(headers, target), token)} (status ${status}). Use the URL of the bot that does not redirect.`
  }
  if (status === 401 && token === undefined) {
    return `This call needs the admin token of the bot at ${url}, and none was sent.`
  }
  // A login in front of the bot, such as a proxy's, does not answer with JSON.
  if (status === 401 && answer !== undefined) {
    return 'The admin token is wrong: it is not the ADMIN_TOKEN of the bot.'
  }
  if (status === 404 && token !== undefined && answer !== undefined) {
    const [pathname] = path.split('?')
    return `The bot at ${url} has nothing at ${pathname} (status 404). Check the URL and the base path. The admin API exists only if the bot has an admin token.`
  }
  if (typeof reported === 'string') return hideToken(reported, token)
  const isPage = /^text\/html\b/i.test(headers.get('content-type') ?? '')
  const received = isPage ? 'a web page instead of JSON' : 'no JSON of a bot'
  const advice =
    status >= 500
      ? 'The bot or a proxy in front of it failed; see its log.'
      : 'Check the URL and the base path.'
  return `The server at ${url} returned ${received} (status ${status}). ${advice}`
}

/** Replaces the token in what a server sent, which may repeat what it received. */
function hideToken(text: string, token = ''): string {
  const sent = token.trim()
  if (sent === '') return text
  return [sent, encodeURI(sent), encodeURIComponent(sent)].reduce(
    (hidden, form) => hidden.replaceAll(form, '***'),
    text,
  )
}

/** Returns the target of a redirect without its query, which may have a token; empty if it is unknown. */
function locationOf(headers: Headers, target: URL): string {
  const location = headers.get('location') ?? ''
  if (location === '' || !URL.canParse(location, target.href)) return ''
  const { origin, pathname } = new URL(location, target)
  return ` to ${origin}${pathname}`
}

/** Parses JSON of an object or a list; `undefined` for any other text. */
function parseObjectOrList(text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : undefined
  } catch {
    return undefined
  }
}
