import type { BackupTarget } from 'botshelf/backup'
import type { LogEvent } from '../bot/irc-log.ts'
import type { BackendName } from './backend-picker.ts'
import type { StorageMirror } from './storage-mirror.ts'

/** Options of {@link BotClient.syncTo}. */
export interface SyncOptions {
  /** Ends the synchronization. */
  readonly signal: AbortSignal
  /**
   * Called with the error when an update failed, so that the mirror may be out of date, and with
   * `undefined` when an update succeeded.
   */
  readonly onError: (error: unknown) => void
}

/** The page's access to one bot: in this tab, or in the Worker that serves the page. */
export interface BotClient {
  readonly backend: BackendName
  /** The bot's own name for its storage, such as `IndexedDB`. */
  readonly storage: string
  /** Sends a message to the bot; resolves to its replies. */
  send(nick: string, text: string): Promise<readonly string[]>
  /** Returns why the page cannot send messages to the bot; `undefined` if it can. */
  chatDisabledReason(): string | undefined
  /** Returns why the page cannot read the bot's data; `undefined` if it can. */
  dataHiddenReason(): string | undefined
  /** Fills the mirror with the stored data, resolves, and keeps it up to date until `signal` aborts. */
  syncTo(mirror: StorageMirror, options: SyncOptions): Promise<void>
  /** Updates the mirror now, after something that may have changed the stored data. */
  refresh(): void
  /** Resolves to the bot's data, to back it up or restore it. */
  backupTarget(): Promise<BackupTarget>
  /** Sends the events of a log to the bot. `onEvents` gets how many it has handled. */
  replay(
    events: readonly LogEvent[],
    room: string,
    onEvents: (count: number) => void,
  ): Promise<void>
}

/** The room of messages that are sent from the page. */
export const ROOM = 'lobby'
