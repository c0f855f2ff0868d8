import { noop } from '../../src/async.ts'
import { byCodeUnit } from '../../src/key.ts'
import { LeasedTurn, type Turn, type Turns } from '../../src/turns.ts'
import { Contention } from './contention.ts'

/** How often to announce a turn that is held or awaited. */
const ANNOUNCE_INTERVAL_MS = 500
/** How long to wait for the locks of a turn. Long, because slow updaters may be ahead. */
const MAX_WAIT_MS = 30_000

/**
 * Orders the tabs that change the same keys: a turn holds a Web Lock for each of its keys. The
 * browser grants a lock in the order of the requests, and releases it when its tab is closed.
 *
 * While a turn is held or awaited, its keys are announced to the other tabs, so that all writers of
 * these keys take turns. When there is no contention, no lock is held: one would keep the page out of
 * the back/forward cache.
 *
 * If a lock is not granted, the turn starts without it. That happens if the browser rejects the
 * request, or if the tab that holds it hangs and cannot end its lease.
 */
export class LockTurns implements Turns {
  readonly #database: string
  readonly #contention: Contention
  /** The number of turns that this tab has or awaits, by key. */
  readonly #ownTurns = new Map<string, number>()
  /** The requests that wait for locks. */
  readonly #waiting = new Set<AbortController>()
  readonly #held = new Set<Turn>()
  #announceTimer: ReturnType<typeof setInterval> | undefined
  #isClosed = false

  constructor(database: string) {
    this.#database = database
    this.#contention = new Contention(database)
  }

  get hasContention(): boolean {
    return this.#ownTurns.size > 0 || this.#contention.hasContention
  }

  isContended(key: string): boolean {
    return this.#ownTurns.has(key) || this.#contention.isContended(key)
  }

  async request(keys: readonly string[], leaseMs: number): Promise<Turn> {
    // One lock after another, in the same order everywhere: two requests never wait for each other.
    const sorted = [...new Set(keys)].toSorted(byCodeUnit)
    this.#startTurn(sorted)
    const releases = await this.#acquire(sorted)
    const turn = new LeasedTurn(leaseMs, () => {
      for (const release of releases) release()
      this.#held.delete(turn)
      this.#endTurn(sorted)
    })
    this.#held.add(turn)
    if (this.#isClosed) turn.release()
    return turn
  }

  /** Ends the turns that are held. Those that are awaited start without locks and end at once. */
  close(): void {
    this.#isClosed = true
    for (const waiting of this.#waiting) waiting.abort()
    for (const turn of this.#held) turn.release()
    this.#contention.close()
  }

  /** Resolves to the functions that release the locks. */
  async #acquire(keys: readonly string[]): Promise<readonly (() => void)[]> {
    const waiting = new AbortController()
    if (this.#isClosed) waiting.abort()
    this.#waiting.add(waiting)
    const timer = setTimeout(() => waiting.abort(), MAX_WAIT_MS)
    const releases: (() => void)[] = []
    for (const key of keys) {
      releases.push(await acquireLock(`botshelf:${this.#database}:${key}`, waiting.signal))
    }
    clearTimeout(timer)
    this.#waiting.delete(waiting)
    return releases
  }

  #startTurn(keys: readonly string[]): void {
    for (const key of keys) this.#ownTurns.set(key, (this.#ownTurns.get(key) ?? 0) + 1)
    this.#contention.announce(keys)
    this.#announceTimer ??= setInterval(
      () => this.#contention.announce(this.#ownTurns.keys()),
      ANNOUNCE_INTERVAL_MS,
    )
  }

  #endTurn(keys: readonly string[]): void {
    for (const key of keys) {
      const left = (this.#ownTurns.get(key) ?? 0) - 1
      if (left > 0) this.#ownTurns.set(key, left)
      else this.#ownTurns.delete(key)
    }
    if (this.#ownTurns.size > 0) return
    clearInterval(this.#announceTimer)
    this.#announceTimer = undefined
  }
}

/** Acquires a lock and resolves to the function that releases it; that does nothing if it fails. */
function acquireLock(name: string, signal: AbortSignal): Promise<() => void> {
  return new Promise((resolve) => {
    const hold = (): Promise<void> => new Promise((release) => resolve(release))
    navigator.locks.request(name, { signal }, hold).catch(() => resolve(noop))
  })
}
