import type { BotConfig } from 'botshelf'
import type { Limiter } from './http/limit.ts'

/** What `wrangler.toml` gives the Worker. It is the bot's configuration as well. */
export interface Env extends BotConfig {
  /** The storages that a message may name, each with its `STORAGE_CONFIG`. */
  readonly BOT_STORAGES?: Readonly<Record<string, unknown>>
  /**
   * The identities that are admins, such as `telegram:12345`: a list, or as text, which is all that
   * a dashboard gives, JSON of a list or identities with commas between them.
   */
  readonly BOT_ADMINS?: readonly string[] | string
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

/**
 * The identities that are admins. If `BOT_ADMINS` is not what it should be, that is logged, and
 * nobody is: a part of what was meant is not guessed.
 */
export function admins({ BOT_ADMINS: given = [] }: Env): readonly string[] {
  const names = typeof given === 'string' ? fromText(given) : given
  if (Array.isArray(names) && names.every(isIdentity)) return names
  console.error('BOT_ADMINS is no list of identities such as "telegram:12345": nobody is an admin.')
  return []
}

function fromText(text: string): unknown {
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
