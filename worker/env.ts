import type { BotConfig } from '../src/index.js'
import type { Limiter } from './http/limit.js'

/** What `wrangler.toml` gives the Worker. It is the bot's configuration as well. */
export interface Env extends BotConfig {
  /** The storages that a message may name, each with its `STORAGE_CONFIG`. */
  readonly BOT_STORAGES?: Readonly<Record<string, unknown>>
  /** The identities that are admins, such as `telegram:12345`. */
  readonly BOT_ADMINS?: readonly string[]
  /** The operator's token, a secret. Without it nobody is an admin over the web. */
  readonly ADMIN_TOKEN?: string
  /** The token of a Telegram bot, a secret. The bot talks there if the next is set as well. */
  readonly TELEGRAM_BOT_TOKEN?: string
  /** What Telegram shows with each update, a secret: 1 to 256 of `A-Z a-z 0-9 _ -`. */
  readonly TELEGRAM_WEBHOOK_SECRET?: string
  /** The address of a Bot API server. Default `https://api.telegram.org`. */
  readonly TELEGRAM_API_ROOT?: string
  /** Bounds the messages of one client over the web. Without it nothing bounds them. */
  readonly WEB_LIMIT?: Limiter
  /** Bounds what one client asks of the operator's API, with a wrong token too. */
  readonly ADMIN_LIMIT?: Limiter
  /** `off`: the bot does not talk over the web. Default `on`. */
  readonly WEB_CHAT?: string
}

/**
 * Does the bot talk over the web? Not if `WEB_CHAT` is anything but `on`: who wrote `false` or
 * `OFF` meant to close it.
 */
export function talksOverWeb({ WEB_CHAT = 'on' }: Env): boolean {
  return WEB_CHAT === 'on'
}
