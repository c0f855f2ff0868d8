import type { Store } from 'botshelf'
import { live, type LiveSnapshot } from 'botshelf/live'
import { createElement as h, type ReactNode, useMemo, useSyncExternalStore } from 'react'

export function useLive<T extends object>(store: Store<T>, prefix = ''): LiveSnapshot<T> {
  const view = useMemo(() => live(store, { prefix }), [store, prefix])
  return useSyncExternalStore(view.subscribe, view.getSnapshot, view.getSnapshot)
}

export function VisitList({ store }: { store: Store<Record<string, number>> }): ReactNode {
  const { entries, isLoaded, error } = useLive(store)
  if (error) return h('p', null, error.message)
  if (!isLoaded) return h('p', null, 'Loading')
  return h(
    'ul',
    null,
    entries.map(([page, visits]) => h('li', { key: page }, `${page}: ${visits}`)),
  )
}
