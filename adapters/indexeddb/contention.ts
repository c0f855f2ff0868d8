import { openChannel } from './platform.ts'

/**
 * How long a key counts as contended after another tab has announced it. A hidden page announces only
 * once a second, because its timers are late.
 */
const CONTENTION_MS = 2500
/** The shortest time between two messages of this tab about the same key. */
const MESSAGE_INTERVAL_MS = 400
/** The most keys to remember, and to name in a message. Others do not count as contended. */
const MAX_KEYS = 1000

/** Names keys on which the sender has or awaits a turn. `v` is the version of this protocol. */
interface Message {
  readonly v: 1
  readonly turns: readonly string[]
}

/** Announces to other tabs on which keys this tab has or awaits turns, and receives theirs. */
export class Contention {
  readonly #channel: BroadcastChannel | undefined
  /** The keys that other tabs have announced. */
  readonly #received = new RecentKeys(CONTENTION_MS)
  /** The keys that this tab has announced. */
  readonly #sent = new RecentKeys(MESSAGE_INTERVAL_MS)

  constructor(database: string) {
    // Not the channel of the changes: messages of later versions have another meaning there.
    this.#channel = openChannel(`botshelf-turns:${database}`, (data) => {
      for (const key of readMessage(data)) this.#received.add(key)
    })
  }

  /** Whether another tab has announced any key within the last 2.5 seconds. */
  get hasContention(): boolean {
    return this.#received.size > 0
  }

  /** Whether another tab has announced this key within the last 2.5 seconds. */
  isContended(key: string): boolean {
    return this.#received.has(key)
  }

  /** Announces those of the keys that this tab has not announced just before. */
  announce(keys: Iterable<string>): void {
    const turns: string[] = []
    for (const key of keys) {
      if (!this.#sent.has(key) && this.#sent.add(key)) turns.push(key)
    }
    if (turns.length === 0) return
    try {
      this.#channel?.postMessage({ v: 1, turns } satisfies Message)
    } catch {
      // The channel is closed. The announcement is a hint, so nothing fails without it.
    }
  }

  close(): void {
    this.#channel?.close()
  }
}

function readMessage(data: unknown): readonly string[] {
  const { v, turns } = (data ?? {}) as Record<string, unknown>
  if (v !== 1 || !Array.isArray(turns)) return []
  return turns.filter((key) => typeof key === 'string')
}

/** A set of keys in which each stays for a limited time after it was last added. */
class RecentKeys {
  readonly #durationMs: number
  /** By key: when it leaves, by `performance.now()`. The order is that of the times. */
  readonly #ends = new Map<string, number>()

  constructor(durationMs: number) {
    this.#durationMs = durationMs
  }

  get size(): number {
    const now = performance.now()
    for (const [key, end] of this.#ends) {
      if (end > now) break
      this.#ends.delete(key)
    }
    return this.#ends.size
  }

  has(key: string): boolean {
    return (this.#ends.get(key) ?? 0) > performance.now()
  }

  /** Returns whether there was room for the key. */
  add(key: string): boolean {
    // Deleted first, because a key that is set again would keep its place in the order.
    this.#ends.delete(key)
    if (this.size >= MAX_KEYS) return false
    this.#ends.set(key, performance.now() + this.#durationMs)
    return true
  }
}
