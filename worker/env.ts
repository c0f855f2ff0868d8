import type { BotConfig } from 'botshelf'
import type { Limiter } from './http/limit.ts'

/** The variables and bindings of `wrangler.toml`. They are the bot's configuration as well. */
export interface Env extends BotConfig {
  /** The storages that a request may name, each with its `STORAGE_CONFIG`. */
  readonly BOT_STORAGES?: Readonly<Record<string, unknown>>
  /**
   * The identities of admins, such as `telegram:12345`: a list, or text, because a dashboard has no
   * lists. The text is a JSON list, or identities separated by commas.
   */
  readonly BOT_ADMINS?: readonly string[] | string
  /** The operator's token, a secret. Without it there is no admin over the web and no operator's API. */
  readonly ADMIN_TOKEN?: string
  /** The token of a Telegram bot, a secret. Telegram needs the next secret as well. */
  readonly TELEGRAM_BOT_TOKEN?: string
  /** What Telegram sends with each update, a secret: 1 to 256 of `A-Z a-z 0-9 _ -`. */
  readonly TELEGRAM_WEBHOOK_SECRET?: string
  /** The address of a Bot API server. Default `https://api.telegram.org`. */
  readonly TELEGRAM_API_ROOT?: string
  /** Limits the messages of one client over the web. Without it there is no limit. */
  readonly WEB_LIMIT?: Limiter
  /** Limits the calls of one client to the operator's API, also with a wrong token. */
  readonly ADMIN_LIMIT?: Limiter
  /** `on` (the default) if the bot answers over the web; any other text turns that off. */
  readonly WEB_CHAT?: string
}

/**
 * Returns whether the bot answers over the web. Only `on` does: a `WEB_CHAT` of `false` or `OFF` was
 * meant to turn it off.
 */
export function isWebChatEnabled({ WEB_CHAT = 'on' }: Env): boolean {
  return WEB_CHAT === 'on'
}

/**
 * Returns the identities of admins. If `BOT_ADMINS` is invalid it logs that and returns none, rather
 * than the part that it understands.
 */
export function parseAdmins({ BOT_ADMINS: given = [] }: Env): readonly string[] {
  const names = typeof given === 'string' ? parseIdentities(given) : given
  if (Array.isArray(names) && names.every(isIdentity)) return names
  console.error(
    'BOT_ADMINS must be a list of identities such as "telegram:12345"; the bot has no admin now.',
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
