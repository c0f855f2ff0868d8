import type { BotConfig } from 'botshelf'
import type { Limiter } from './http/limit.ts'

/** The variables and bindings of `wrangler.toml`. They are the bot's configuration as well. */
export interface Env extends BotConfig {
  /**
   * The storages that a request may name, each with its configuration. For the storage that `STORAGE`
   * names, `STORAGE_CONFIG` takes precedence.
   */
  readonly BOT_STORAGES?: Readonly<Record<string, unknown>>
  /**
   * The identities of admins in chat, such as `telegram:12345`: a list, or a string, because a variable of
   * Cloudflare's dashboard is a string. The string is a JSON list, or identities separated by commas. An
   * identity `web:…` never makes an admin, because a web user's name is not verified.
   */
  readonly BOT_ADMINS?: readonly string[] | string
  /** The admin token, a secret. Without it there is no admin API, and no web user is an admin. */
  readonly ADMIN_TOKEN?: string
  /** The token of a Telegram bot, a secret. Telegram needs `TELEGRAM_WEBHOOK_SECRET` as well. */
  readonly TELEGRAM_BOT_TOKEN?: string
  /**
   * The secret token of the webhook, which Telegram sends in `x-telegram-bot-api-secret-token`: 1 to 256
   * characters of `A-Z a-z 0-9 _ -`.
   */
  readonly TELEGRAM_WEBHOOK_SECRET?: string
  /** The URL of a Bot API server. Default `https://api.telegram.org`. */
  readonly TELEGRAM_API_ROOT?: string
  /** Limits the web messages of each client. Without it there is no limit. */
  readonly WEB_LIMIT?: Limiter
  /** Limits the calls of each client to the admin API and `/api/replay`, also with a wrong token. */
  readonly ADMIN_LIMIT?: Limiter
  /** `on` (the default) enables the web chat; any other string disables it. */
  readonly WEB_CHAT?: string
}

/**
 * Returns whether the web chat is enabled. Only `on` enables it, because a value such as `false` or `OFF`
 * was meant to disable it.
 */
export function isWebChatEnabled({ WEB_CHAT = 'on' }: Env): boolean {
  return WEB_CHAT === 'on'
}

/**
 * Parses the identities of admins. If `BOT_ADMINS` is invalid, it logs that and returns no identity at
 * all, not even the valid ones.
 */
export function parseAdmins({ BOT_ADMINS: given = [] }: Env): readonly string[] {
  const names = typeof given === 'string' ? parseIdentities(given) : given
  if (Array.isArray(names) && names.every(isIdentity)) return names
  console.error(
    'BOT_ADMINS must be a list of identities such as "telegram:12345"; until it is corrected, the bot ignores all of it.',
  )
  return []
}

function parseIdentities(text: string): unknown {
  if (!text.trim().startsWith('[')) {
    const names = text.split(',').map((name) => name.trim())
    return names.filter((name) => name !== '')
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isIdentity(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z]+:\S/.test(name)
}
