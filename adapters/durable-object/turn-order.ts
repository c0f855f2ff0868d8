import type { TurnRequest } from './protocol.ts'

/** The longest time that a request waits for its turn, in milliseconds. */
const MAX_WAIT_MS = 30_000

type RequestedTurn = Omit<TurnRequest, 'type'>

interface Request extends RequestedTurn {
  /** @param isGranted false if the turn did not come in time, or was released before */
  readonly onEnd: (isGranted: boolean) => void
}

interface Turn {
  readonly keys: readonly string[]
  readonly timer: ReturnType<typeof setTimeout>
}

interface WaitingWrite {
  readonly keys: readonly string[]
  /** The id of the turn in which it writes, if any. */
  readonly turn: string | undefined
  readonly run: () => void
}

/**
 * Orders the clients that write the same keys of one object, in memory. A request for a turn waits
 * until no earlier request has or awaits one of its keys. A write without condition waits for the
 * holders of its keys, and runs before the next turn on them starts: the holder of a turn has
 * received the entries, and they must not change.
 */
export class TurnOrder {
  readonly #turns = new Map<string, Turn>()
  /** By key: the id of the turn that holds it. */
  readonly #holders = new Map<string, string>()
  /** The requests that wait, by id. */
  readonly #requests = new Map<string, Request>()
  readonly #writes = new Set<WaitingWrite>()

  /** Whether no turn is held, so that no write has to wait. */
  get isIdle(): boolean {
    return this.#turns.size === 0
  }

  /**
   * Waits for a turn on all of the keys.
   *
   * @returns the id of the turn; `undefined` if it did not come within 30 seconds, or was released
   */
  async request({ id, keys, leaseMs }: RequestedTurn): Promise<string | undefined> {
    // The platform may deliver a request twice.
    if (this.#turns.has(id)) return id
    this.#requests.get(id)?.onEnd(false)
    return new Promise((resolve) => {
      const timer = setTimeout(() => request.onEnd(false), MAX_WAIT_MS)
      const request: Request = {
        id,
        keys,
        leaseMs,
        onEnd: (isGranted) => {
          clearTimeout(timer)
          this.#requests.delete(id)
          resolve(isGranted ? id : undefined)
          if (!isGranted) this.#advance()
        },
      }
      this.#requests.set(id, request)
      this.#advance()
    })
  }

  /**
   * Ends a turn: runs the writes that waited for it, and starts the next ones. It may have ended, or
   * not have begun.
   */
  release(id: string): void {
    this.#requests.get(id)?.onEnd(false)
    const turn = this.#turns.get(id)
    if (turn === undefined) return
    clearTimeout(turn.timer)
    this.#turns.delete(id)
    for (const key of turn.keys) this.#holders.delete(key)
    this.#advance()
  }

  /** Whether a turn other than this one holds the key. */
  isHeld(key: string, turn: string | undefined): boolean {
    const holder = this.#holders.get(key)
    return holder !== undefined && holder !== turn
  }

  /** Runs a write once no other turn holds one of its keys: at once, or when the last one ends. */
  async run<T>(keys: readonly string[], turn: string | undefined, write: () => T): Promise<T> {
    if (!this.#isBlocked({ keys, turn })) return write()
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(write())
        } catch (error) {
          reject(error)
        }
      }
      this.#writes.add({ keys, turn, run })
    })
  }

  #isBlocked({ keys, turn }: Pick<WaitingWrite, 'keys' | 'turn'>): boolean {
    return keys.some((key) => this.isHeld(key, turn))
  }

  #advance(): void {
    for (const write of this.#writes) {
      if (this.#isBlocked(write)) continue
      this.#writes.delete(write)
      write.run()
    }
    // A key that an earlier write or request awaits is not available to a later request.
    const awaited = new Set<string>()
    for (const { keys } of this.#writes) for (const key of keys) awaited.add(key)
    for (const request of this.#requests.values()) {
      const { keys } = request
      if (keys.some((key) => awaited.has(key) || this.#holders.has(key))) {
        for (const key of keys) awaited.add(key)
      } else this.#grant(request)
    }
  }

  #grant({ id, keys, leaseMs, onEnd }: Request): void {
    this.#turns.set(id, { keys, timer: setTimeout(() => this.release(id), leaseMs) })
    for (const key of keys) this.#holders.set(key, id)
    onEnd(true)
  }
}
