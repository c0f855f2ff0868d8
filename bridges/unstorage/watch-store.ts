import type { WatchCallback } from 'unstorage'
import type { Store } from '../../src/store.ts'

/** Reports the changes of a store until the signal aborts or the function that it returns is called. */
export async function watchStore(
  store: Store,
  callback: WatchCallback,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const changes = store.watch({ signal })
  const stop = async (): Promise<void> => {
    await changes.return()
  }
  // A store reports the removal of all keys as one change; unstorage has an event for each key only.
  const known = new Set<string>()
  try {
    for await (const key of store.keys()) known.add(key)
  } catch (error) {
    await stop()
    throw error
  }
  const report = async (): Promise<void> => {
    for await (const change of changes) {
      if (change.kind === 'set') {
        known.add(change.key)
        callback('update', change.key)
        continue
      }
      for (const key of change.kind === 'clear' ? [...known] : [change.key]) {
        known.delete(key)
        callback('remove', key)
      }
    }
  }
  // What the callback throws becomes an unhandled rejection, and so does an error of the watch.
  void report()
  return stop
}
