import { StoreMixin } from 'botshelf'
import type { Command } from './call.ts'
import type { BotMessage } from './message.ts'
import { nickKey } from './nick.ts'
import { oneLine } from './one-line.ts'
import { type BotCommand, BotPlugin } from './plugin.ts'

/** The last of somebody: said, did, became another nick, or came from another nick. */
export type LastKind = 'message' | 'action' | 'became' | 'was'

/** What is known of a nick, under the nick in lower case. */
export interface Sighting {
  /** As it was spelled last. */
  nick: string
  /** How many messages; actions and changes of nick are none. */
  messages: number
  /** When the last was, in milliseconds since 1970. */
  at: number
  kind: LastKind
  /** What was said or done, or the other nick; empty if it was private. */
  text: string
  room: string
}

const MOST = 50

/** Remembers who was there last, and how much they said. */
export class Seen extends StoreMixin<Record<string, Sighting>>()(BotPlugin) {
  readonly name = 'Seen'
  readonly doc = 'remembers who said what last'
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    [
      'seen',
      { usage: '!seen nick', doc: 'when somebody was here', run: (call) => this.#show(call) },
    ],
    [
      'busiest',
      { usage: '!busiest [n]', doc: 'who talks most', run: ({ rest }) => this.#busiest(rest) },
    ],
  ])

  override async hear(message: BotMessage): Promise<readonly string[]> {
    const { nick, kind, text } = message
    if (kind === 'nick') {
      await this.#note(message, nick, 'became', text)
      await this.#note(message, text, 'was', nick)
    } else {
      await this.#note(message, nick, kind, text)
    }
    return []
  }

  // What is older than the last sighting counts, but is not the last. Within one time the later
  // to arrive is: a log tells minutes, and its lines are in order.
  async #note(
    { at, room, isPrivate }: BotMessage,
    nick: string,
    kind: LastKind,
    said: string,
  ): Promise<void> {
    const text = isPrivate ? '' : said
    await this.update(nickKey(nick), (was) => {
      const messages = (was?.messages ?? 0) + (kind === 'message' ? 1 : 0)
      return was && was.at > at ? { ...was, messages } : { nick, messages, at, kind, text, room }
    })
  }

  async #show({ rest, message }: Command): Promise<string> {
    if (rest === '') return 'Say it like this: !seen nick'
    if (nickKey(rest) === nickKey(message.nick)) return `You are here, ${message.nick}.`
    const last = await this.get(nickKey(rest))
    if (last === undefined) return oneLine(`I have not seen ${rest}.`)
    const { nick, at, room, text } = last
    const seen = `${nick} was last seen on ${showTime(at)}`
    // Who is not in the room has not heard it, and may not even know of the room.
    if (room !== message.room || text === '') return oneLine(`${seen}.`)
    return oneLine(`${seen} in ${room}, ${doing(last)}`)
  }

  async #busiest(rest: string): Promise<readonly string[]> {
    const wanted = rest === '' ? 5 : Number(rest)
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST) {
      return [`Say it like this: !busiest 5 (from 1 to ${MOST})`]
    }
    const all: Sighting[] = []
    for await (const sighting of this.values()) if (sighting.messages > 0) all.push(sighting)
    return busiestFirst(all)
      .slice(0, wanted)
      .map(({ nick, messages }) => `${nick}: ${messages} message${messages === 1 ? '' : 's'}`)
  }
}

/** Sorts by messages, most first; equals by nick, so that the order is the same everywhere. */
export function busiestFirst(all: readonly Sighting[]): Sighting[] {
  return all.toSorted(
    (a, b) => b.messages - a.messages || (nickKey(a.nick) < nickKey(b.nick) ? -1 : 1),
  )
}

/** A time as it is shown: to the minute, in UTC. */
export function showTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** What somebody was doing, as half a sentence. */
export function doing({ nick, kind, text }: Pick<Sighting, 'nick' | 'kind' | 'text'>): string {
  if (kind === 'message') return `saying: ${text}`
  if (kind === 'action') return `doing: * ${nick} ${text}`
  return kind === 'became' ? `becoming ${text}.` : `coming from the nick ${text}.`
}
