import type { StorageRuntime } from 'botshelf'
import type { LogEvent } from './bot/irc-log.ts'
import type { MessageKind } from './bot/message.ts'
import { hearAll, MOST_EVENT_BYTES, MOST_EVENTS } from './bot/replay.ts'
import type { Env } from './env.ts'
import { HttpError, assertKnownFields, readJsonObject, readTextField } from 'botshelf/admin'
import { MOST_ROOM } from './messages.ts'
import { startBot } from './storages.ts'

const MOST_NICK = 64
const MOST_TEXT = 4 * 1024
// The last time that a Date can hold.
const LATEST = 8.64e15
const KINDS: readonly unknown[] = ['message', 'action', 'nick'] satisfies MessageKind[]

/** A part of a log, to be heard by the bot in order. */
export interface Replay {
  readonly room: string
  readonly storage: unknown
  readonly events: readonly LogEvent[]
}

/**
 * Reads `{ room, storage?, events }`: at most 200 events and 256 KiB.
 *
 * @throws HttpError 400, 413 or 415
 */
export async function readReplay(request: Request): Promise<Replay> {
  const body = await readJsonObject(request, MOST_EVENT_BYTES)
  assertKnownFields(body, ['room', 'storage', 'events'])
  const { events, storage } = body
  if (!Array.isArray(events)) throw new HttpError(400, 'The field "events" must be a list.')
  if (events.length > MOST_EVENTS) {
    throw new HttpError(413, `There are ${events.length} events; at most ${MOST_EVENTS} are taken.`)
  }
  return { room: readTextField(body, 'room', MOST_ROOM), storage, events: events.map(readEvent) }
}

function readEvent(event: unknown, index: number): LogEvent {
  const where = `Event ${index}: `
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new HttpError(400, `${where}it must be an object.`)
  }
  const fields = event as Readonly<Record<string, unknown>>
  assertKnownFields(fields, ['at', 'kind', 'nick', 'text'], where)
  const { at, kind, text } = fields
  if (typeof at !== 'number' || !Number.isInteger(at) || Math.abs(at) > LATEST) {
    throw new HttpError(400, `${where}The field "at" must be a time in milliseconds since 1970.`)
  }
  if (!KINDS.includes(kind)) {
    throw new HttpError(400, `${where}The field "kind" must be one of: ${KINDS.join(', ')}.`)
  }
  // People do say nothing at all, and do it in logs too.
  if (typeof text !== 'string' || text.length > MOST_TEXT) {
    throw new HttpError(
      400,
      `${where}The field "text" must be a string of at most ${MOST_TEXT} characters.`,
    )
  }
  return {
    at,
    kind: kind as MessageKind,
    nick: readTextField(fields, 'nick', MOST_NICK, where),
    text,
  }
}

/** Lets the bot hear the events; resolves to how many. Nobody in a log is an admin. */
export async function replay(
  { room, events }: Replay,
  env: Env,
  runtime: StorageRuntime,
): Promise<number> {
  const bot = await startBot({ ...env, BOT_ADMINS: [] }, runtime)
  await hearAll(bot, events, room)
  return events.length
}
