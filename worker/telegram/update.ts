import { HttpError } from 'botshelf/admin'
import { telegramNick } from './nick.ts'

/** The prefix of rooms and identities of Telegram. No other transport uses it. */
export const TELEGRAM_PREFIX = 'telegram:'
// The largest time value of a Date, in seconds.
const MAX_DATE_SECONDS = 8.64e12
/** The types of chats that other users read. */
const SHARED_CHATS: ReadonlySet<unknown> = new Set(['group', 'supergroup', 'channel'])
// A reply to a message with one of these fields would go to another chat or be visible to others.
const IGNORED_FIELDS = ['business_connection_id', 'guest_query_id', 'ephemeral_message_id'] as const

/** The chat, and the topic in it, that a message belongs to. */
export interface ChatTarget {
  readonly chat: number
  /** The topic of a supergroup (`message_thread_id`); absent outside topics. */
  readonly topic?: number | undefined
  /** The topic of a channel's direct messages; each topic belongs to one user. */
  readonly directTopic?: number | undefined
}

/** A message to the bot, as an update contains it. */
export interface TelegramMessage extends ChatTarget {
  /**
   * Whether the chat is not a group, supergroup or channel. The bot stores no text of a private chat.
   * Direct messages to a channel, which its administrators read too, and unknown types count as private.
   */
  readonly isPrivate: boolean
  /** The id of the sender: a user, or a group or channel that posts as itself. */
  readonly sender: number
  readonly nick: string
  /** The time of the message, in milliseconds since 1970. */
  readonly at: number
  /** The text, or the caption of a picture. */
  readonly text: string
  /** The length of the command at its start (11 for `/help@a_bot`); 0 if there is none. */
  readonly commandLength: number
}

/** An update of Telegram. One that the bot ignores has neither a message nor a callback query. */
export interface Update {
  readonly id: number
  readonly message?: TelegramMessage
  /**
   * The id of a callback query, Telegram's word for the press of a button. The client shows the button
   * as loading until the query is answered.
   */
  readonly callbackQueryId?: string
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Parses an update. The bot ignores edited messages (it has handled the original), messages without
 * text, and kinds that it does not know.
 *
 * @throws HttpError 400 if the body is not an update
 */
export function parseUpdate(body: Fields): Update {
  const id = body['update_id']
  if (!isInteger(id) || id < 0) {
    throw new HttpError(400, 'The field "update_id" must be a whole number that is not negative.')
  }
  if (body['callback_query'] !== undefined) {
    const callbackQueryId = fieldsOf(body['callback_query'])?.['id']
    if (typeof callbackQueryId !== 'string') throw createMalformedError('callback_query')
    return { id, callbackQueryId }
  }
  for (const kind of ['message', 'channel_post']) {
    if (body[kind] === undefined) continue
    const message = parseMessage(kind, body[kind])
    return message === undefined ? { id } : { id, message }
  }
  return { id }
}

function parseMessage(kind: string, value: unknown): TelegramMessage | undefined {
  const message = fieldsOf(value)
  const chat = fieldsOf(message?.['chat'])
  const chatId = chat?.['id']
  const date = message?.['date']
  if (message === undefined || !isInteger(chatId) || !isInteger(date))
    throw createMalformedError(kind)
  if (date < 1 || date > MAX_DATE_SECONDS) throw createMalformedError(kind)
  const text = message['text'] ?? message['caption']
  if (typeof text !== 'string' || text === '' || !isWrittenBySender(message)) return undefined
  // For a post of a group or a channel, `from` is a placeholder user, the same for all of them. A
  // `sender_chat` that cannot be read must not fall back to it.
  const speaker = fieldsOf('sender_chat' in message ? message['sender_chat'] : message['from'])
  if ('sender_chat' in message && speaker === undefined) throw createMalformedError(kind)
  const sender = speaker?.['id']
  if (speaker === undefined || !isInteger(sender)) return undefined
  // Two bots that answer each other would never stop.
  if (speaker['is_bot'] === true) return undefined
  const topic = message['message_thread_id']
  const isDirect = chat?.['is_direct_messages'] === true
  const directTopic = fieldsOf(message['direct_messages_topic'])?.['topic_id']
  return {
    chat: chatId,
    isPrivate: isDirect || !SHARED_CHATS.has(chat?.['type']),
    // In a group without topics this is the id of a reply thread, which cannot be a target.
    topic: message['is_topic_message'] === true && isInteger(topic) ? topic : undefined,
    directTopic: isDirect && isInteger(directTopic) ? directTopic : undefined,
    sender,
    nick: telegramNick(sender, speaker),
    at: date * 1000,
    text,
    commandLength: commandLengthOf(
      message['text'] === undefined ? 'caption_entities' : 'entities',
      message,
    ),
  }
}

/**
 * Whether the sender wrote the message to the bot. A forwarded message, or one that another bot made
 * for the sender, must not run as the sender's command. A channel's post was already handled when its
 * group repeats it. Messages to a business account, a guest or a single reader are ignored.
 */
function isWrittenBySender(message: Fields): boolean {
  if (IGNORED_FIELDS.some((field) => field in message)) return false
  return !('forward_origin' in message) && !('via_bot' in message)
}

/** Returns the length of the command that Telegram marked; `/etc/fstab` is not marked. */
function commandLengthOf(entities: string, message: Fields): number {
  const marked = message[entities]
  if (!Array.isArray(marked)) return 0
  const first: Fields | undefined = marked
    .map(fieldsOf)
    .find((entity) => entity?.['type'] === 'bot_command' && entity['offset'] === 0)
  return isInteger(first?.['length']) ? first['length'] : 0
}

function createMalformedError(kind: string): HttpError {
  return new HttpError(400, `The field "${kind}" does not have the form that Telegram documents.`)
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
