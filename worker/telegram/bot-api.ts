// oxlint-disable-next-line typescript/triple-slash-reference -- it declares modules, and is none
/// <reference path="./grammy-modules.d.ts" />
import { Api, GrammyError, HttpError as NoAnswer, type Transformer } from 'grammy'

// A webhook's request must end before Telegram gives it up, which it does after about a minute.
const ANSWERS_WITHIN_SECONDS = 10
const WAITS_SECONDS = 3
const RETRIES = 2
/** After how many seconds another try is worth it, if Telegram does not say. */
const LATER_SECONDS = 5

/** A call that did not succeed. Its message holds no token, and may be logged. */
export class BotApiError extends Error {
  override readonly name: string = 'BotApiError'
  /** After how many seconds the same call may succeed; `undefined` if it never will. */
  readonly retryAfter: number | undefined

  constructor(message: string, retryAfter: number | undefined) {
    super(message)
    this.retryAfter = retryAfter
  }
}

/**
 * What the bot asks of the Bot API. A call is given 10 seconds. What Telegram wants to have later
 * is waited for up to 3 seconds, twice; all else is a {@link BotApiError}.
 */
export class BotApi {
  /** The id of the bot, which is a public part of its token. */
  readonly id: string
  readonly #secret: string
  readonly #api: Api

  /**
   * @param token the bot's token, such as `123456:ABC-DEF`
   * @param root the address of the Bot API, without a slash at its end
   */
  constructor(token: string, root: string) {
    this.id = token.slice(0, token.indexOf(':'))
    this.#secret = token.slice(this.id.length + 1)
    this.#api = new Api(token, { apiRoot: root, timeoutSeconds: ANSWERS_WITHIN_SECONDS })
    this.#api.config.use(patient)
  }

  /** The bot's username. */
  async username(): Promise<string> {
    return (await this.#call((api) => api.getMe())).username
  }

  /** Says something in a chat, as it is: no character of it is markup. */
  async send(chat: number, topic: number | undefined, text: string): Promise<void> {
    await this.#call((api) =>
      api.sendMessage(chat, text, {
        ...(topic === undefined ? {} : { message_thread_id: topic }),
        link_preview_options: { is_disabled: true },
      }),
    )
  }

  /** Tells a client that the press of a button has arrived. */
  async answerQuery(query: string): Promise<void> {
    await this.#call((api) => api.answerCallbackQuery(query))
  }

  async #call<R>(ask: (api: Api) => Promise<R>): Promise<R> {
    try {
      return await ask(this.#api)
    } catch (error) {
      throw this.#explain(error)
    }
  }

  // The errors of grammY carry what was sent, and that of a failed fetch may carry its address,
  // which holds the token: none of them is passed on.
  #explain(error: unknown): unknown {
    if (error instanceof GrammyError) {
      const { error_code: code, description, method, parameters } = error
      const isLater = code === 429 || code >= 500
      const after = isLater ? (parameters.retry_after ?? LATER_SECONDS) : undefined
      return this.#told(`Telegram refused ${method}: ${code}, ${description}`, after)
    }
    if (error instanceof NoAnswer) {
      const { message, error: cause } = error
      const words = cause instanceof Error ? cause.message : 'no answer'
      return this.#told(`${message} ${words}`, LATER_SECONDS)
    }
    return error
  }

  #told(message: string, retryAfter: number | undefined): BotApiError {
    return new BotApiError(message.replaceAll(this.#secret, '...'), retryAfter)
  }
}

/** Makes a call again that Telegram wants to have a little later. */
const patient: Transformer = async (call, method, payload, signal) => {
  for (let tries = 0; ; tries++) {
    const answer = await call(method, payload, signal)
    const wait = answer.ok ? undefined : answer.parameters?.retry_after
    if (wait === undefined || wait > WAITS_SECONDS || tries === RETRIES) return answer
    await new Promise((resolve) => setTimeout(resolve, wait * 1000))
  }
}
