import type { BackupTarget } from 'botshelf/backup'
import type { LogEvent } from '../bot/irc-log.ts'
import type { PlaceName } from './places.ts'
import type { StorageMirror } from './shelf.ts'

/** Who follows what a storage keeps. */
export interface Follower {
  readonly shelf: StorageMirror
  /** Following failed, and what is shown may be old; `undefined` when all is well. */
  readonly onTrouble: (error: unknown) => void
}

/** The bot at one place, as the page deals with it. */
export interface BotClient {
  readonly name: PlaceName
  /** The storage that it remembers in, by the name that the bot has for it. */
  readonly storage: string
  /** Says something to the bot; resolves to its replies. */
  say(nick: string, text: string): Promise<readonly string[]>
  /** Why nothing can be said to it from this page; `undefined` if something can. */
  mute(): string | undefined
  /** Why its data is not shown to whoever looks at this page; `undefined` if it is. */
  closed(): string | undefined
  /** Keeps the follower's shelf as the storage is, until `signal` aborts; resolves when it was filled. */
  follow(follower: Follower, signal: AbortSignal): Promise<void>
  /** Something was just done here: looks for what changed. */
  look(): void
  /** Its data, to be backed up and restored. */
  data(): Promise<BackupTarget>
  /** Lets the bot hear a log. */
  hear(events: readonly LogEvent[], room: string, onHeard: (count: number) => void): Promise<void>
}

/** The room of the page. */
export const ROOM = 'lobby'
