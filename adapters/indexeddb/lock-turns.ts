import { noop } from '../../src/async.ts'
import { byCodeUnit } from '../../src/key.ts'
import { LeasedTurn, type Turn, type Turns } from '../../src/turns.ts'
import { Contention } from './contention.ts'
import { unref } from './platform.ts'

/** How often to announce a turn that is held or awaited. */
const ANNOUNCE_INTERVAL_MS = 500
/** How long to wait for the locks of a turn. Long, because slow updaters may be ahead. */
const MAX_WAIT_MS = 30_000

/**
 * Orders the tabs that change the same keys: a turn holds a Web Lock for each of its keys. The
 * browser grants a lock in the order of the requests, and releases it when its tab is closed.
 *
 * While a turn is held or awaited, its keys are announced to the other tabs, so that all writers of
 * these keys take turns.
 *
 * While a page is in the back/forward cache it must hold no lock, since a request of another tab for
 * it removes the page from the cache. So while turns are paused, they start without locks and end at
 * once.
 *
 * If a lock is not granted, the turn starts without it. That happens if the browser rejects the
 * request, or if the tab that holds it hangs and cannot end its lease.
 */
export class LockTurns implements Turns {
  readonly #database: string
  /** `undefined` before `listen` and while paused. */
  #contention: Contention | undefined
  #isPaused = false
  /** The number of turns that this tab has or awaits, by key. */
  readonly #ownTurns = new Map<string, number>()
  /** The requests that wait for locks. */
  readonly #waiting = new Set<AbortController>()
  readonly #held = new Set<Turn>()
  #announceTimer: ReturnType<typeof setInterval> | undefined

  constructor(database: string) {
    this.#database = database
  }

  /** Begins to receive the announcements of other tabs, unless paused. */
  listen(): void {
    if (!this.#isPaused) this.#contention ??= new Contention(this.#database)
  }

  get hasContention(): boolean {
    if (this.#isPaused) return false
    return this.#ownTurns.size > 0 || this.#contention?.hasContention === true
  }

  isContended(key: string): boolean {
    return this.#ownTurns.has(key) || this.#contention?.isContended(key) === true
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
    if (this.#isPaused) turn.release()
    return turn
  }

  /** Ends the turns that are held. Those that are awaited start without locks and end at once. */
  pause(): void {
    this.#isPaused = true
    this.#contention?.close()
    this.#contention = undefined
    for (const waiting of this.#waiting) waiting.abort()
    for (const turn of this.#held) turn.release()
  }

  /** Gives turns again after `pause`. */
  resume(): void {
    this.#isPaused = false
    this.listen()
  }

  /** Resolves to the functions that release the locks. */
  async #acquire(keys: readonly string[]): Promise<readonly (() => void)[]> {
    const waiting = new AbortController()
    if (this.#isPaused) waiting.abort()
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
    this.listen()
    for (const key of keys) this.#ownTurns.set(key, (this.#ownTurns.get(key) ?? 0) + 1)
    this.#contention?.announce(keys)
    this.#announceTimer ??= unref(
      setInterval(() => this.#contention?.announce(this.#ownTurns.keys()), ANNOUNCE_INTERVAL_MS),
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
  return new Promise<() => void>((resolve, reject) => {
    const hold = (): Promise<void> => new Promise((release) => resolve(release))
    navigator.locks.request(name, { signal }, hold).catch(reject)
  }).catch(() => noop)
}
