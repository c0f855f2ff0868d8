import type { StoreChange } from '../../src/storage.js'

interface Message {
  readonly v: 1
  readonly changes: readonly StoreChange[]
}

/** Tells the other tabs and workers of the origin what was changed here, and hears it from them. */
export class Tabs {
  readonly #channel: BroadcastChannel
  readonly #listeners = new Set<(change: StoreChange) => void>()

  constructor(database: string) {
    this.#channel = new BroadcastChannel(`botshelf:${database}`)
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      // Whatever else of this origin speaks here, or in a later version, cannot be understood.
      if (isMessage(data)) for (const change of data.changes) this.tell(change)
    })
  }

  /** A change that took hold here. */
  changed(changes: readonly StoreChange[]): void {
    if (changes.length === 0) return
    for (const change of changes) this.tell(change)
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has none
      this.#channel.postMessage({ v: 1, changes } satisfies Message)
    } catch {
      // What is stored is stored, whoever heard of it.
    }
  }

  tell(change: StoreChange): void {
    for (const listener of this.#listeners) listener(change)
  }

  listen(listener: (change: StoreChange) => void): () => void {
    // Of its own, so that one function can listen twice.
    const own = (change: StoreChange): void => listener(change)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  close(): void {
    this.#channel.close()
    this.#listeners.clear()
  }
}

function isMessage(data: unknown): data is Message {
  const { v, changes } = (data ?? {}) as Partial<Message>
  return v === 1 && Array.isArray(changes) && changes.every(isChange)
}

function isChange(change: unknown): boolean {
  const { kind, key } = (change ?? {}) as Partial<StoreChange>
  return kind === 'clear' || ((kind === 'set' || kind === 'remove') && typeof key === 'string')
}
