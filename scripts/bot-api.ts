import { createServer, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** The token of the server's only bot. */
export const BOT_TOKEN = '7130201:AAHq-made_up_for_a_test0123456789'
/** The username of that bot. */
export const BOT_NAME = 'shelf_test_bot'

/** A call that the server received. */
export interface ApiCall {
  readonly method: string
  readonly token: string
  readonly body: Readonly<Record<string, unknown>>
  /** The HTTP status of the answer; 0 if the server did not answer. */
  status: number
}

/** How a call fails. `hang` never answers; `hang up` closes the connection. */
export type ApiFailure =
  | {
      readonly status: number
      readonly description: string
      /** The `retry_after` of the answer, in seconds; any other value tests a broken server. */
      readonly retryAfter?: unknown
      /** The id of the supergroup that replaced the group. */
      readonly movedTo?: number
    }
  | { readonly status: number; readonly html: string }
  | { readonly status: number; readonly json: unknown }
  | 'hang'
  | 'hang up'

/** A local server with the methods of Telegram's Bot API that the bot uses, and their validation. */
export class FakeBotApi {
  readonly calls: ApiCall[] = []
  readonly #failures = new Map<string, ApiFailure[]>()
  readonly #hanging = new Set<ServerResponse>()
  readonly #directChats = new Set<unknown>()
  readonly #server: Server
  #messages = 0

  static async start(): Promise<FakeBotApi> {
    const api = new FakeBotApi()
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve))
    return api
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => this.#answer(request.url ?? '', body, response))
    })
  }

  get url(): string {
    const address = this.#server.address()
    if (typeof address !== 'object' || address === null) throw new Error('The server is closed.')
    return `http://127.0.0.1:${address.port}`
  }

  /** Makes the next calls for a chat or of a method fail, one each; `undefined` lets a call succeed. */
  failNext(target: number | string, ...failures: readonly (ApiFailure | undefined)[]): void {
    this.#failures.set(String(target), failures as ApiFailure[])
  }

  /** Turns chats into the direct messages of a channel. */
  makeDirect(...chats: readonly number[]): void {
    for (const chat of chats) this.#directChats.add(chat)
  }

  /** Returns the texts that were sent to a chat, in order. */
  texts(chat: number): unknown[] {
    return this.sent(chat).map(({ body }) => body['text'])
  }

  /** Returns the calls that sent a message to a chat, including failed ones. */
  sent(chat: number): ApiCall[] {
    return this.calls.filter(
      ({ method, body }) => method === 'sendMessage' && body['chat_id'] === chat,
    )
  }

  async close(): Promise<void> {
    for (const response of this.#hanging) response.destroy()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(url: string, sent: string, response: ServerResponse): void {
    const [, token = '', method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(url) ?? []
    const body = JSON.parse(sent === '' ? '{}' : sent) as Record<string, unknown>
    const call: ApiCall = { method, token, body, status: 0 }
    this.calls.push(call)
    const failure =
      this.#failures.get(String(body['chat_id']))?.shift() ?? this.#failures.get(method)?.shift()
    if (failure === 'hang') {
      this.#hanging.add(response)
      return
    }
    if (failure === 'hang up') {
      response.destroy()
      return
    }
    if (failure !== undefined && 'html' in failure) {
      call.status = failure.status
      response.writeHead(failure.status, { 'content-type': 'text/html' }).end(failure.html)
      return
    }
    if (failure !== undefined && 'json' in failure) {
      call.status = failure.status
      response.writeHead(failure.status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(failure.json))
      return
    }
    const isDirect = this.#directChats.has(body['chat_id'])
    const rejection = failure ?? validate(token, method, body, isDirect)
    const reply =
      rejection === undefined
        ? { ok: true, result: this.#result(method, body) }
        : {
            ok: false,
            error_code: rejection.status,
            description: rejection.description,
            ...parametersOf(rejection),
          }
    call.status = rejection?.status ?? 200
    response
      .writeHead(call.status, { 'content-type': 'application/json' })
      .end(JSON.stringify(reply))
  }

  #result(method: string, body: Readonly<Record<string, unknown>>): unknown {
    if (method === 'answerCallbackQuery' || method === 'setWebhook') return true
    const bot = { id: 7130201, is_bot: true, first_name: 'Shelf', username: BOT_NAME }
    if (method === 'getMe') {
      return { ...bot, can_join_groups: true, can_read_all_group_messages: false }
    }
    const chat = { id: body['chat_id'], type: 'private' }
    return { message_id: ++this.#messages, from: bot, chat, date: 1767355200, text: body['text'] }
  }
}

type Rejection = Extract<ApiFailure, { readonly description: string }>

function parametersOf({ retryAfter, movedTo }: Rejection): object {
  if (retryAfter !== undefined) return { parameters: { retry_after: retryAfter } }
  return movedTo === undefined ? {} : { parameters: { migrate_to_chat_id: movedTo } }
}

function validate(
  token: string,
  method: string,
  body: Readonly<Record<string, unknown>>,
  isDirect: boolean,
): Rejection | undefined {
  if (token !== BOT_TOKEN) return { status: 401, description: 'Unauthorized' }
  if (method === 'sendMessage') return validateMessage(body, isDirect)
  if (method === 'setWebhook') return validateWebhook(body)
  if (method === 'getMe' || method === 'answerCallbackQuery') return undefined
  return { status: 404, description: 'Not Found' }
}

function validateMessage(
  { text: message, parse_mode: mode, direct_messages_topic_id: topic }: ApiCall['body'],
  isDirect: boolean,
): Rejection | undefined {
  // Telegram rejects a message without visible characters.
  if (typeof message !== 'string' || /^[\s\u200b\u2060\u2800\u3164]*$/.test(message)) {
    return badRequest('message text is empty')
  }
  if (message.length > 4096) return badRequest('message is too long')
  if (!message.isWellFormed()) return badRequest('strings must be encoded in UTF-8')
  if (isDirect && !Number.isSafeInteger(topic)) {
    return badRequest('channel direct messages topic must be specified')
  }
  return mode === undefined ? undefined : badRequest("can't parse entities")
}

function validateWebhook({ url, secret_token: secret }: ApiCall['body']): Rejection | undefined {
  if (typeof url !== 'string' || !url.startsWith('https://')) {
    return badRequest('bad webhook: An HTTPS URL must be provided for webhook')
  }
  if (typeof secret === 'string' && /^[\w-]{1,256}$/.test(secret)) return undefined
  return badRequest('secret token contains unallowed characters')
}

function badRequest(reason: string): Rejection {
  return { status: 400, description: `Bad Request: ${reason}` }
}
