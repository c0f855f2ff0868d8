import type { StorageRuntime, Store } from 'botshelf'
import { useEffect, useState } from 'react'

type Opened<T extends object> = { store?: Store<T>; error?: unknown }

/** Opens a store while the component is mounted. */
export function useStore<T extends object>(runtime: StorageRuntime, namespace: string): Opened<T> {
  const [opened, setOpened] = useState<Opened<T>>({})
  useEffect(() => {
    const mounted = new AbortController()
    runtime.open<T>(namespace, { signal: mounted.signal }).then(
      (store) => setOpened({ store }),
      (error: unknown) => mounted.signal.aborted || setOpened({ error }),
    )
    return () => {
      mounted.abort() // closes the store, also while it is opening
      setOpened({})
    }
  }, [runtime, namespace])
  return opened
}
