import { noop } from '../../src/async.ts'
import type { StorageListener, StoreChange } from '../../src/storage.ts'

/** The most keys that one message names, or that are looked up at once. More count as all keys. */
const MAX_NAMED_KEYS = 1000
/** How long to wait, after a tab announced changes, for the message that names them. */
const ANNOUNCE_TIMEOUT_MS = 3000
/** How long after the last write of a burst its keys are sent. */
const DEBOUNCE_MS = 10
/** How long after the start of a burst its keys are sent at the latest. */
const MAX_DELAY_MS = 100

/** What listeners receive: a change, or `unknown` if any key may have changed. */
export type ChangeNotification = Parameters<StorageListener>[0]

/** The keys that may have changed. */
type ChangedKeys = readonly string[] | 'all'

/** The first message of a burst announces changes; the second names the keys. */
type Message =
  | { readonly v: 1; readonly id: string; readonly changes: true }
  | { readonly v: 1; readonly id: string; readonly done: ChangedKeys }

/** Reads which of the keys exist, in their order. */
export type FindKeys = (keys: readonly string[]) => Promise<readonly boolean[]>

/** Writes in close succession, which share their two messages. */
interface Burst {
  readonly id: string
  readonly startedAt: number
  /** The keys that the writes change; `undefined` is every key. */
  readonly keys: Set<string | undefined>
  unsettledWrites: number
}

/**
 * Sends the changes that are made here to the other tabs and workers of the origin, receives
 * theirs, and notifies the listeners of both.
 *
 * A message costs a fifth of a small write, so writes in close succession form a burst, which takes
 * two messages: one when the first write is sent to the database, and one with all keys after the
 * last has settled. A tab that closes in between never sends the second. Then receivers assume
 * after a timeout that any key may have changed.
 *
 * A second message may also arrive after a newer change was received from another tab. So receivers
 * do not trust its order: they look up its keys, and emit `set` or `remove` by what exists now.
 */
export class ChangeBroadcast {
  readonly #findKeys: FindKeys
  readonly #channel: BroadcastChannel
  readonly #listeners = new Set<StorageListener>()
  readonly #senderId: string = crypto.getRandomValues(new Uint32Array(2)).join('-')
  #burstCount = 0
  #burst: Burst | undefined
  #debounceTimer: ReturnType<typeof setTimeout> | undefined
  /** Timers of the bursts that other tabs have announced, by the burst's id. */
  readonly #announced = new Map<string, ReturnType<typeof setTimeout>>()
  /** The keys received that are not looked up yet. */
  readonly #received = new Set<string>()
  #hasReceivedAll = false
  #lookup: Promise<void> | undefined

  constructor(database: string, findKeys: FindKeys) {
    this.#findKeys = findKeys
    this.#channel = new BroadcastChannel(`botshelf:${database}`)
    // From the start, not from the first listener on: changes that are announced before may be
    // applied after it.
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) =>
      this.#onMessage(data),
    )
  }

  /** Announces changes to other tabs. Returns the function to call once the write has settled. */
  announce(changes: readonly StoreChange[]): () => void {
    if (changes.length === 0) return noop
    clearTimeout(this.#debounceTimer)
    let burst = this.#burst
    if (burst === undefined) {
      const id = `${this.#senderId}.${this.#burstCount++}`
      burst = { id, startedAt: performance.now(), keys: new Set(), unsettledWrites: 0 }
      this.#burst = burst
      this.#post({ v: 1, id, changes: true })
    }
    const { startedAt, keys } = burst
    for (const { key } of changes) keys.add(key)
    burst.unsettledWrites++
    return () => {
      if (--burst.unsettledWrites > 0) return
      if (performance.now() - startedAt > MAX_DELAY_MS) this.#endBurst()
      else this.#debounceTimer = setTimeout(() => this.#endBurst(), DEBOUNCE_MS)
    }
  }

  /** Notifies the listeners of this tab. */
  emit(changes: readonly ChangeNotification[]): void {
    for (const listener of this.#listeners) for (const change of changes) listener(change)
  }

  /** Adds a listener. Returns the function that removes it. */
  subscribe(listener: StorageListener): () => void {
    // Wrapped, so that one function can be subscribed twice.
    const own: StorageListener = (change) => listener(change)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  async close(): Promise<void> {
    this.#endBurst()
    this.#channel.close()
    this.#listeners.clear()
    for (const timer of this.#announced.values()) clearTimeout(timer)
    await this.#lookup
  }

  #endBurst(): void {
    clearTimeout(this.#debounceTimer)
    if (this.#burst === undefined) return
    const { id, keys } = this.#burst
    this.#burst = undefined
    const named = [...keys].filter((key) => key !== undefined)
    const isAll = named.length < keys.size || named.length > MAX_NAMED_KEYS
    this.#post({ v: 1, id, done: isAll ? 'all' : named })
  }

  #post(message: Message): void {
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has none
      this.#channel.postMessage(message)
    } catch {
      // The write succeeded; a failed broadcast must not fail it.
    }
  }

  #onMessage(data: unknown): void {
    const { v, id, changes, done } = (data ?? {}) as Record<string, unknown>
    if (typeof v !== 'number' || typeof id !== 'string') return
    // A later version of botshelf sent it. Something has changed, but not even the keys are known.
    if (v !== 1) this.#receive('all')
    else if (isChangedKeys(done)) {
      clearTimeout(this.#announced.get(id))
      this.#announced.delete(id)
      this.#receive(done)
    } else if (changes === true) {
      const timer = setTimeout(() => {
        this.#announced.delete(id)
        this.#receive('all')
      }, ANNOUNCE_TIMEOUT_MS)
      this.#announced.set(id, timer)
    }
  }

  #receive(keys: ChangedKeys): void {
    if (this.#listeners.size === 0) return
    if (keys !== 'all') for (const key of keys) this.#received.add(key)
    if (keys === 'all' || this.#received.size > MAX_NAMED_KEYS) {
      this.#received.clear()
      this.#hasReceivedAll = true
    }
    this.#lookup ??= this.#lookUpAndEmit().finally(() => {
      this.#lookup = undefined
    })
  }

  async #lookUpAndEmit(): Promise<void> {
    while (this.#hasReceivedAll || this.#received.size > 0) {
      const keys = [...this.#received]
      const isAll = this.#hasReceivedAll
      this.#received.clear()
      this.#hasReceivedAll = false
      const exists = isAll ? undefined : await this.#findKeys(keys).catch(noop)
      this.emit(
        exists === undefined
          ? [{ kind: 'unknown' }]
          : keys.map((key, index) => ({ kind: exists[index] ? 'set' : 'remove', key })),
      )
    }
  }
}

function isChangedKeys(keys: unknown): keys is ChangedKeys {
  return keys === 'all' || (Array.isArray(keys) && keys.every((key) => typeof key === 'string'))
}
