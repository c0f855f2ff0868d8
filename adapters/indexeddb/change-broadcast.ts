import { noop } from '../../src/async.ts'
import type { StorageChange, StorageListener } from '../../src/storage.ts'
import { isPageHidden, openChannel, unref } from './platform.ts'

/** The most keys that one message names, or that one lookup reads. Above it, `'all'` is sent. */
const MAX_NAMED_KEYS = 1000
/** How long to wait, after another tab announced a burst, for the message that names its keys. */
const ANNOUNCE_TIMEOUT_MS = 3000
/** Delay from the last write of a burst to its second message. */
const DEBOUNCE_MS = 10
/**
 * A burst older than this ends as soon as no write is unsettled, without the delay. So does one in a
 * hidden page. Writes that overlap can extend it further.
 */
const DEBOUNCE_LIMIT_MS = 100

/** The keys that may have changed. Listeners receive `'all'` as `unknown`. */
type ChangedKeys = readonly string[] | 'all'

/**
 * The first message of a burst announces changes; the second names the keys. `v` is the version of
 * this protocol, `id` is that of the burst.
 */
type Message =
  | { readonly v: 1; readonly id: string; readonly changes: true }
  | { readonly v: 1; readonly id: string; readonly done: ChangedKeys }

/** Reads whether each of the keys exists, in their order. */
export type CheckExistence = (keys: readonly string[]) => Promise<readonly boolean[]>

/** Writes in close succession, which share their two messages. */
interface Burst {
  readonly id: string
  /** By `performance.now()`, in milliseconds. */
  readonly startedAt: number
  /** The keys that the writes change, unless they change all. */
  readonly keys: Set<string>
  changesAll: boolean
  unsettledWrites: number
  /** When its last write settled, by `performance.now()`, in milliseconds. */
  settledAt: number
}

/**
 * Sends this tab's changes to other tabs, receives theirs, and notifies this tab's listeners.
 *
 * A message costs a fifth of a small write or more, so writes in close succession form a burst,
 * which takes two messages: one when the first write has requested its commit, and one with all keys
 * after the last has settled. A tab that is killed in between never sends the second. Then receivers
 * assume after a timeout that any key may have changed.
 *
 * Messages from different tabs can arrive out of order: the second one may be older than a change
 * that was received already. So receivers look up its keys, and emit `set` or `remove` by what
 * exists now.
 *
 * A message to a page in the back/forward cache removes the page from it. So `pause` closes the
 * channel, and after `resume` listeners get `unknown`.
 */
export class ChangeBroadcast {
  readonly #checkExistence: CheckExistence
  readonly #channelName: string
  /** `undefined` before the first use, while paused, and where there are no channels. */
  #channel: BroadcastChannel | undefined
  #isPaused = false
  readonly #listeners = new Set<StorageListener>()
  #burst: Burst | undefined
  #debounceTimer: ReturnType<typeof setTimeout> | undefined
  /** The timeouts of the bursts that other tabs have announced, by the burst's id. */
  readonly #announceTimers = new Map<string, ReturnType<typeof setTimeout>>()
  /** The keys that other tabs have changed and that are not looked up yet. */
  readonly #keysToLookUp = new Set<string>()
  /** Whether other tabs may have changed any key since the last lookup. */
  #mustEmitUnknown = false
  #lookup: Promise<void> | undefined

  constructor(database: string, checkExistence: CheckExistence) {
    this.#checkExistence = checkExistence
    this.#channelName = `botshelf:${database}`
  }

  /**
   * Begins to receive the changes of other tabs, unless paused. Returns false where that is
   * impossible. Call it without waiting for the first subscription, after which a write may complete
   * that was announced before.
   */
  listen(): boolean {
    if (this.#isPaused) return true
    this.#channel ??= openChannel(this.#channelName, (data) => this.#onMessage(data))
    return this.#channel !== undefined
  }

  /**
   * Announces changes to other tabs. Returns the function to call once the write has succeeded or
   * failed.
   */
  announce(changes: readonly StorageChange[]): () => void {
    if (changes.length === 0) return noop
    let burst = this.#burst
    if (burst === undefined) {
      const id = crypto.getRandomValues(new Uint32Array(2)).join('-')
      const startedAt = performance.now()
      burst = {
        id,
        startedAt,
        keys: new Set(),
        changesAll: false,
        unsettledWrites: 0,
        settledAt: 0,
      }
      this.#burst = burst
      this.#post({ v: 1, id, changes: true })
    }
    for (const change of changes) {
      if (change.kind === 'set' || change.kind === 'remove') burst.keys.add(change.key)
      else burst.changesAll = true
    }
    burst.unsettledWrites++
    return () => {
      if (--burst.unsettledWrites > 0) return
      burst.settledAt = performance.now()
      const isOld = burst.settledAt - burst.startedAt > DEBOUNCE_LIMIT_MS
      if (isOld || isPageHidden()) this.#endBurst()
      // One timer for several writes: a timer for each would cost a twentieth of a small write.
      else this.#debounceTimer ??= setTimeout(this.#endBurstIfIdle, DEBOUNCE_MS)
    }
  }

  /** Notifies the listeners of this tab. */
  emit(changes: readonly StorageChange[]): void {
    for (const listener of this.#listeners) for (const change of changes) listener(change)
  }

  /** Adds a listener. Returns the function that removes it. */
  readonly subscribe = (listener: StorageListener): (() => void) => {
    this.listen()
    // Wrapped, so that one function can be subscribed twice.
    const wrapper: StorageListener = (change) => listener(change)
    this.#listeners.add(wrapper)
    return () => this.#listeners.delete(wrapper)
  }

  /** Ends the burst now, unless a write is unsettled. */
  flush(): void {
    if (this.#burst?.unsettledWrites === 0) this.#endBurst()
  }

  /** Receives nothing until `resume`. What this tab writes is still announced. */
  pause(): void {
    this.flush()
    this.#isPaused = true
    this.#channel?.close()
    this.#channel = undefined
    for (const timer of this.#announceTimers.values()) clearTimeout(timer)
    this.#announceTimers.clear()
  }

  /** Receives messages again after `pause`. Changes may have been missed. */
  resume(): void {
    this.#isPaused = false
    this.listen()
    this.emit([{ kind: 'unknown' }])
  }

  /** Ends the burst, removes all listeners, and waits for the running lookup. */
  async close(): Promise<void> {
    this.#endBurst()
    this.pause()
    this.#listeners.clear()
    // It uses the connection, which is closed next.
    await this.#lookup
  }

  readonly #endBurstIfIdle = (): void => {
    this.#debounceTimer = undefined
    if (this.#burst === undefined || this.#burst.unsettledWrites > 0) return
    const delayMs = this.#burst.settledAt + DEBOUNCE_MS - performance.now()
    if (delayMs <= 0) this.#endBurst()
    else this.#debounceTimer = setTimeout(this.#endBurstIfIdle, delayMs)
  }

  #endBurst(): void {
    clearTimeout(this.#debounceTimer)
    this.#debounceTimer = undefined
    if (this.#burst === undefined) return
    const { id, keys, changesAll } = this.#burst
    this.#burst = undefined
    this.#post({ v: 1, id, done: changesAll || keys.size > MAX_NAMED_KEYS ? 'all' : [...keys] })
  }

  #post(message: Message): void {
    try {
      this.listen()
      const channel = this.#channel ?? new BroadcastChannel(this.#channelName)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the rule is for windows; postMessage() of a BroadcastChannel takes no origin
      channel.postMessage(message)
      if (channel !== this.#channel) channel.close()
    } catch {
      // The write succeeded; a failed broadcast must not fail it.
    }
  }

  #onMessage(data: unknown): void {
    const { v, id, changes, done } = (data ?? {}) as Record<string, unknown>
    if (typeof v !== 'number' || typeof id !== 'string') return
    // A later version of botshelf announces a change; this version cannot read which keys.
    if (v !== 1) this.#receive('all')
    else if (isChangedKeys(done)) {
      clearTimeout(this.#announceTimers.get(id))
      this.#announceTimers.delete(id)
      this.#receive(done)
    } else if (changes === true) {
      const timer = setTimeout(() => {
        this.#announceTimers.delete(id)
        this.#receive('all')
      }, ANNOUNCE_TIMEOUT_MS)
      this.#announceTimers.set(id, unref(timer))
    }
  }

  #receive(keys: ChangedKeys): void {
    if (this.#listeners.size === 0) return
    if (keys !== 'all') for (const key of keys) this.#keysToLookUp.add(key)
    if (keys === 'all' || this.#keysToLookUp.size > MAX_NAMED_KEYS) {
      this.#keysToLookUp.clear()
      this.#mustEmitUnknown = true
    }
    this.#lookup ??= this.#lookUpAndEmit().finally(() => {
      this.#lookup = undefined
    })
  }

  async #lookUpAndEmit(): Promise<void> {
    while (this.#mustEmitUnknown || this.#keysToLookUp.size > 0) {
      const keys = [...this.#keysToLookUp]
      const isUnknown = this.#mustEmitUnknown
      this.#keysToLookUp.clear()
      this.#mustEmitUnknown = false
      // If the lookup fails, whether the keys exist is unknown. Then watchers list all keys.
      const existing = isUnknown ? undefined : await this.#checkExistence(keys).catch(noop)
      this.emit(
        existing === undefined
          ? [{ kind: 'unknown' }]
          : keys.map((key, index) => ({ kind: existing[index] ? 'set' : 'remove', key })),
      )
    }
  }
}

function isChangedKeys(keys: unknown): keys is ChangedKeys {
  return keys === 'all' || (Array.isArray(keys) && keys.every((key) => typeof key === 'string'))
}
