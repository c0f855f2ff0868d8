import { deferred, noop } from './async.ts'
import type { Entry } from './entry.ts'

/** One client's turn to change some keys. It ends with `release` or when its lease ends. */
export interface Turn {
  /** The entries of the keys at the start of the turn, if the backend has read them. */
  readonly entries?: ReadonlyMap<string, Entry> | undefined
  /** Whether the lease ended before the turn was released. */
  readonly hasLapsed: boolean
  /** Ends the turn. May be called again, and after a `commit` that took the turn. */
  release(): void
}

/**
 * Orders the clients that change the same keys. A turn is a hint, not a lock: it spares its holder
 * conflicts, and a conditional commit still protects every write.
 */
export interface Turns {
  /** Whether `isContended` may be true for some key. */
  readonly hasContention: boolean
  /** Whether a write of the key should take a turn first, because another client has or awaits one. */
  isContended(key: string): boolean
  /**
   * Waits for a turn on all of the keys. Resolves in the order of the calls, and after a time that
   * is limited by the leases of those before.
   *
   * @param leaseMs when the turn ends if it is not released, in milliseconds from its start
   */
  request(keys: readonly string[], leaseMs: number): Promise<Turn>
}

/** Ends a turn of an adapter whose `release` may throw: the turn then ends with its lease. */
export function releaseTurn(turn: Turn | undefined): void {
  try {
    turn?.release()
  } catch {
    // What waits for the end of the turn must go on.
  }
}

/**
 * Orders the users of one plugin instance, in memory.
 *
 * @example
 * class RedisStorage extends BatchStorageBase {
 *   readonly turns = new LocalTurns()
 * }
 */
export class LocalTurns implements Turns {
  /** By key: resolves when the last turn that was requested has ended. */
  readonly #ends = new Map<string, Promise<void>>()

  get hasContention(): boolean {
    return this.#ends.size > 0
  }

  isContended(key: string): boolean {
    return this.#ends.has(key)
  }

  async request(keys: readonly string[], leaseMs: number): Promise<Turn> {
    const { promise: end, resolve } = deferred()
    // All keys at once, so that two requests never wait for each other.
    const earlier = keys.flatMap((key) => this.#ends.get(key) ?? [])
    for (const key of keys) this.#ends.set(key, end)
    await Promise.all(earlier)
    return new LeasedTurn(leaseMs, () => {
      for (const key of keys) if (this.#ends.get(key) === end) this.#ends.delete(key)
      resolve()
    })
  }
}

/** A turn that releases itself when its lease ends. */
export class LeasedTurn implements Turn {
  hasLapsed = false
  #onRelease: () => void
  readonly #timer: ReturnType<typeof setTimeout>

  constructor(leaseMs: number, onRelease: () => void) {
    this.#onRelease = onRelease
    this.#timer = setTimeout(() => {
      this.hasLapsed = true
      this.release()
    }, leaseMs)
  }

  release(): void {
    clearTimeout(this.#timer)
    this.#onRelease()
    this.#onRelease = noop
  }
}
