import { remoteTarget } from 'botshelf/admin'
import type { BackupTarget } from 'botshelf/backup'
import { findBot } from '../worker/bot/find-bot.ts'
import { readBot, UsageError } from './command-line.ts'

/** A storage of a running bot. */
export interface NamedTarget {
  readonly target: BackupTarget
  /** The name of the storage. */
  readonly storage: string
}

/**
 * Finds a storage of a running bot.
 *
 * @param address the value of `--url`
 * @param name the value of `--storage`; without it, the bot's default
 * @throws UsageError for a missing address or an unknown storage
 */
export async function findTarget(
  address: string | undefined,
  name: string | undefined,
): Promise<NamedTarget> {
  if (address === undefined) throw new UsageError('Name a running bot: --url https://...')
  const access = readBot(address)
  const bot = await findBot(access.url)
  if (bot === undefined) throw new Error(`There is no bot at ${access.url}`)
  const names = bot.storages.map((storage) => storage.name)
  const storage = name ?? names[0]
  if (storage === undefined || !names.includes(storage)) {
    throw new UsageError(`--storage takes one of ${names.join(', ')}.`)
  }
  return { target: remoteTarget({ ...access, storage }), storage }
}
