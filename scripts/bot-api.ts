import { createServer, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** The token of the bot that the server knows. */
export const BOT_TOKEN = '7130201:AAHq-made_up_for_a_test0123456789'
/** The username of that bot. */
export const BOT_NAME = 'shelf_test_bot'

/** A call that the server got. */
export interface ApiCall {
  readonly method: string
  readonly token: string
  readonly body: Readonly<Record<string, unknown>>
  /** The status it was answered with; 0: it was not. */
  answered: number
}

/** How the server answers a call instead of doing it. `hang` never answers. */
export type Trouble =
  | {
      readonly status: number
      readonly description: string
      /** What the server wants to wait: seconds, unless it is out of order. */
      readonly retryAfter?: unknown
      /** The chat that this one has become. */
      readonly movedTo?: number
    }
  | { readonly status: number; readonly html: string }
  | { readonly status: number; readonly json: unknown }
  | 'hang'
  | 'hang up'

/** Stands in for Telegram's server: the methods that the bot uses, with the checks it makes there. */
export class FakeBotApi {
  readonly calls: ApiCall[] = []
  readonly #troubles = new Map<string, Trouble[]>()
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

  /**
   * The next calls for a chat, or of a method, meet these troubles, one each; `undefined` lets one
   * pass.
   */
  trouble(where: number | string, ...troubles: readonly (Trouble | undefined)[]): void {
    this.#troubles.set(String(where), troubles as Trouble[])
  }

  /** These chats are direct messages of a channel. */
  makeDirect(...chats: readonly number[]): void {
    for (const chat of chats) this.#directChats.add(chat)
  }

  /** The texts that a chat has got, in order. */
  texts(chat: number): unknown[] {
    return this.sent(chat).map(({ body }) => body['text'])
  }

  /** The calls that sent something to a chat, and succeeded or not. */
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
    const call: ApiCall = { method, token, body, answered: 0 }
    this.calls.push(call)
    const trouble =
      this.#troubles.get(String(body['chat_id']))?.shift() ?? this.#troubles.get(method)?.shift()
    if (trouble === 'hang') {
      this.#hanging.add(response)
      return
    }
    if (trouble === 'hang up') {
      response.destroy()
      return
    }
    if (trouble !== undefined && 'html' in trouble) {
      call.answered = trouble.status
      response.writeHead(trouble.status, { 'content-type': 'text/html' }).end(trouble.html)
      return
    }
    if (trouble !== undefined && 'json' in trouble) {
      call.answered = trouble.status
      response.writeHead(trouble.status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(trouble.json))
      return
    }
    const isDirect = this.#directChats.has(body['chat_id'])
    const failed = trouble ?? refusal(token, method, body, isDirect)
    const reply =
      failed === undefined
        ? { ok: true, result: this.#result(method, body) }
        : {
            ok: false,
            error_code: failed.status,
            description: failed.description,
            ...parametersOf(failed),
          }
    call.answered = failed?.status ?? 200
    response
      .writeHead(call.answered, { 'content-type': 'application/json' })
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

type Refusal = Extract<Trouble, { readonly description: string }>

function parametersOf({ retryAfter, movedTo }: Refusal): object {
  if (retryAfter !== undefined) return { parameters: { retry_after: retryAfter } }
  return movedTo === undefined ? {} : { parameters: { migrate_to_chat_id: movedTo } }
}

function refusal(
  token: string,
  method: string,
  body: Readonly<Record<string, unknown>>,
  isDirect: boolean,
): Refusal | undefined {
  if (token !== BOT_TOKEN) return { status: 401, description: 'Unauthorized' }
  if (method === 'sendMessage') return refusalOfMessage(body, isDirect)
  if (method === 'setWebhook') return refusalOfWebhook(body)
  if (method === 'getMe' || method === 'answerCallbackQuery') return undefined
  return { status: 404, description: 'Not Found' }
}

function refusalOfMessage(
  { text: said, parse_mode: mode, direct_messages_topic_id: topic }: ApiCall['body'],
  isDirect: boolean,
): Refusal | undefined {
  // Of what shows nothing, the server keeps nothing.
  if (typeof said !== 'string' || /^[\s\u200b\u2060\u2800\u3164]*$/.test(said)) {
    return badRequest('message text is empty')
  }
  if (said.length > 4096) return badRequest('message is too long')
  if (!said.isWellFormed()) return badRequest('strings must be encoded in UTF-8')
  if (isDirect && !Number.isSafeInteger(topic)) {
    return badRequest('channel direct messages topic must be specified')
  }
  return mode === undefined ? undefined : badRequest("can't parse entities")
}

function refusalOfWebhook({ url, secret_token: secret }: ApiCall['body']): Refusal | undefined {
  if (typeof url !== 'string' || !url.startsWith('https://')) {
    return badRequest('bad webhook: An HTTPS URL must be provided for webhook')
  }
  if (typeof secret === 'string' && /^[\w-]{1,256}$/.test(secret)) return undefined
  return badRequest('secret token contains unallowed characters')
}

function badRequest(words: string): Refusal {
  return { status: 400, description: `Bad Request: ${words}` }
}
