import type { Message, QueueEntry } from 'chat'
import { StoreError } from '../../src/errors.ts'

/** Frees the queue of a thread that gets no more messages. */
export const QUEUE_RETENTION_MS: number = 7 * 24 * 60 * 60 * 1000

/** Chat computes `expiresAt` with this clock, and compares it in the same way. */
export function withoutStale(queue: unknown = []): QueueEntry[] {
  return (queue as QueueEntry[]).filter(({ expiresAt }) => Date.now() <= expiresAt)
}

/**
 * Converts a message as Chat SDK's adapters do: its `raw` may hold what a store does not take.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function toJson(message: Message, location: { namespace: string; key: string }): Message {
  try {
    return JSON.parse(JSON.stringify(message)) as Message
  } catch (cause) {
    const text = `A queued message must be serializable as JSON; received ${String(cause)}. Let the adapter remove that from message.raw.`
    throw new StoreError('INVALID_VALUE', text, { ...location, cause })
  }
}
