import { remoteTarget } from '../../src/admin/remote-target.ts'
import type { BackupTarget } from '../../src/backup/target.ts'
import { findBot } from '../../src/admin/client.ts'
import { readBot, UsageError } from '../command-line.ts'

/** One of the storages of a running bot; without a name, the one it uses if none is named. */
export async function findPlace(
  address: string | undefined,
  name: string | undefined,
): Promise<{ readonly place: BackupTarget; readonly storage: string }> {
  if (address === undefined) throw new UsageError('Name a running bot: --url https://...')
  const bot = readBot(address)
  const edge = await findBot(bot.url)
  if (edge === undefined) throw new Error(`There is no bot at ${bot.url}`)
  const names = edge.storages.map((storage) => storage.name)
  const storage = name ?? names[0]
  if (storage === undefined || !names.includes(storage)) {
    throw new UsageError(`--storage takes one of ${names.join(', ')}.`)
  }
  return { place: remoteTarget({ ...bot, storage }), storage }
}
