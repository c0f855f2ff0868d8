import { StorageRuntime } from 'botshelf'
import { HttpError } from 'botshelf/admin'
import { cloudflareKV } from 'botshelf/cloudflare-kv'
import { durableObject } from 'botshelf/durable-object'
import { Bot } from './bot/bot.ts'
import { parseAdmins, type Env } from './env.ts'

const LOST_UPDATES =
  'On Workers KV, two changes to the same entry at the same time may lose one of them.'

/** A storage that a request may name. */
export interface OfferedStorage {
  readonly name: string
  /** Present on the storage of a request that names none. */
  readonly default?: true
}

/** Lists the configured storages, the default first. */
export function offeredStorages({ STORAGE, BOT_STORAGES = {} }: Env): readonly OfferedStorage[] {
  const others = Object.keys(BOT_STORAGES).filter((name) => name !== STORAGE)
  return [
    ...(STORAGE === undefined ? [] : [{ name: STORAGE, default: true as const }]),
    ...others.map((name) => ({ name })),
  ]
}

/**
 * Returns a copy of `env` with the storage that a request names as `STORAGE`; `undefined` keeps the
 * default.
 *
 * @throws HttpError 400 for a name that is not configured
 */
export function withStorage(env: Env, name: unknown): Env {
  const { STORAGE, STORAGE_CONFIG, BOT_STORAGES = {} } = env
  const known = offeredStorages(env).map((offered) => offered.name)
  const chosen = name === undefined ? STORAGE : name
  if (typeof chosen !== 'string' || !known.includes(chosen)) {
    if (name === undefined) return env
    if (known.length === 0) {
      throw new HttpError(400, 'This bot has no storage to choose; omit "storage".')
    }
    const received = typeof name === 'string' ? JSON.stringify(name.slice(0, 60)) : typeof name
    throw new HttpError(400, `"storage" must be one of: ${known.join(', ')}; received ${received}.`)
  }
  const listed = Object.hasOwn(BOT_STORAGES, chosen) ? BOT_STORAGES[chosen] : undefined
  const config = (chosen === STORAGE ? STORAGE_CONFIG : undefined) ?? listed
  return { ...env, STORAGE: chosen, STORAGE_CONFIG: config }
}

/**
 * Starts a runtime for one request, because a Worker must not share I/O between requests. Starting it
 * reads and writes nothing.
 *
 * @throws StoreError `PLUGIN_NOT_FOUND`, `CONFIG_INVALID`
 */
export function startRuntime(env: Env): Promise<StorageRuntime> {
  // Workers KV has no conditional writes, so concurrent counts may be lost there; `!storage` says so.
  const allowLostUpdates = env.STORAGE === cloudflareKV.name
  return StorageRuntime.start(env, [durableObject, cloudflareKV], { allowLostUpdates })
}

/** Starts the bot on a runtime. */
export function startBot(env: Env, runtime: StorageRuntime): Promise<Bot> {
  const name = env.STORAGE ?? ''
  return Bot.start(runtime, {
    admins: parseAdmins(env),
    storage: name === cloudflareKV.name ? { name, note: LOST_UPDATES } : { name },
  })
}
