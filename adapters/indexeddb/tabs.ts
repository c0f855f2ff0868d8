import { nothing } from '../../src/deferred.js'
import type { StorageListener, StoreChange } from '../../src/storage.js'

/** How many keys are looked up at once of those that others changed. */
const MOST_LOOKED_UP = 1000
/** How long after its announcement a change is looked up that was not heard of again, in milliseconds. */
const PATIENCE = 1000

/** A change is announced when it is sent to the database, and done when that has answered. */
type Message =
  | { readonly v: 1; readonly id: string; readonly changes: readonly StoreChange[] }
  | { readonly v: 1; readonly id: string; readonly done: true }

/** Tells which of these keys there are. */
export type LookUp = (keys: readonly string[]) => Promise<readonly boolean[]>

/**
 * Tells the other tabs and workers of the origin what was changed here, and hears it from them.
 *
 * What another tab tells may come late, when what it changed was changed again and told already;
 * and a tab that closes has perhaps changed something and says no more. So what is announced is
 * looked up, when it is done or after a second, and what is told is how the keys are.
 */
export class Tabs {
  readonly #channel: BroadcastChannel
  readonly #lookUp: LookUp
  readonly #listeners = new Set<StorageListener>()
  readonly #announced = new Map<string, () => void>()
  readonly #heard = new Set<string>()
  readonly #id: string = crypto.getRandomValues(new Uint32Array(2)).join('-')
  #sent = 0
  #heardAll = false
  #lookingUp: Promise<void> | undefined

  constructor(database: string, lookUp: LookUp) {
    this.#lookUp = lookUp
    this.#channel = new BroadcastChannel(`botshelf:${database}`)
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      // Announced before somebody listens here, it may take hold after.
      this.#receive(data)
    })
  }

  /** Announces changes to others. Call what it returns when the database has answered. */
  announce(changes: readonly StoreChange[]): () => void {
    if (changes.length === 0) return nothing
    const id = `${this.#id}.${this.#sent++}`
    this.#post({ v: 1, id, changes })
    return () => this.#post({ v: 1, id, done: true })
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
    for (const hear of this.#announced.values()) hear()
    await this.#lookingUp
  }

  #post(message: Message): void {
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has none
      this.#channel.postMessage(message)
    } catch {
      // What is stored is stored, whoever heard of it.
    }
  }

  #receive(data: unknown): void {
    const message = (data ?? {}) as Partial<{ v: number; id: string; changes: unknown; done: true }>
    const { v, id, changes } = message
    if (typeof v !== 'number' || typeof id !== 'string') return
    if (v !== 1) {
      // A later version: something has changed, and it is not known what.
      this.#hear([{ kind: 'clear' }])
    } else if (message.done) this.#announced.get(id)?.()
    else if (isChanges(changes)) this.#await(id, changes)
  }

  #await(id: string, changes: readonly StoreChange[]): void {
    const hear = (): void => {
      clearTimeout(timer)
      this.#announced.delete(id)
      this.#hear(changes)
    }
    const timer = setTimeout(hear, PATIENCE)
    this.#announced.set(id, hear)
    if (this.#announced.size > MOST_LOOKED_UP) this.#announced.values().next().value?.()
  }

  #hear(changes: readonly StoreChange[]): void {
    if (this.#listeners.size === 0) return
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

function isChanges(changes: unknown): changes is readonly StoreChange[] {
  return Array.isArray(changes) && changes.every(isChange)
}

function isChange(change: unknown): boolean {
  const { kind, key } = (change ?? {}) as Partial<StoreChange>
  return kind === 'clear' || ((kind === 'set' || kind === 'remove') && typeof key === 'string')
}
