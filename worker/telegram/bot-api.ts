// oxlint-disable-next-line typescript/triple-slash-reference -- it declares modules, and is none
/// <reference path="./grammy-modules.d.ts" />
import { Api, GrammyError, HttpError as NoAnswer, type Transformer } from 'grammy'
import type { ChatTarget } from './update.ts'

// A webhook request must end within about a minute, because Telegram then drops it.
const CALL_TIMEOUT_SECONDS = 10
const MAX_INLINE_WAIT_SECONDS = 3
const MAX_INLINE_RETRIES = 2
/** The wait before a retry if Telegram names none. */
const DEFAULT_RETRY_SECONDS = 5
/** The longest wait that Telegram may request. Telegram keeps an update for 24 hours. */
const MAX_REQUESTED_WAIT_SECONDS = 3600
// The wait after a rejected token. Telegram names none, and the operator needs time to replace it.
const BAD_TOKEN_RETRY_SECONDS = 600
/** The longest line of the log, in UTF-16 code units. */
const MAX_LOG_LENGTH = 500

/**
 * How a call failed.
 *
 * - `refused`: Telegram will never accept this call; it may accept others.
 * - `closed`: Telegram accepts nothing for this chat: the bot was blocked or is not a member.
 * - `later`: try again after `retryAfter` seconds, because of a rate limit, a rejected token, or no time
 *   left in this request.
 * - `failed`: the connection or the server failed; the call was most likely not executed.
 * - `timeout`: the outcome is unknown; the message may have arrived.
 */
export type FailureKind = 'refused' | 'closed' | 'later' | 'failed' | 'timeout'

/** A failed call of the Bot API. Its message is one line without the token and can be logged. */
export class BotApiError extends Error {
  override readonly name: string = 'BotApiError'
  readonly kind: FailureKind
  /** The wait before a retry, from 1 to 3600 seconds; set if the kind is `later`. */
  readonly retryAfter: number | undefined
  /** The id of the supergroup that replaced the group. */
  readonly movedTo: number | undefined

  constructor(
    message: string,
    failing: FailureKind,
    details: { readonly retryAfter?: number; readonly movedTo?: number | undefined } = {},
  ) {
    super(message)
    this.kind = failing
    this.retryAfter = details.retryAfter
    this.movedTo = details.movedTo
  }
}

/**
 * Calls Telegram's Bot API. A call times out after 10 seconds. If Telegram asks to wait at most 3
 * seconds, the call is retried, at most twice. Every other failure is a {@link BotApiError}.
 */
export class BotApi {
  /** The id of the bot: the public part of its token. */
  readonly id: string
  readonly #secret: string
  readonly #api: Api
  readonly #apiWithoutRetry: Api

  /**
   * @param token the bot's token, such as `123456:ABC-DEF`
   * @param root the URL of the Bot API, without a trailing slash
   */
  constructor(token: string, root: string) {
    this.id = token.slice(0, token.indexOf(':'))
    this.#secret = token.slice(this.id.length + 1)
    const options = { apiRoot: root, timeoutSeconds: CALL_TIMEOUT_SECONDS }
    this.#api = new Api(token, options)
    this.#api.config.use(validateAnswer, retryAfterWait)
    this.#apiWithoutRetry = new Api(token, options)
    this.#apiWithoutRetry.config.use(validateAnswer)
  }

  /** Resolves to the bot's username. */
  async username(): Promise<string> {
    const { username } = await this.#call((api) => api.getMe())
    if (typeof username === 'string') return username
    throw new BotApiError('Telegram answered getMe without a username.', 'failed')
  }

  /**
   * Sends a message as plain text, without markup. Takes at most 36 seconds, or 10 with
   * `retries: false`.
   */
  async send(
    { chat, topic, directTopic }: ChatTarget,
    text: string,
    { retries = true }: { readonly retries?: boolean } = {},
  ): Promise<void> {
    const send = (api: Api): Promise<unknown> =>
      api.sendMessage(chat, text, {
        ...(topic === undefined ? {} : { message_thread_id: topic }),
        ...(directTopic === undefined ? {} : { direct_messages_topic_id: directTopic }),
        link_preview_options: { is_disabled: true },
      })
    await this.#call(send, retries ? this.#api : this.#apiWithoutRetry)
  }

  /** Answers a callback query, so that the client stops showing the button as loading. */
  async answerCallbackQuery(id: string): Promise<void> {
    await this.#call((api) => api.answerCallbackQuery(id))
  }

  async #call<R>(call: (api: Api) => Promise<R>, api = this.#api): Promise<R> {
    try {
      return await call(api)
    } catch (error) {
      throw this.#toBotApiError(error)
    }
  }

  // grammY's errors contain the payload, and the error of a failed fetch may contain the URL with the
  // token. None of them is passed on, not even as a cause.
  #toBotApiError(error: unknown): unknown {
    if (error instanceof GrammyError) {
      const { error_code: code, description, method, parameters } = error
      const message = this.#redact(`Telegram refused ${method}: ${code}, ${description}`)
      const movedTo: unknown = parameters.migrate_to_chat_id
      return new BotApiError(message, kindOf(code), {
        ...retryAfterOf(code, parameters.retry_after),
        movedTo: Number.isSafeInteger(movedTo) ? Number(movedTo) : undefined,
      })
    }
    if (error instanceof NoAnswer) {
      const { message, error: cause } = error
      const reason = cause instanceof Error ? cause.message : 'no answer'
      // grammY's timeout has no class; only its text distinguishes it from a lost connection.
      const kind = /timed out after \d+ seconds/.test(reason) ? 'timeout' : 'failed'
      return new BotApiError(this.#redact(`${message} ${reason}`), kind)
    }
    if (error instanceof InvalidAnswerError) return new BotApiError(error.message, 'failed')
    return error
  }

  // A line break in the server's text could forge a line of the log.
  #redact(text: string): string {
    const line = text.replaceAll(this.#secret, '...').replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    return line.slice(0, MAX_LOG_LENGTH).toWellFormed()
  }
}

function kindOf(code: number): FailureKind {
  if (code === 403) return 'closed'
  // 401 is an unknown token; 404 is a malformed one.
  if (code === 429 || code === 401 || code === 404) return 'later'
  return code >= 400 && code < 500 && code !== 408 ? 'refused' : 'failed'
}

function retryAfterOf(code: number, requested: unknown): { readonly retryAfter?: number } {
  if (code === 401 || code === 404) return { retryAfter: BAD_TOKEN_RETRY_SECONDS }
  return code === 429 ? { retryAfter: clampRetrySeconds(requested) } : {}
}

/**
 * Clamps the wait that the server requests to a whole number from 1 to 3600 seconds; without one it is
 * 5 seconds.
 */
function clampRetrySeconds(requested: unknown): number {
  if (typeof requested !== 'number' || !Number.isFinite(requested)) return DEFAULT_RETRY_SECONDS
  return Math.min(Math.max(Math.ceil(requested), 1), MAX_REQUESTED_WAIT_SECONDS)
}

/** Rejects an answer that does not have the form of the Bot API's. */
const validateAnswer: Transformer = async (call, method, payload, signal) => {
  const answer = await call(method, payload, signal)
  if (!isAnswer(answer)) throw new InvalidAnswerError(method)
  return answer
}

/** Retries a call if Telegram asks for a short wait. */
const retryAfterWait: Transformer = async (call, method, payload, signal) => {
  for (let attempts = 0; ; attempts++) {
    const answer = await call(method, payload, signal)
    const requested = answer.ok ? undefined : answer.parameters?.retry_after
    const wait = requested === undefined ? Infinity : clampRetrySeconds(requested)
    if (wait > MAX_INLINE_WAIT_SECONDS || attempts === MAX_INLINE_RETRIES) return answer
    await new Promise((resolve) => setTimeout(resolve, wait * 1000))
  }
}

/** Thrown if the answer is not one of the Bot API, but of a proxy or a login page, for example. */
class InvalidAnswerError extends Error {
  constructor(method: string) {
    super(`The answer to ${method} is not one of Telegram's Bot API. Check TELEGRAM_API_ROOT.`)
  }
}

function isAnswer(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('ok' in answer)) return false
  if (answer.ok === true) return 'result' in answer
  return answer.ok === false && 'error_code' in answer && Number.isInteger(answer.error_code)
}
