import { callBot, type AdminAccess, remoteTarget, AdminError } from 'botshelf/admin'
import type { BackupTarget, StoredText } from 'botshelf/backup'
import type { LogEvent } from '../bot/irc-log.ts'
import type { RemoteBot } from '../bot/find-bot.ts'
import { sendAll } from '../bot/replay.ts'
import { type Follower, type BotClient, ROOM } from './home.ts'
import type { EdgeName } from './places.ts'
import { Rounds } from './rounds.ts'

// KV is billed by the listing, and shows a change late anyway.
const BETWEEN_LOOKS: Readonly<Record<EdgeName, number>> = {
  DurableObject: 3_000,
  CloudflareKV: 15_000,
}
// Nobody waits longer for an answer.
const ANSWERS_WITHIN = 30_000
// Who is away needs no news.
const AWAKE = 5 * 60_000

const NOT_ADMIN =
  'What the edge keeps is shown to its operator alone: open the address that npm start prints.'
const WRONG_TOKEN =
  'The token in this address is not that of the bot that runs now. Take the address that it printed when it started.'
const CHECK = 'Is it running, and are you online?'
const MUTE = 'This bot does not talk over the web; the one in this tab does.'

/** The bot in the Worker that serves the page, on one of its storages. */
export class RemoteBotClient implements BotClient {
  readonly name: EdgeName
  readonly storage: string
  readonly #edge: RemoteBot
  readonly #onRefused: () => void
  #refused: string | undefined
  #rounds: Rounds | undefined

  /**
   * @param edge what the Worker says of itself
   * @param onRefused called when it turns out that the token in the address is a wrong one
   */
  constructor(name: EdgeName, edge: RemoteBot, onRefused: () => void) {
    this.#onRefused = onRefused
    this.name = name
    this.storage = name
    this.#edge = edge
  }

  async say(nick: string, text: string): Promise<readonly string[]> {
    const body = { room: ROOM, user: nick, text, storage: this.storage }
    try {
      const answer = await callBot(edgeAccess(), 'api/messages', {
        body,
        timeoutMs: ANSWERS_WITHIN,
      })
      const { replies } = answer as { replies?: unknown }
      if (Array.isArray(replies)) return replies.map(String)
      throw new AdminError('The bot gave an answer that cannot be understood.', { status: 200 })
    } catch (error) {
      throw error instanceof AdminError ? inPlainWords(error) : error
    }
  }

  mute(): string | undefined {
    return this.#edge.chat === false ? MUTE : undefined
  }

  closed(): string | undefined {
    if (!this.#edge.admin) {
      return 'What the edge keeps is shown to its operator alone, and this one has none: its ADMIN_TOKEN is not set.'
    }
    const token = operatorToken()
    if (token === undefined) return NOT_ADMIN
    return token === this.#refused ? WRONG_TOKEN : undefined
  }

  async follow({ shelf, onTrouble }: Follower, signal: AbortSignal): Promise<void> {
    const token = operatorToken()
    const place = this.#place()
    let used = Date.now()
    const onUse = (): void => void (used = Date.now())
    for (const use of ['pointerdown', 'keydown']) addEventListener(use, onUse, { signal })
    const look = async (): Promise<void> => {
      if (Date.now() - used > AWAKE) return
      try {
        const names = await place.namespaces()
        const found = new Map<string, ReadonlyMap<string, string>>()
        // One after another: there may be many, and the edge has others to serve.
        for (const name of names) {
          if (signal.aborted) return
          found.set(name, textsOf(await place.entries(name)))
        }
        if (signal.aborted) return
        // Shown all together, so that nothing moves.
        shelf.keepOnly(names)
        for (const [name, entries] of found) shelf.replace(name, entries)
        onTrouble(undefined)
      } catch (error) {
        if (!signal.aborted && error instanceof AdminError && error.status === 401) {
          this.#refused = token
          this.#onRefused()
        } else {
          onTrouble(error)
        }
      }
    }
    this.#rounds = new Rounds(look, BETWEEN_LOOKS[this.name], signal)
    await this.#rounds.now()
  }

  look(): void {
    void this.#rounds?.now()
  }

  async data(): Promise<BackupTarget> {
    return this.#place()
  }

  async hear(
    events: readonly LogEvent[],
    room: string,
    onHeard: (count: number) => void,
  ): Promise<void> {
    await sendAll(edgeAccess(), this.storage, events, room, (count) => {
      onHeard(count)
      this.look()
    })
  }

  #place(): BackupTarget {
    return remoteTarget({ ...edgeAccess(), storage: this.storage })
  }
}

/** The operator's token. It stands behind the `#`, which a browser sends to nobody. */
export function operatorToken(): string | undefined {
  return new URLSearchParams(location.hash.slice(1)).get('token') || undefined
}

/** The address of the bot that serves the page: that of the folder it is in. */
export function edgeUrl(): string {
  return new URL('.', location.href).href
}

function edgeAccess(): AdminAccess {
  return { url: edgeUrl(), token: operatorToken() }
}

function textsOf(entries: ReadonlyMap<string, StoredText>): ReadonlyMap<string, string> {
  return new Map([...entries].map(([key, { value }]) => [key, value]))
}

/** Why something was not heard, for the person who said it. */
function inPlainWords(error: AdminError): AdminError {
  const { message, status, retryable } = error
  const details = { status, retryable, cause: error }
  if (status === undefined) return new AdminError(`${message} ${CHECK}`, details)
  if (status === 401) return new AdminError(WRONG_TOKEN, details)
  // Closed since this page was loaded.
  if (status === 404) return new AdminError(MUTE, details)
  return error
}
