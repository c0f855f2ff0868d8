import type { BotConfig } from '../src/index.js'

/** What `wrangler.toml` gives the Worker. It is the bot's configuration as well. */
export interface Env extends BotConfig {
  /** The storages that a message may name, each with its `STORAGE_CONFIG`. */
  readonly BOT_STORAGES?: Readonly<Record<string, unknown>>
  /** The identities that are admins, such as `telegram:12345`. */
  readonly BOT_ADMINS?: readonly string[]
  /** The operator's token, a secret. Without it nobody is an admin over the web. */
  readonly ADMIN_TOKEN?: string
}
