/** How a message came about: said, done (`/me sips a coffee`), or a change of nick. */
export type MessageKind = 'message' | 'action' | 'nick'

/** One thing that happened in a room. It carries its own time, so that a log can be replayed. */
export interface BotMessage {
  readonly room: string
  /** Who, as the room shows it. Anybody may call himself anything. */
  readonly nick: string
  /** Who, as the transport vouches for it: `telegram:12345`, `web:ann`, `irc:ann`. */
  readonly identity: string
  /** Has the sender shown the operator's token? */
  readonly operator: boolean
  /** When, in milliseconds since 1970. */
  readonly at: number
  readonly kind: MessageKind
  /** What was said or done; for a change of nick, the new nick. */
  readonly text: string
  /** Does nobody else in the room read it? Then none of its words is kept to be shown. */
  readonly isPrivate?: true
}
