import { edgePlace } from '../bot/backup/edge-place.js'
import type { Place } from '../bot/backup/place.js'
import { PlaceError } from '../bot/edge.js'
import type { LogEvent } from '../bot/irc-log.js'
import { sendAll } from '../bot/replay.js'
import { type Follower, type Home, ROOM } from './home.js'
import type { EdgeName } from './places.js'
import { Rounds } from './rounds.js'

// KV is billed by the listing, and shows a change late anyway.
const BETWEEN_LOOKS: Readonly<Record<EdgeName, number>> = {
  DurableObject: 3_000,
  CloudflareKV: 15_000,
}
// Who is away needs no news.
const AWAKE = 5 * 60_000

const NOT_ADMIN =
  'What the edge keeps is shown to its operator alone: open the address that npm start prints.'
const WRONG_TOKEN =
  'The token in this address is not that of the bot that runs now. Take the address that it printed when it started.'
const UNREACHABLE = 'The edge cannot be reached. Is the bot running, and are you online?'

/** The bot in the Worker that serves the page, on one of its storages. */
export class EdgeHome implements Home {
  readonly name: EdgeName
  readonly storage: string
  readonly #hasOperator: boolean
  readonly #onRefused: () => void
  #refused: string | undefined
  #rounds: Rounds | undefined

  /**
   * @param hasOperator is there anybody who may look into its storage?
   * @param onRefused called when it turns out that the token in the address is a wrong one
   */
  constructor(name: EdgeName, hasOperator: boolean, onRefused: () => void) {
    this.#onRefused = onRefused
    this.name = name
    this.storage = name
    this.#hasOperator = hasOperator
  }

  async say(nick: string, text: string): Promise<readonly string[]> {
    const token = operatorToken()
    const reply = await fetch('api/messages', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ room: ROOM, user: nick, text, storage: this.storage }),
    }).catch((cause: unknown) => {
      throw new PlaceError(UNREACHABLE, undefined, true, cause)
    })
    const body: unknown = await reply.json().catch(() => undefined)
    const { replies, error } = readAnswer(body)
    if (reply.ok && replies !== undefined) return replies
    throw new PlaceError(sentence(reply.status, error), reply.status, reply.status === 503)
  }

  closed(): string | undefined {
    if (!this.#hasOperator) {
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
        const all = await Promise.all(names.map((name) => place.entries(name)))
        if (signal.aborted) return
        shelf.keepOnly(names)
        for (const [index, name] of names.entries()) shelf.replace(name, all[index] ?? new Map())
        onTrouble(undefined)
      } catch (error) {
        if (!signal.aborted && error instanceof PlaceError && error.status === 401) {
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

  async data(): Promise<Place> {
    return this.#place()
  }

  async hear(
    events: readonly LogEvent[],
    room: string,
    onHeard: (count: number) => void,
  ): Promise<void> {
    await sendAll(this.#access(), this.storage, events, room, (count) => {
      onHeard(count)
      this.look()
    })
  }

  #place(): Place {
    return edgePlace({ ...this.#access(), storage: this.storage })
  }

  #access(): { url: string; token: string } {
    return { url: location.origin, token: operatorToken() ?? '' }
  }
}

/** The operator's token. It stands behind the `#`, which a browser sends to nobody. */
export function operatorToken(): string | undefined {
  return new URLSearchParams(location.hash.slice(1)).get('token') || undefined
}

function readAnswer(body: unknown): { replies?: readonly string[]; error?: string } {
  if (typeof body !== 'object' || body === null) return {}
  if ('replies' in body && Array.isArray(body.replies)) return { replies: body.replies.map(String) }
  return 'error' in body && typeof body.error === 'string' ? { error: body.error } : {}
}

function sentence(status: number, said: string | undefined): string {
  if (status === 401) return WRONG_TOKEN
  if (status === 413) return 'That is too long for the edge: about 4,000 characters fit.'
  return said ?? `The bot failed (${status}). Try again.`
}
