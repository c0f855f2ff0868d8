/** The kind of an event: a message, an action (`/me sips a coffee`), or a change of nick. */
export type MessageKind = 'message' | 'action' | 'nick'

/** An event in a room. It carries its own time, so that a log can be replayed. */
export interface BotMessage {
  readonly room: string
  /** The sender's name as the room shows it. It is not verified. */
  readonly nick: string
  /** The sender as the transport identifies them: `telegram:12345`, `web:ann`, `irc:ann`. */
  readonly identity: string
  /** Whether the sender sent the admin token, so that they are an admin. */
  readonly hasAdminToken: boolean
  /** The time of the event, in milliseconds since 1970. */
  readonly at: number
  readonly kind: MessageKind
  /** The text of a message or an action; for a change of nick, the new nick. */
  readonly text: string
  /** Set in a private chat. The bot then stores no text of the message. */
  readonly isPrivate?: true
}

/** Replaces line breaks by spaces: a line break in a user's text could forge a line of the bot. */
export function toSingleLine(text: string): string {
  return text.replace(/[\n\v\f\r\u0085\u2028\u2029]+/g, ' ')
}
