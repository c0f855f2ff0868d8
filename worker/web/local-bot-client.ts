import { type RuntimeEvent, StorageRuntime } from 'botshelf'
import { type BackupTarget, NamespaceError, runtimeTarget } from 'botshelf/backup'
import { indexeddb } from 'botshelf/indexeddb'
import { Bot } from '../bot/bot.ts'
import type { LogEvent } from '../bot/irc-log.ts'
import { replayEvents } from '../bot/replay-events.ts'
import { type BotClient, ROOM, type SyncOptions } from './bot-client.ts'
import { applyChanges, watchNamespace } from './namespace-watch.ts'
import { Poller } from './poller.ts'
import type { StorageMirror } from './storage-mirror.ts'

interface StartedBot {
  readonly runtime: StorageRuntime
  readonly bot: Bot
}

// Changes arrive by `watch()`. Polling only finds new namespaces.
const POLL_INTERVAL_MS = 2_000
const STORAGE_CONFIG = { database: 'bot', openTimeout: 3_000 }

/** Runs the bot in this tab, with its data in IndexedDB. The user is the operator. */
export class LocalBotClient implements BotClient {
  readonly backend = 'tab'
  readonly storage = indexeddb.name
  readonly #onEvent: (event: RuntimeEvent) => void
  #starting: Promise<StartedBot> | undefined
  #poller: Poller | undefined

  /** @param onEvent receives the runtime's events, such as `data-lost` */
  constructor(onEvent: (event: RuntimeEvent) => void) {
    this.#onEvent = onEvent
  }

  async send(nick: string, text: string): Promise<readonly string[]> {
    const { bot } = await this.#start()
    return bot.handle({
      room: ROOM,
      nick,
      identity: `web:${nick}`,
      hasAdminToken: true,
      at: Date.now(),
      kind: 'message',
      text,
    })
  }

  chatDisabledReason(): undefined {
    return undefined
  }

  dataHiddenReason(): undefined {
    return undefined
  }

  async syncTo(mirror: StorageMirror, { signal, onError }: SyncOptions): Promise<void> {
    const { runtime } = await this.#start()
    const target = runtimeTarget(runtime)
    const watched = new Set<string>()
    const stop = new AbortController()
    signal.addEventListener('abort', () => stop.abort())
    if (signal.aborted) stop.abort()
    const watchNew = async (): Promise<void> => {
      const namespaces = (await target.namespaces()).filter((name) => !watched.has(name))
      const results = await Promise.allSettled(
        namespaces.map((name) => watchNamespace(name, runtime, stop.signal)),
      )
      if (stop.signal.aborted) return
      const failed: string[] = []
      const causes: unknown[] = []
      // Shows all new namespaces in one frame. One that cannot be read does not hide the others.
      for (const [index, result] of results.entries()) {
        const namespace = namespaces[index] ?? ''
        if (result.status === 'rejected') {
          failed.push(namespace)
          causes.push(result.reason)
          continue
        }
        watched.add(namespace)
        mirror.replace(namespace, result.value.entries)
        applyChanges(result.value, mirror).catch((error: unknown) => {
          onError(error)
          // The next poll opens the namespace again.
          watched.delete(namespace)
        })
      }
      onError(failed.length === 0 ? undefined : new NamespaceError(failed, causes[0]))
    }
    try {
      await watchNew()
    } catch (error) {
      stop.abort()
      throw error
    }
    this.#poller = new Poller(() => watchNew().catch(onError), POLL_INTERVAL_MS, signal)
    this.refresh()
  }

  refresh(): void {
    void this.#poller?.runNow()
  }

  async backupTarget(): Promise<BackupTarget> {
    return runtimeTarget((await this.#start()).runtime)
  }

  async replay(
    events: readonly LogEvent[],
    room: string,
    onEvents: (count: number) => void,
  ): Promise<void> {
    const { bot } = await this.#start()
    await replayEvents(bot, events, room, onEvents)
  }

  /** Starts the bot once. After a failure, the next call starts it again. */
  #start(): Promise<StartedBot> {
    this.#starting ??= this.#startBot().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  async #startBot(): Promise<StartedBot> {
    const config = { STORAGE: indexeddb.name, STORAGE_CONFIG }
    const runtime = await StorageRuntime.start(config, [indexeddb], { onEvent: this.#onEvent })
    try {
      return { runtime, bot: await Bot.start(runtime, { storage: { name: indexeddb.name } }) }
    } catch (error) {
      await runtime.close().catch(() => {})
      throw error
    }
  }
}
