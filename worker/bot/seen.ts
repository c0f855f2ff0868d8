import { StoreMixin } from 'botshelf'
import { byCodeUnit } from 'botshelf/backup'
import type { Command } from './command.ts'
import { type BotMessage, toSingleLine } from './message.ts'
import { nickKey } from './nick.ts'
import { type BotCommand, BotPlugin } from './plugin.ts'

/** What a user did last: sent a message or action, took another nick, or came from another nick. */
export type SightingKind = 'message' | 'action' | 'became' | 'was'

/** What is stored about a nick, under the key of the nick. */
export interface Sighting {
  /** The most recent spelling. */
  nick: string
  /** The number of messages, without actions and changes of nick. */
  messages: number
  /** The time of the last event, in milliseconds since 1970. */
  at: number
  kind: SightingKind
  /** The text, or the other nick; empty if the message was private. */
  text: string
  room: string
}

const MAX_LISTED = 50

/** Records when each user was last active, and how many messages they sent. */
export class Seen extends StoreMixin<Record<string, Sighting>>()(BotPlugin) {
  readonly name = 'Seen'
  readonly doc = 'records the last activity of each user'
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    [
      'seen',
      {
        usage: '!seen nick',
        doc: 'when a user was last here',
        run: (command) => this.#show(command),
      },
    ],
    [
      'busiest',
      {
        usage: '!busiest [n]',
        doc: 'who sent the most messages',
        run: ({ argument }) => this.#busiest(argument),
      },
    ],
  ])

  override async onMessage(message: BotMessage): Promise<readonly string[]> {
    const { nick, kind, text } = message
    if (kind === 'nick') {
      await this.#record(message, nick, 'became', text)
      await this.#record(message, text, 'was', nick)
    } else {
      await this.#record(message, nick, kind, text)
    }
    return []
  }

  // An event older than the stored one is counted but not stored as the last. Of two events in the
  // same minute the one that arrives later wins: the lines of a log are in order.
  async #record(
    { at, room, isPrivate }: BotMessage,
    nick: string,
    kind: SightingKind,
    words: string,
  ): Promise<void> {
    const text = isPrivate ? '' : words
    await this.update(nickKey(nick), (was) => {
      const messages = (was?.messages ?? 0) + (kind === 'message' ? 1 : 0)
      return was && was.at > at ? { ...was, messages } : { nick, messages, at, kind, text, room }
    })
  }

  async #show({ argument, message }: Command): Promise<string> {
    if (argument === '') return 'Usage: !seen nick'
    if (nickKey(argument) === nickKey(message.nick)) return `You are here, ${message.nick}.`
    const last = await this.get(nickKey(argument))
    if (last === undefined) return toSingleLine(`I have not seen ${argument}.`)
    const { nick, at, room, text } = last
    const seen = `${nick} was last seen on ${formatTime(at)}`
    // A user outside the room did not read the message and may not know of the room.
    if (room !== message.room || text === '') return toSingleLine(`${seen}.`)
    return toSingleLine(`${seen} in ${room}, ${describeActivity(last)}`)
  }

  async #busiest(rest: string): Promise<readonly string[]> {
    const wanted = rest === '' ? 5 : Number(rest)
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_LISTED) {
      return [`Usage: !busiest 5 (from 1 to ${MAX_LISTED})`]
    }
    const all: Sighting[] = []
    for await (const sighting of this.values()) if (sighting.messages > 0) all.push(sighting)
    return sortByMessages(all)
      .slice(0, wanted)
      .map(({ nick, messages }) => `${nick}: ${messages} message${messages === 1 ? '' : 's'}`)
  }
}

/** Sorts by number of messages, largest first, then by nick, so that the order is stable. */
export function sortByMessages(all: readonly Sighting[]): Sighting[] {
  return all.toSorted(
    (a, b) => b.messages - a.messages || byCodeUnit(nickKey(a.nick), nickKey(b.nick)),
  )
}

/** Formats a time in UTC, to the minute. */
export function formatTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** Describes a sighting as the second half of a sentence. */
export function describeActivity({
  nick,
  kind,
  text,
}: Pick<Sighting, 'nick' | 'kind' | 'text'>): string {
  if (kind === 'message') return `saying: ${text}`
  if (kind === 'action') return `doing: * ${nick} ${text}`
  return kind === 'became' ? `becoming ${text}.` : `coming from the nick ${text}.`
}
