import { AdminError, callBot } from 'botshelf/admin'

/** One of the storages of a bot in a Worker. */
export interface RemoteStorage {
  readonly name: string
  /** Whether a request that names no storage uses it. */
  readonly default?: boolean
}

/** The public description of a bot in a Worker. */
export interface RemoteBot {
  readonly storages: readonly RemoteStorage[]
  /** Whether it has an admin token, and thus the admin API. */
  readonly admin: boolean
  /** Whether its web chat is enabled. Default `true`. */
  readonly chat?: boolean
}

/** Resolves to the description of the bot at a URL; `undefined` if none answers there. */
export async function findBot(url: string, timeoutMs?: number): Promise<RemoteBot | undefined> {
  try {
    const found = (await callBot({ url }, 'api/storages', { timeoutMs })) as RemoteBot | null
    return Array.isArray(found?.storages) && typeof found.admin === 'boolean' ? found : undefined
  } catch (error) {
    if (error instanceof AdminError) return undefined
    throw error
  }
}
