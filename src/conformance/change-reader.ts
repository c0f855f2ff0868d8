import { deferred } from '../async.ts'
import type { StoreChange } from '../storage.ts'
import type { StoreWatch } from '../watch.ts'
import { assertEqual, fail } from './assertions.ts'

/** A change must reach a watch within this time. */
export const CHANGE_TIMEOUT_MS = 5_000

/** Reads the next `count` changes. */
export async function nextChanges(watch: StoreWatch, count: number): Promise<StoreChange[]> {
  const received: StoreChange[] = []
  while (received.length < count) {
    const { done, value } = await withTimeout(
      watch.next(),
      `change ${received.length + 1} of ${count}`,
    )
    if (done) fail(`expected ${count} changes; the watch ended after ${received.length}`)
    else received.push(value)
  }
  return received
}

/** Updates a view of the keys as a reader of `watch()` does. */
export function applyChange(view: Set<string>, change: StoreChange): void {
  if (change.kind === 'clear') view.clear()
  else if (change.kind === 'set') view.add(change.key)
  else view.delete(change.key)
}

/** @throws AssertionError unless the watch is done */
export async function assertEnds(
  next: Promise<IteratorResult<unknown>>,
  what: string,
): Promise<void> {
  const { done } = await withTimeout(next, `the end of the watch, by ${what}`)
  assertEqual(done, true, `done of ${what}`)
}

/** @throws AssertionError if the promise takes longer than `CHANGE_TIMEOUT_MS` */
export async function withTimeout<T>(promise: Promise<T>, what: string): Promise<T> {
  const timeout = deferred()
  const timer = setTimeout(timeout.resolve, CHANGE_TIMEOUT_MS)
  try {
    return await Promise.race([
      promise,
      timeout.promise.then(() =>
        fail(`expected ${what} within ${CHANGE_TIMEOUT_MS / 1000} seconds; received none`),
      ),
    ])
  } finally {
    clearTimeout(timer)
  }
}
