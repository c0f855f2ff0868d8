import { sleep } from '../../../src/async.ts'
import type { StorageRuntime } from '../../../src/index.ts'
import { push, take } from '../bounded-queue.ts'
import { runOnce } from '../idempotency-key.ts'
import { addPoints, topTen } from '../leaderboard.ts'
import { acquire, extend, release } from '../lock.ts'
import { isAllowed } from '../rate-limiter.ts'
import { countMessage, start } from '../sliding-session.ts'

/**
 * Runs each function of the recipes once, with no other client. Resolves to how often each called
 * the backend.
 *
 * @param calls the calls so far; grows with each
 */
export async function countCalls(
  runtime: StorageRuntime,
  calls: readonly unknown[],
): Promise<Readonly<Record<string, number>>> {
  const numbers = await runtime.open<Record<string, number>>('calls')
  const flags = await runtime.open<Record<string, true>>('calls')
  const texts = await runtime.open<Record<string, string>>('calls')
  const lists = await runtime.open<Record<string, string[]>>('calls')
  const sessions = await runtime.open<Record<string, { user: string; messages: number }>>('calls')
  // The first write of a namespace takes more calls, and IndexedDB sweeps after the first expiry.
  await flags.set('first', true, { ttl: 60_000 })
  await sleep(100)

  const counts: Record<string, number> = {}
  const count = async <R>(name: string, run: () => Promise<R>): Promise<R> => {
    const before = calls.length
    const result = await run()
    counts[name] = calls.length - before
    return result
  }
  await count('isAllowed', () => isAllowed(numbers, 'limit', 1, 60_000))
  await count('runOnce', () => runOnce(flags, 'once', async () => {}))
  const token = (await count('acquire', () => acquire(texts, 'lock', 60_000))) ?? ''
  await count('extend', () => extend(texts, 'lock', token, 60_000))
  await count('release', () => release(texts, 'lock', token))
  const id = await count('start', () => start(sessions, 'ann'))
  await count('countMessage', () => countMessage(sessions, id))
  await count('push', () => push(lists, 'queue', 'job', 10))
  await count('take', () => take(lists, 'queue'))
  await count('addPoints', () => addPoints(numbers, 'ann', 3))
  await count('topTen', async () => {
    for await (const _ of topTen(numbers));
  })
  await runtime.close()
  return counts
}
