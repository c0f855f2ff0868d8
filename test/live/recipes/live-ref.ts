import type { Store } from 'botshelf'
import { live, type LiveOptions, type LiveSnapshot } from 'botshelf/live'
import { onScopeDispose, type ShallowRef, shallowRef } from 'vue'

/** Call it in `setup`. */
export function liveRef<T extends object>(
  store: Store<T>,
  options?: LiveOptions,
): Readonly<ShallowRef<LiveSnapshot<T>>> {
  const view = live(store, options)
  const snapshot = shallowRef(view.getSnapshot())
  onScopeDispose(view.subscribe((next) => (snapshot.value = next)))
  return snapshot
}
