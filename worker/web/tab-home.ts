import { indexeddb } from 'botshelf/indexeddb'
import { encode } from 'botshelf/codec'
import { isStoreError, type RuntimeEvent, StorageRuntime, type Store } from 'botshelf'
import { Bot } from '../bot/bot.ts'
import { NamespaceError, type BackupTarget, runtimeTarget } from 'botshelf/backup'
import type { LogEvent } from '../bot/irc-log.ts'
import { replayEvents } from '../bot/replay-events.ts'
import { type Follower, type BotClient, ROOM } from './home.ts'
import { Rounds } from './rounds.ts'
import type { StorageMirror } from './shelf.ts'

interface Started {
  readonly runtime: StorageRuntime
  readonly bot: Bot
}

// Changes are told as they happen; only a new namespace has to be looked for.
const BETWEEN_LOOKS = 2_000
// Nobody waits longer without a word.
const CONFIG = { database: 'bot', openTimeout: 3_000 }

/** The bot in this tab, which keeps what it learns in the browser's IndexedDB. */
export class LocalBotClient implements BotClient {
  readonly name = 'tab'
  readonly storage = indexeddb.name
  readonly #onEvent: (event: RuntimeEvent) => void
  #starting: Promise<Started> | undefined
  #rounds: Rounds | undefined

  constructor(onEvent: (event: RuntimeEvent) => void) {
    this.#onEvent = onEvent
  }

  async say(nick: string, text: string): Promise<readonly string[]> {
    const { bot } = await this.#start()
    // Whoever has the tab has all of the bot: he is its operator.
    return bot.handle({
      room: ROOM,
      nick,
      identity: `web:${nick}`,
      operator: true,
      at: Date.now(),
      kind: 'message',
      text,
    })
  }

  mute(): undefined {
    return undefined
  }

  closed(): undefined {
    return undefined
  }

  async follow({ shelf, onTrouble }: Follower, signal: AbortSignal): Promise<void> {
    const { runtime } = await this.#start()
    const place = runtimeTarget(runtime)
    const followed = new Set<string>()
    const following = new AbortController()
    signal.addEventListener('abort', () => following.abort())
    if (signal.aborted) following.abort()
    const look = async (): Promise<void> => {
      const names = await place.namespaces()
      const fresh = names.filter((name) => !followed.has(name))
      // Shown all together, so that nothing moves; one that cannot be read hides no other.
      const found = await Promise.allSettled(
        fresh.map((name) => read(name, runtime, following.signal)),
      )
      if (following.signal.aborted) return
      const unreadable: string[] = []
      const causes: unknown[] = []
      for (const [index, each] of found.entries()) {
        if (each.status === 'rejected') {
          unreadable.push(fresh[index] ?? '')
          causes.push(each.reason)
          continue
        }
        const [store, changes, entries] = each.value
        followed.add(store.namespace)
        shelf.replace(store.namespace, entries)
        pass(store, changes, shelf).catch((error: unknown) => {
          onTrouble(error)
          // The next look begins with it anew.
          followed.delete(store.namespace)
        })
      }
      onTrouble(unreadable.length === 0 ? undefined : new NamespaceError(unreadable, causes[0]))
    }
    try {
      await look()
    } catch (error) {
      following.abort()
      throw error
    }
    this.#rounds = new Rounds(() => look().catch(onTrouble), BETWEEN_LOOKS, signal)
    this.look()
  }

  look(): void {
    void this.#rounds?.now()
  }

  async data(): Promise<BackupTarget> {
    return runtimeTarget((await this.#start()).runtime)
  }

  async hear(
    events: readonly LogEvent[],
    room: string,
    onHeard: (count: number) => void,
  ): Promise<void> {
    const { bot } = await this.#start()
    await replayEvents(bot, events, room, onHeard)
  }

  #start(): Promise<Started> {
    this.#starting ??= this.#startNew().catch((error: unknown) => {
      // So that it can be tried again.
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  async #startNew(): Promise<Started> {
    const config = { STORAGE: indexeddb.name, STORAGE_CONFIG: CONFIG }
    const runtime = await StorageRuntime.start(config, [indexeddb], { onEvent: this.#onEvent })
    try {
      return { runtime, bot: await Bot.start(runtime, { storage: { name: indexeddb.name } }) }
    } catch (error) {
      await runtime.close().catch(() => {})
      throw error
    }
  }
}

type Changes = ReturnType<Store['watch']>

/** Reads a namespace, and watches it from before it is read, so that nothing is missed. */
async function read(
  namespace: string,
  runtime: StorageRuntime,
  signal: AbortSignal,
): Promise<[Store, Changes, ReadonlyMap<string, string>]> {
  const store = await runtime.open(namespace)
  const close = (): void => void store[Symbol.asyncDispose]().catch(() => {})
  signal.addEventListener('abort', close)
  try {
    signal.throwIfAborted()
    const changes = store.watch()
    return [store, changes, await readAll(store)]
  } catch (error) {
    signal.removeEventListener('abort', close)
    close()
    throw error
  }
}

/** Passes changes on to the shelf until the store closes. */
async function pass(store: Store, changes: Changes, shelf: StorageMirror): Promise<void> {
  try {
    for (let watch: Changes | undefined = changes; watch !== undefined;) {
      watch = await passSome(store, watch, shelf)
    }
  } catch (error) {
    if (isStoreError(error) && error.code === 'STORE_NOT_OPEN') return
    await store[Symbol.asyncDispose]().catch(() => {})
    throw error
  }
}

/** Passes changes on until there is a `clear`; then all is read at once, and watched anew. */
async function passSome(
  store: Store,
  changes: Changes,
  shelf: StorageMirror,
): Promise<Changes | undefined> {
  const { namespace } = store
  for await (const { kind, key } of changes) {
    if (kind === 'clear') {
      const next = store.watch()
      shelf.replace(namespace, await readAll(store))
      return next
    }
    const value = kind === 'set' ? await store.get(key) : undefined
    if (value === undefined) shelf.remove(namespace, key)
    else shelf.set(namespace, key, encode(value))
  }
  return undefined
}

async function readAll(store: Store): Promise<ReadonlyMap<string, string>> {
  const entries = new Map<string, string>()
  for await (const [key, value] of store) entries.set(key, encode(value))
  return entries
}
