// What differs between the platforms that have IndexedDB: pages, workers, and Node with an
// implementation of it.

/**
 * Lets a Node process end although a timer or a channel is in use. Only for work in the background,
 * not for what a caller waits for. Browsers have no such method.
 */
export function unref<T extends object | number>(handle: T): T {
  ;(handle as { unref?: () => void }).unref?.()
  return handle
}

/** Opens a channel between tabs. Returns `undefined` where there are none, or access is denied. */
export function openChannel(
  name: string,
  onMessage: (data: unknown) => void,
): BroadcastChannel | undefined {
  try {
    const channel = new BroadcastChannel(name)
    channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => onMessage(data))
    return unref(channel)
  } catch {
    return undefined
  }
}

/** Whether this is a page that the user does not see. Its timers may be late by up to a minute. */
export function isPageHidden(): boolean {
  return globalThis.document?.visibilityState === 'hidden'
}

/** Whether a listener of `pagehide` is running. */
export function isInPageHide(): boolean {
  return (globalThis as { event?: Event | undefined }).event?.type === 'pagehide'
}

/**
 * Calls `listener` with each `pagehide`, `pageshow` and `visibilitychange` of this page. Workers and
 * Node have no such events. Returns the function that stops it.
 */
export function onPageChange(listener: (event: Event) => void): () => void {
  const types = ['pagehide', 'pageshow', 'visibilitychange']
  for (const type of types) globalThis.addEventListener?.(type, listener)
  return () => {
    for (const type of types) globalThis.removeEventListener?.(type, listener)
  }
}
