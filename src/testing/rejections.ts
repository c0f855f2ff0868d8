/** The rejections that nothing handles, while they are watched. */
export interface WatchedRejections {
  /** Returns those since the last call. */
  readonly take: () => readonly unknown[]
  /** Ends to watch. */
  readonly stop: () => void
}

/** The events of a page, a worker or workerd, and those of Node. */
interface Platform {
  readonly addEventListener?: (type: string, listener: (event: RejectionEvent) => void) => void
  readonly removeEventListener?: (type: string, listener: (event: RejectionEvent) => void) => void
  readonly process?: {
    on(type: string, listener: (reason: unknown) => void): void
    off(type: string, listener: (reason: unknown) => void): void
  }
}

interface RejectionEvent {
  readonly reason: unknown
  preventDefault(): void
}

/** Collects rejections that nothing handles. The platform then neither reports them nor exits. */
export function watchRejections(): WatchedRejections {
  const reasons: unknown[] = []
  const take = (): readonly unknown[] => reasons.splice(0)
  const { addEventListener, removeEventListener, process } = globalThis as unknown as Platform
  if (addEventListener && removeEventListener) {
    const type = 'unhandledrejection'
    const onRejection = (event: RejectionEvent): void => {
      event.preventDefault()
      reasons.push(event.reason)
    }
    addEventListener(type, onRejection)
    return { take, stop: () => removeEventListener(type, onRejection) }
  }
  const onRejection = (reason: unknown): void => void reasons.push(reason)
  process?.on('unhandledRejection', onRejection)
  return { take, stop: () => process?.off('unhandledRejection', onRejection) }
}
