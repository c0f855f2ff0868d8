import { deferred } from '../async.ts'
import type { StoreChange, Traits } from '../storage.ts'
import type { StoreWatch, WatchOptions } from '../watch.ts'
import { assertEqual, fail } from './assertions.ts'
import type { TestBackend } from './test-backend.ts'

/** A change must reach a watch within this time. */
export const CHANGE_TIMEOUT_MS = 5_000

/** Reads the next `count` changes. */
export async function nextChanges<C>(watch: StoreWatch<C>, count: number): Promise<C[]> {
  const received: C[] = []
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

export function exemptUnlessWatchable({ watch }: Traits): string | undefined {
  return watch ? undefined : 'the backend does not report changes (watch: false)'
}

/** Watches one namespace from two runtimes and, where plugins share changes, from another plugin. */
export async function watchFromAllStores(
  backend: TestBackend,
  options?: WatchOptions,
): Promise<{ readonly namespace: string; readonly watches: readonly StoreWatch[] }> {
  const namespace = backend.createNamespace()
  const runtimes = [backend.createRuntime(), backend.createRuntime()]
  if (backend.traits.atomic !== 'instance')
    runtimes.push(backend.createRuntime({}, await backend.createPlugin()))
  const stores = await Promise.all(runtimes.map((runtime) => runtime.open(namespace)))
  return { namespace, watches: stores.map((store) => store.watch(options)) }
}
