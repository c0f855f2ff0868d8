import { nothing } from '../../src/deferred.js'
import type { StorageListener, StoreChange } from '../../src/storage.js'

/** How many keys are looked up at once of those that others changed. */
const MOST_LOOKED_UP = 1000

interface Message {
  readonly v: 1
  readonly changes: readonly StoreChange[]
}

/** Tells which of these keys there are. */
export type LookUp = (keys: readonly string[]) => Promise<readonly boolean[]>

/**
 * Tells the other tabs and workers of the origin what was changed here, and hears it from them.
 *
 * What another tab tells may come late, when what it changed was changed again and told already. So
 * the keys are looked up, and what is told is how they are.
 */
export class Tabs {
  readonly #channel: BroadcastChannel
  readonly #lookUp: LookUp
  readonly #listeners = new Set<StorageListener>()
  readonly #heard = new Set<string>()
  #heardAll = false
  #lookingUp: Promise<void> | undefined

  constructor(database: string, lookUp: LookUp) {
    this.#lookUp = lookUp
    this.#channel = new BroadcastChannel(`botshelf:${database}`)
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      // Whatever else of this origin speaks here, or in a later version, cannot be understood.
      if (this.#listeners.size > 0 && isMessage(data)) this.#hear(data.changes)
    })
  }

  /** Something was changed here, and took hold. */
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

  /** Tells those who listen here. */
  tell(change: Parameters<StorageListener>[0]): void {
    for (const listener of this.#listeners) listener(change)
  }

  listen(listener: StorageListener): () => void {
    // Of its own, so that one function can listen twice.
    const own: StorageListener = (change) => listener(change)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  async close(): Promise<void> {
    this.#channel.close()
    this.#listeners.clear()
    await this.#lookingUp
  }

  #hear(changes: readonly StoreChange[]): void {
    for (const { kind, key } of changes) {
      if (kind !== 'clear') this.#heard.add(key)
      if (kind === 'clear' || this.#heard.size > MOST_LOOKED_UP) {
        this.#heard.clear()
        this.#heardAll = true
      }
    }
    this.#lookingUp ??= this.#tellHeard().finally(() => {
      this.#lookingUp = undefined
    })
  }

  async #tellHeard(): Promise<void> {
    while (this.#heardAll || this.#heard.size > 0) {
      const keys = [...this.#heard]
      const all = this.#heardAll
      this.#heard.clear()
      this.#heardAll = false
      const found = all ? undefined : await this.#lookUp(keys).catch(nothing)
      if (found === undefined) this.tell({ kind: 'unknown' })
      else keys.forEach((key, index) => this.tell({ kind: found[index] ? 'set' : 'remove', key }))
    }
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
