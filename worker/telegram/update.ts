import { HttpError } from 'botshelf/admin'
import { nickOf } from './nick.ts'

/** What the names of rooms and identities of Telegram begin with, and no others do. */
export const OF_TELEGRAM = 'telegram:'
// The last second that a Date can hold.
const LAST_DATE = 8.64e12
/** The kinds of chats that others read. */
const SHARED: ReadonlySet<unknown> = new Set(['group', 'supergroup', 'channel'])
// An answer to one of these would go elsewhere than where it was said, or be seen by others.
const NOT_HERE = ['business_connection_id', 'guest_query_id', 'ephemeral_message_id'] as const

/** Where something is said. */
export interface Place {
  readonly chat: number
  /** The topic of a supergroup (`message_thread_id`); absent outside of topics. */
  readonly topic?: number | undefined
  /** The topic of a channel's direct messages, each of which is one person's. */
  readonly directTopic?: number | undefined
}

/** Somebody's words in a chat, as an update of Telegram brings them. */
export interface Said extends Place {
  /** Does nobody else read what is said there? */
  readonly isPrivate: boolean
  /** The id of who says it: a person, or the group or channel that speaks for itself. */
  readonly sender: number
  readonly nick: string
  /** When, in milliseconds since 1970. */
  readonly at: number
  /** The text, or the caption of a picture. */
  readonly text: string
  /** How long the command at its start is (`/help@a_bot` has 11 characters); 0 if there is none. */
  readonly command: number
}

/** What an update of Telegram asks of the bot; an update that asks nothing has neither. */
export interface Update {
  readonly id: number
  readonly said?: Said
  /** The id of a press of a button, which a client shows as loading until it is answered. */
  readonly query?: string
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads an update. One that asks nothing of the bot is an edited message (it was heard before it
 * was edited), one without words, and every kind that is not known here.
 *
 * @throws HttpError 400 if it is none
 */
export function readUpdate(body: Fields): Update {
  const id = body['update_id']
  if (!isInteger(id) || id < 0) {
    throw new HttpError(400, 'An update has a field "update_id", which is a whole number.')
  }
  if (body['callback_query'] !== undefined) {
    const query = fieldsOf(body['callback_query'])?.['id']
    if (typeof query !== 'string') throw malformed('callback_query')
    return { id, query }
  }
  for (const kind of ['message', 'channel_post']) {
    if (body[kind] === undefined) continue
    const said = readSaid(kind, body[kind])
    return said === undefined ? { id } : { id, said }
  }
  return { id }
}

function readSaid(kind: string, given: unknown): Said | undefined {
  const message = fieldsOf(given)
  const where = fieldsOf(message?.['chat'])
  const chat = where?.['id']
  const date = message?.['date']
  if (message === undefined || !isInteger(chat) || !isInteger(date)) throw malformed(kind)
  if (date < 1 || date > LAST_DATE) throw malformed(kind)
  const text = message['text'] ?? message['caption']
  if (typeof text !== 'string' || text === '' || !isOwn(message)) return undefined
  // Whoever speaks as a group or a channel has a stand-in as `from`, the same for all of them.
  // What cannot be read must not be taken for a person with his rights.
  const speaker = fieldsOf('sender_chat' in message ? message['sender_chat'] : message['from'])
  if ('sender_chat' in message && speaker === undefined) throw malformed(kind)
  const sender = speaker?.['id']
  if (speaker === undefined || !isInteger(sender)) return undefined
  // A bot that answers bots may talk for ever. A stand-in is a bot as well, but not who speaks.
  if (speaker['is_bot'] === true) return undefined
  const topic = message['message_thread_id']
  const isDirect = where?.['is_direct_messages'] === true
  const directTopic = fieldsOf(message['direct_messages_topic'])?.['topic_id']
  return {
    chat,
    isPrivate: isDirect || !SHARED.has(where?.['type']),
    // In a group without topics it names a chain of answers, where nothing can be sent to.
    topic: message['is_topic_message'] === true && isInteger(topic) ? topic : undefined,
    directTopic: isDirect && isInteger(directTopic) ? directTopic : undefined,
    sender,
    nick: nickOf(sender, speaker),
    at: date * 1000,
    text,
    command: commandLength(
      message['text'] === undefined ? 'caption_entities' : 'entities',
      message,
    ),
  }
}

/**
 * Are the words those of who sends them? What is forwarded, or made by another bot in his name,
 * must not become his command; and a channel's post has been heard before it is repeated in the
 * channel's group. What is said to a business, to a guest, or for one reader is no talk with the bot.
 */
function isOwn(message: Fields): boolean {
  if (NOT_HERE.some((field) => field in message)) return false
  return !('forward_origin' in message) && !('via_bot' in message)
}

/** Telegram marks commands: `/etc/fstab` is none. */
function commandLength(entities: string, message: Fields): number {
  const marked = message[entities]
  if (!Array.isArray(marked)) return 0
  const first: Fields | undefined = marked
    .map(fieldsOf)
    .find((entity) => entity?.['type'] === 'bot_command' && entity['offset'] === 0)
  return isInteger(first?.['length']) ? first['length'] : 0
}

function malformed(kind: string): HttpError {
  return new HttpError(400, `The field "${kind}" is not what Telegram sends under this name.`)
}

function fieldsOf(value: unknown): Fields | undefined {
  return isFields(value) ? value : undefined
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
