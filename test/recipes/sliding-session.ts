import type { Store } from 'botshelf'

type Sessions = Store<Record<string, { user: string; messages: number }>>

const OPTIONS = { ttl: 1_800_000 } // Half an hour after the last message.

export async function start(sessions: Sessions, user: string) {
  const id = crypto.randomUUID()
  await sessions.set(id, { user, messages: 0 }, OPTIONS)
  return id
}

export async function countMessage(sessions: Sessions, id: string) {
  return sessions.mutable(id, (session) => session && session.messages++, undefined, OPTIONS)
}
