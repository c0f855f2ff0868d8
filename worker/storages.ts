import { cloudflareKV } from 'botshelf/cloudflare-kv'
import { durableObject } from 'botshelf/durable-object'
import { StorageRuntime } from 'botshelf'
import { Bot } from './bot/bot.ts'
import { admins, type Env } from './env.ts'
import { HttpError } from 'botshelf/admin'

const LOST_UPDATES =
  'On Workers KV, two changes to the same entry at the same time may lose one of them.'

/** A storage that a message may name. */
export interface OfferedStorage {
  readonly name: string
  /** Is it the one that is used if none is named? */
  readonly default?: true
}

/** The storages that are configured, the default first. */
export function offeredStorages({ STORAGE, BOT_STORAGES = {} }: Env): readonly OfferedStorage[] {
  const others = Object.keys(BOT_STORAGES).filter((name) => name !== STORAGE)
  return [
    ...(STORAGE === undefined ? [] : [{ name: STORAGE, default: true as const }]),
    ...others.map((name) => ({ name })),
  ]
}

/**
 * The configuration with another storage: `name` is one of those configured, `undefined` the
 * default.
 *
 * @throws HttpError 400, listing the storages there are
 */
export function chooseStorage(env: Env, name: unknown): Env {
  const { STORAGE, STORAGE_CONFIG, BOT_STORAGES = {} } = env
  const known = offeredStorages(env).map((offered) => offered.name)
  const chosen = name === undefined ? STORAGE : name
  if (typeof chosen !== 'string' || !known.includes(chosen)) {
    if (name === undefined) return env
    throw new HttpError(400, `"storage" must be one of: ${known.join(', ')}.`)
  }
  const listed = Object.hasOwn(BOT_STORAGES, chosen) ? BOT_STORAGES[chosen] : undefined
  const config = (chosen === STORAGE ? STORAGE_CONFIG : undefined) ?? listed
  return { ...env, STORAGE: chosen, STORAGE_CONFIG: config }
}

/**
 * Starts a runtime for one request: work never passes from one request into another. Nothing is
 * read or written by it.
 *
 * @throws StoreError `PLUGIN_NOT_FOUND`, `CONFIG_INVALID`
 */
export function startRuntime(env: Env): Promise<StorageRuntime> {
  // KV cannot make a write depend on what was read. The bot's counts may suffer from that there;
  // whoever chooses KV is told so by `!storage`.
  const allowLostUpdates = env.STORAGE === cloudflareKV.name
  return StorageRuntime.start(env, [durableObject, cloudflareKV], { allowLostUpdates })
}

/** Starts the bot on a runtime. */
export function startBot(env: Env, runtime: StorageRuntime): Promise<Bot> {
  const name = env.STORAGE ?? ''
  return Bot.start(runtime, {
    admins: admins(env),
    storage: name === cloudflareKV.name ? { name, note: LOST_UPDATES } : { name },
  })
}
