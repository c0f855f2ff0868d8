import type { StorageRuntime } from 'botshelf'
import type { BotMessage } from './bot/message.ts'
import { HttpError, assertKnownFields, readJsonObject, parseTextField } from 'botshelf/admin'
import { startBot } from './storages.ts'
import type { Env } from './env.ts'
import { TELEGRAM_PREFIX } from './telegram/update.ts'

// The longest text fits, even if JSON escapes every character.
const MAX_BODY_BYTES = 32 * 1024
/** The longest text, in UTF-16 code units. */
const MAX_TEXT_LENGTH = 4 * 1024
/** The longest name of a room, in UTF-16 code units. */
export const MAX_ROOM_LENGTH = 128
/** The longest name of a user, in UTF-16 code units. */
export const MAX_USER_LENGTH = 64

/** A message sent over the web, and the storage that the bot should use for it. */
export interface WebMessage {
  readonly room: string
  readonly user: string
  readonly text: string
  /** Not validated yet: `withStorage` does that. */
  readonly storage: unknown
}

/**
 * Reads a message from the body `{ room, user, text, storage? }`.
 *
 * @throws HttpError 400, 413 or 415
 */
export async function readMessage(request: Request): Promise<WebMessage> {
  const body = await readJsonObject(request, MAX_BODY_BYTES)
  assertKnownFields(body, ['room', 'user', 'text', 'storage'])
  const room = parseTextField(body, 'room', MAX_ROOM_LENGTH)
  // `!seen` shows what was said in the sender's room, so a web user must not name a Telegram chat.
  if (room.startsWith(TELEGRAM_PREFIX)) {
    throw new HttpError(400, `The field "room" must not begin with "${TELEGRAM_PREFIX}".`)
  }
  return {
    room,
    user: parseTextField(body, 'user', MAX_USER_LENGTH).trim(),
    text: parseTextField(body, 'text', MAX_TEXT_LENGTH),
    storage: body['storage'],
  }
}

/** Passes a message to the bot and resolves to the replies. */
export async function answerMessage(
  { room, user, text }: WebMessage,
  env: Env,
  runtime: StorageRuntime,
  hasAdminToken: boolean,
): Promise<readonly string[]> {
  const bot = await startBot(env, runtime)
  const message: BotMessage = {
    room,
    nick: user,
    identity: `web:${user}`,
    hasAdminToken,
    at: Date.now(),
    kind: 'message',
    text,
  }
  return bot.handle(message)
}
