import type { StorageRuntime } from 'botshelf'
import type { BotMessage } from './bot/message.ts'
import { HttpError, assertKnownFields, readJsonObject, readTextField } from 'botshelf/admin'
import { startBot } from './storages.ts'
import type { Env } from './env.ts'
import { OF_TELEGRAM } from './telegram/update.ts'

// Room for the longest text, even if each of its characters is escaped.
const MOST_BYTES = 32 * 1024
/** The longest text, in characters. */
const MOST_TEXT = 4 * 1024
/** The longest name of a room, in characters. */
export const MOST_ROOM = 128
/** The longest name of a person, in characters. */
export const MOST_USER = 64

/** A message of the web: who says what where, and on which storage. */
export interface WebMessage {
  readonly room: string
  readonly user: string
  readonly text: string
  readonly storage: unknown
}

/**
 * Reads `{ room, user, text, storage? }`.
 *
 * @throws HttpError 400, 413 or 415
 */
export async function readMessage(request: Request): Promise<WebMessage> {
  const body = await readJsonObject(request, MOST_BYTES)
  assertKnownFields(body, ['room', 'user', 'text', 'storage'])
  const room = readTextField(body, 'room', MOST_ROOM)
  // Who names a room is told what was said there last, so it must not be a chat.
  if (room.startsWith(OF_TELEGRAM)) {
    throw new HttpError(400, `The field "room" must not begin with "${OF_TELEGRAM}".`)
  }
  return {
    room,
    user: readTextField(body, 'user', MOST_USER).trim(),
    text: readTextField(body, 'text', MOST_TEXT),
    storage: body['storage'],
  }
}

/** Says the message to the bot; resolves to its replies. */
export async function answer(
  { room, user, text }: WebMessage,
  env: Env,
  runtime: StorageRuntime,
  operator: boolean,
): Promise<readonly string[]> {
  const bot = await startBot(env, runtime)
  const message: BotMessage = {
    room,
    nick: user,
    identity: `web:${user}`,
    operator,
    at: Date.now(),
    kind: 'message',
    text,
  }
  return bot.handle(message)
}
