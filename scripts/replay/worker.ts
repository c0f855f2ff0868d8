import { decode } from '../../src/codec.ts'
import type { Factoid } from '../../worker/bot/factoids.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import type { Knowledge } from '../../worker/bot/knowledge.ts'
import type { Sighting } from '../../worker/bot/seen.ts'

const AT_ONCE = 100

/** A Worker, by its address, and its operator's token. */
export interface WorkerAccess {
  readonly url: string
  readonly token: string
}

/** Lets the bot of a Worker hear the events, 100 a call; resolves to what it then knows. */
export async function replayThroughWorker(
  events: readonly LogEvent[],
  room: string,
  worker: WorkerAccess,
  storage: string,
  onHeard: (count: number) => void = () => {},
): Promise<Knowledge> {
  for (let from = 0; from < events.length; from += AT_ONCE) {
    const part = events.slice(from, from + AT_ONCE)
    await call(worker, '/api/replay', { storage, room, events: part })
    onHeard(from + part.length)
  }
  return {
    factoids: await readAll<Factoid>(worker, storage, 'Factoids'),
    seen: await readAll<Sighting>(worker, storage, 'Seen'),
  }
}

async function readAll<V>(
  worker: WorkerAccess,
  storage: string,
  namespace: string,
): Promise<Map<string, V>> {
  const path = `/admin/storage/${namespace}?storage=${encodeURIComponent(storage)}`
  const { entries } = (await call(worker, path)) as { entries: Record<string, string> }
  return new Map(Object.entries(entries).map(([key, text]) => [key, decode(text) as V]))
}

async function call({ url, token }: WorkerAccess, path: string, body?: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const request =
    body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
  const reply = await fetch(new URL(path, url), request).catch((cause: unknown) => {
    throw new Error(`The Worker at ${url} cannot be reached.`, { cause })
  })
  const text = await reply.text()
  if (reply.ok) return JSON.parse(text) as unknown
  throw new Error(`The Worker answered ${reply.status} to ${path}: ${text.slice(0, 500)}`)
}
