// oxlint-disable-next-line typescript/triple-slash-reference -- it declares modules, and is none
/// <reference path="./grammy-modules.d.ts" />
import { Api, GrammyError, HttpError as NoAnswer, type Transformer } from 'grammy'
import type { Place } from './update.ts'

// A webhook's request must end before Telegram gives it up, which it does after about a minute.
const ANSWERS_WITHIN_SECONDS = 10
const WAITS_SECONDS = 3
const RETRIES = 2
/** After how many seconds another try is worth it, if Telegram does not say. */
const LATER_SECONDS = 5
/** The longest that Telegram is believed to want to wait: it keeps an update for 24 hours. */
const LATEST_SECONDS = 3600
// The operator can mend a token within the 24 hours for which Telegram keeps what was said.
const MENDED_SECONDS = 600
const LONGEST_WORDS = 500

/**
 * What became of a call that did not succeed.
 *
 * - `refused`: this call will never be taken; another may be.
 * - `closed`: nothing will be taken there: the bot was blocked, or is no member.
 * - `later`: it was not taken, and will be after `retryAfter` seconds.
 * - `failed`: it was most likely not taken: a connection failed, or the server did.
 * - `timeout`: nobody knows; what was sent may have arrived.
 */
export type Failing = 'refused' | 'closed' | 'later' | 'failed' | 'timeout'

/** A call that did not succeed. Its message is one line without the token, and may be logged. */
export class BotApiError extends Error {
  override readonly name: string = 'BotApiError'
  readonly failing: Failing
  /** From 1 to 3600 seconds; there is one if the call will be taken later. */
  readonly retryAfter: number | undefined
  /** The chat that the one that was meant has become. */
  readonly movedTo: number | undefined

  constructor(
    message: string,
    failing: Failing,
    more: { readonly retryAfter?: number; readonly movedTo?: number | undefined } = {},
  ) {
    super(message)
    this.failing = failing
    this.retryAfter = more.retryAfter
    this.movedTo = more.movedTo
  }
}

/**
 * What the bot asks of the Bot API. A call is given 10 seconds. What Telegram wants to have later
 * is waited for up to 3 seconds, twice, unless it may not take so long; all else is a
 * {@link BotApiError}.
 */
export class BotApi {
  /** The id of the bot, which is a public part of its token. */
  readonly id: string
  readonly #secret: string
  readonly #api: Api
  readonly #impatient: Api

  /**
   * @param token the bot's token, such as `123456:ABC-DEF`
   * @param root the address of the Bot API, without a slash at its end
   */
  constructor(token: string, root: string) {
    this.id = token.slice(0, token.indexOf(':'))
    this.#secret = token.slice(this.id.length + 1)
    const options = { apiRoot: root, timeoutSeconds: ANSWERS_WITHIN_SECONDS }
    this.#api = new Api(token, options)
    this.#api.config.use(checked, patient)
    this.#impatient = new Api(token, options)
    this.#impatient.config.use(checked)
  }

  /** The bot's username. */
  async username(): Promise<string> {
    const { username } = await this.#call((api) => api.getMe())
    if (typeof username === 'string') return username
    throw new BotApiError('Telegram answered getMe without a username.', 'failed')
  }

  /**
   * Says something somewhere, as it is: no character of it is markup. It takes up to 36 seconds, and
   * 10 if it may not wait.
   */
  async send(
    { chat, topic, directTopic }: Place,
    text: string,
    { waits = true }: { readonly waits?: boolean } = {},
  ): Promise<void> {
    const ask = (api: Api): Promise<unknown> =>
      api.sendMessage(chat, text, {
        ...(topic === undefined ? {} : { message_thread_id: topic }),
        ...(directTopic === undefined ? {} : { direct_messages_topic_id: directTopic }),
        link_preview_options: { is_disabled: true },
      })
    await this.#call(ask, waits ? this.#api : this.#impatient)
  }

  /** Tells a client that the press of a button has arrived. */
  async answerQuery(query: string): Promise<void> {
    await this.#call((api) => api.answerCallbackQuery(query))
  }

  async #call<R>(ask: (api: Api) => Promise<R>, api = this.#api): Promise<R> {
    try {
      return await ask(api)
    } catch (error) {
      throw this.#explain(error)
    }
  }

  // The errors of grammY carry what was sent, and that of a failed fetch may carry its address,
  // which holds the token: none of them is passed on.
  #explain(error: unknown): unknown {
    if (error instanceof GrammyError) {
      const { error_code: code, description, method, parameters } = error
      const words = this.#shown(`Telegram refused ${method}: ${code}, ${description}`)
      const movedTo: unknown = parameters.migrate_to_chat_id
      return new BotApiError(words, failingOf(code), {
        ...retryAfterOf(code, parameters.retry_after),
        movedTo: Number.isSafeInteger(movedTo) ? Number(movedTo) : undefined,
      })
    }
    if (error instanceof NoAnswer) {
      const { message, error: cause } = error
      const words = cause instanceof Error ? cause.message : 'no answer'
      // grammY's own limit has no class, and only these words tell it from a lost connection.
      const failing = /timed out after \d+ seconds/.test(words) ? 'timeout' : 'failed'
      return new BotApiError(this.#shown(`${message} ${words}`), failing)
    }
    if (error instanceof OddAnswer) return new BotApiError(error.message, 'failed')
    return error
  }

  // A line end in what the server says could pass for a line of the log.
  #shown(words: string): string {
    const shown = words.replaceAll(this.#secret, '...').replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    return shown.slice(0, LONGEST_WORDS).toWellFormed()
  }
}

function failingOf(code: number): Failing {
  if (code === 403) return 'closed'
  // A token that Telegram does not know is 401; one that cannot be a token is 404.
  if (code === 429 || code === 401 || code === 404) return 'later'
  return code >= 400 && code < 500 && code !== 408 ? 'refused' : 'failed'
}

function retryAfterOf(code: number, asked: unknown): { readonly retryAfter?: number } {
  if (code === 401 || code === 404) return { retryAfter: MENDED_SECONDS }
  return code === 429 ? { retryAfter: waitOf(asked) } : {}
}

/** How many seconds to wait, whatever the server says: a whole number from 1 to 3600. */
function waitOf(asked: unknown): number {
  if (typeof asked !== 'number' || !Number.isFinite(asked)) return LATER_SECONDS
  return Math.min(Math.max(Math.ceil(asked), 1), LATEST_SECONDS)
}

/** Passes on what the Bot API answers, and nothing else. */
const checked: Transformer = async (call, method, payload, signal) => {
  const answer = await call(method, payload, signal)
  if (!isAnswer(answer)) throw new OddAnswer(method)
  return answer
}

/** Makes a call again that Telegram wants to have a little later. */
const patient: Transformer = async (call, method, payload, signal) => {
  for (let tries = 0; ; tries++) {
    const answer = await call(method, payload, signal)
    const asked = answer.ok ? undefined : answer.parameters?.retry_after
    const wait = asked === undefined ? Infinity : waitOf(asked)
    if (wait > WAITS_SECONDS || tries === RETRIES) return answer
    await new Promise((resolve) => setTimeout(resolve, wait * 1000))
  }
}

/** What answers is not the Bot API, or is out of order: a proxy, a page to log in at. */
class OddAnswer extends Error {
  constructor(method: string) {
    super(`What answers ${method} is not the Bot API.`)
  }
}

function isAnswer(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('ok' in answer)) return false
  if (answer.ok === true) return 'result' in answer
  return answer.ok === false && 'error_code' in answer && Number.isInteger(answer.error_code)
}
