import { deepStrictEqual } from 'node:assert/strict'

export type Json = Readonly<Record<string, unknown>>

/** A response of the bot. */
export interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: Json
}

/** What a call sends. */
export interface CallOptions {
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown
  /** The content type. Default JSON. */
  readonly type?: string
  /** The operator's token. Default the right one. */
  readonly token?: string
  /** The secret of Telegram's webhook, which replaces the token. */
  readonly secret?: string
}

/** Calls a running bot and prints each call with its response. */
export class E2eCalls {
  readonly #url: string
  readonly #token: string

  constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  /** Makes a call without printing it. */
  async send(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { body, type = 'application/json', token = this.#token, secret } = options
    const headers: Record<string, string> =
      secret === undefined
        ? { authorization: `Bearer ${token}` }
        : { 'x-telegram-bot-api-secret-token': secret }
    if (body !== undefined) headers['content-type'] = type
    const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
    const response = await fetch(new URL(path, this.#url), { method, headers, body: text ?? null })
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: (await response.json()) as Json,
    }
  }

  /** Makes a call, prints it, and asserts its status, by default 200. */
  async call(
    method: string,
    path: string,
    { status = 200, ...options }: CallOptions & { readonly status?: number } = {},
  ): Promise<Answer> {
    const { body } = options
    console.log(`\n  ${method} ${path} ${body === undefined ? '' : abridge(body)}`)
    const answer = await this.send(method, path, options)
    printAnswer(answer)
    deepStrictEqual(answer.status, status)
    return answer
  }
}

export function printHeading(title: string): void {
  console.log(`\n${title}\n${'-'.repeat(title.length)}`)
}

export function printAnswer({ status, retryAfter, body }: Answer): void {
  const retry = retryAfter === null ? '' : `, Retry-After: ${retryAfter}`
  console.log(`  ${status}${retry}  ${abridge(body)}`)
}

function abridge(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return text.length > 160 ? `${text.slice(0, 150)} … (${text.length} characters)` : text
}
