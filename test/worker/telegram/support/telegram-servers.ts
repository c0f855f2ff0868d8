import { afterAll, beforeAll, expect } from 'vitest'
import { BOT_TOKEN, FakeBotApi } from '../../../../scripts/bot-api.ts'
import type { DevServer } from '../../../../scripts/dev-server.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../../support/test-servers.ts'
import { deliver, SECRET, textUpdate } from './deliver.ts'

/** Real Workers with the Telegram transport, and the server that stands in for Telegram. */
export class TelegramServers {
  readonly #servers = new TestServers()
  #nextId = 900_000_000
  #nextChat = 70_000
  api!: FakeBotApi
  /** Stores on a Durable Object. */
  main!: DevServer
  /** Stores on Workers KV. Its settings are text, as the dashboard stores them. */
  kv!: DevServer
  /** Has no webhook secret. */
  withoutSecret!: DevServer
  /** The lines that all servers logged. */
  readonly lines: string[] = []

  async start(): Promise<void> {
    this.api = await FakeBotApi.start()
    const token = { TELEGRAM_BOT_TOKEN: BOT_TOKEN, TELEGRAM_API_ROOT: this.api.url }
    const variables = { ...token, TELEGRAM_WEBHOOK_SECRET: SECRET }
    const onKV = {
      STORAGE: 'CloudflareKV',
      STORAGE_CONFIG: '{"binding":"BOT_KV"}',
      BOT_ADMINS: 'telegram:4343, telegram:4344',
    }
    ;[this.main, this.kv, this.withoutSecret] = await Promise.all([
      this.#start(variables),
      this.#start({ ...variables, ...onKV }),
      this.#start(token),
    ])
  }

  async stop(): Promise<void> {
    await this.#servers.stop()
    await this.api.close()
  }

  nextId(): number {
    return this.#nextId++
  }

  nextChat(): number {
    return this.#nextChat++
  }

  /** Sends a text from a private chat of its own; resolves to the bot's replies. */
  async say(
    text: string,
    more: Parameters<typeof textUpdate>[2] = {},
    server: DevServer = this.main,
  ): Promise<unknown[]> {
    const chat = this.nextChat()
    const message = textUpdate(this.nextId(), text, { chat: { id: chat }, ...more })
    expect(await deliver(server, message)).toEqual({
      status: 200,
      retryAfter: null,
      error: undefined,
    })
    return this.api.texts(chat)
  }

  async #start(variables: Record<string, string>): Promise<DevServer> {
    const onLine = (line: string): unknown => this.lines.push(line)
    return this.#servers.start(await this.#servers.folder(), TOKEN, { variables, onLine })
  }
}

/** Starts the servers before the tests of a file and stops them afterwards. */
export function useTelegramServers(): TelegramServers {
  const servers = new TelegramServers()
  beforeAll(() => servers.start(), STARTS_WITHIN)
  afterAll(() => servers.stop(), 20_000)
  return servers
}

/** The key of an update of the test bot in the namespace `Telegram`. */
export function updateKey(id: number): string {
  return `update:7130201:${id}`
}
