import type { Store } from 'botshelf'

type Counts = Store<Record<string, number>>

export async function isAllowed(counts: Counts, user: string, limit: number, windowMs: number) {
  const count = await counts.increment(user, 1, { ttl: windowMs, onInsert: true })
  return count <= limit
}
