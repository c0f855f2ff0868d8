import type { StorageRuntime } from 'botshelf'
import type { LogEvent } from './bot/irc-log.ts'
import type { MessageKind } from './bot/message.ts'
import { replayEvents, MAX_CALL_BYTES, MAX_EVENTS_PER_CALL } from './bot/replay-events.ts'
import type { Env } from './env.ts'
import { HttpError, assertKnownFields, readJsonObject, parseTextField } from 'botshelf/admin'
import { MAX_ROOM_LENGTH } from './messages.ts'
import { startBot } from './storages.ts'

const MAX_NICK_LENGTH = 64
const MAX_TEXT_LENGTH = 4 * 1024
// The largest time value of a Date.
const MAX_TIME_MS = 8.64e15
const KINDS: readonly unknown[] = ['message', 'action', 'nick'] satisfies MessageKind[]

/** A part of a log for the bot to replay. */
export interface ReplayRequest {
  readonly room: string
  /** Not validated yet: `withStorage` does that. */
  readonly storage: unknown
  readonly events: readonly LogEvent[]
}

/**
 * Reads a request to replay from the body `{ room, storage?, events }`: at most 200 events, 256 KiB.
 *
 * @throws HttpError 400, 413 or 415
 */
export async function readReplayRequest(request: Request): Promise<ReplayRequest> {
  const body = await readJsonObject(request, MAX_CALL_BYTES)
  assertKnownFields(body, ['room', 'storage', 'events'])
  const { events, storage } = body
  if (!Array.isArray(events)) throw new HttpError(400, 'The field "events" must be a list.')
  if (events.length > MAX_EVENTS_PER_CALL) {
    throw new HttpError(
      413,
      `The field "events" has ${events.length} events; send at most ${MAX_EVENTS_PER_CALL} in one call.`,
    )
  }
  return {
    room: parseTextField(body, 'room', MAX_ROOM_LENGTH),
    storage,
    events: events.map(parseEvent),
  }
}

function parseEvent(event: unknown, index: number): LogEvent {
  const where = `Event ${index}: `
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new HttpError(400, `${where}It must be an object.`)
  }
  const fields = event as Readonly<Record<string, unknown>>
  assertKnownFields(fields, ['at', 'kind', 'nick', 'text'], where)
  const { at, kind, text } = fields
  if (typeof at !== 'number' || !Number.isInteger(at) || Math.abs(at) > MAX_TIME_MS) {
    throw new HttpError(400, `${where}The field "at" must be a time in milliseconds since 1970.`)
  }
  if (!KINDS.includes(kind)) {
    throw new HttpError(400, `${where}The field "kind" must be one of: ${KINDS.join(', ')}.`)
  }
  // Logs contain empty messages.
  if (typeof text !== 'string' || text.length > MAX_TEXT_LENGTH) {
    throw new HttpError(
      400,
      `${where}The field "text" must be a string of at most ${MAX_TEXT_LENGTH} characters.`,
    )
  }
  return {
    at,
    kind: kind as MessageKind,
    nick: parseTextField(fields, 'nick', MAX_NICK_LENGTH, where),
    text,
  }
}

/** Replays the events to the bot and resolves to their number. No sender in a log is an admin. */
export async function replayLog(
  { room, events }: ReplayRequest,
  env: Env,
  runtime: StorageRuntime,
): Promise<number> {
  const bot = await startBot({ ...env, BOT_ADMINS: [] }, runtime)
  await replayEvents(bot, events, room)
  return events.length
}
