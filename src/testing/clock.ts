import { checkOptions, type OptionTypes } from '../arguments.ts'
import { noop } from '../async.ts'
import { quote, StoreError } from '../errors.ts'

/** The longest delay of `setTimeout`. A longer one fires immediately. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** The last time that a `Date` can have. */
const MAX_TIME_MS = 8.64e15

/** Options of {@link testClock}. */
export interface TestClockOptions {
  /** The time that the clock starts with, in milliseconds since 1970. Default: the real time. */
  readonly start?: number | undefined
}

const OPTIONS: OptionTypes = {
  start: ['a time in milliseconds since 1970, such as Date.UTC(2026, 0, 1)', isTime],
}

/** A clock that a test controls: see {@link testClock}. */
export interface TestClock {
  /** Returns its time, in milliseconds since 1970. Needs no `this`, so it can be passed on. */
  readonly now: () => number
  /** How many timers wait. After `close()` of a runtime, none of its own does. */
  readonly timerCount: number
  /**
   * Moves the time forward. Runs each timer that becomes due, in the order of their times, at its own
   * time, and waits for one turn of the event loop before and after each, so that promises settle. It
   * does not wait for I/O. Calls that overlap run one after the other.
   *
   * @param ms milliseconds, 0 or more
   * @throws StoreError `INVALID_VALUE`; and what a timer throws
   */
  advance(ms: number): Promise<void>
  /**
   * Moves the time forward by 1 ms in each turn of the event loop until a promise settles, and resolves
   * to its value. For a call that waits for I/O as well as for timers, such as one that retries after a
   * conflict.
   *
   * @throws StoreError `INVALID_VALUE` for what is no promise; what the promise rejects with, and what a
   * timer throws
   */
  advanceUntil<T>(promise: Promise<T>): Promise<T>
  /** Puts the platform's own clock and timers back, and drops the timers that wait. */
  restore(): void
  /** Calls `restore`, at the end of the block that declares the clock with `using`. */
  [Symbol.dispose](): void
}

/**
 * Replaces the clock and the timers of this thread by one clock that moves only when the test moves
 * it: `Date`, `performance.now`, `setTimeout`, `setInterval` and what clears them. Expiries, time
 * limits, leases and delays between retries then all follow it. Create it before the runtime, and
 * before anything that keeps `Date.now`.
 *
 * It does not control other threads and processes, such as a Durable Object behind Miniflare, and
 * neither `AbortSignal.timeout`, `setImmediate` nor `node:timers`. If two clocks overlap, restore the
 * last one first.
 *
 * @throws StoreError `INVALID_VALUE` if an option is not valid
 * @example
 * using clock = testClock({ start: Date.UTC(2026, 0, 1) })
 * const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
 * const sessions = await runtime.open('Sessions')
 * await sessions.set('ann', 'open', { ttl: 60_000 })
 * await clock.advance(60_000)
 * await sessions.get('ann') // undefined
 */
export function testClock(options?: TestClockOptions): TestClock {
  const { start } = checkOptions<TestClockOptions>(options, OPTIONS)
  return new ReplacedClock(start ?? Date.now())
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= MAX_TIME_MS
}

type Callback = (...args: unknown[]) => void

/** What this file uses of the globals, with types that fit every platform. */
interface Globals {
  readonly setTimeout: (callback: Callback, ms?: number) => unknown
  readonly clearTimeout: (timer: unknown) => void
  readonly clearInterval: (timer: unknown) => void
  readonly performance: { now(): number }
}

class ReplacedClock implements TestClock {
  #time: number
  readonly #timers = new Set<Timer>()
  readonly #restorers: (() => void)[] = []
  readonly #setTimeout: Globals['setTimeout']
  /** Settles when the last call of `advance` has ended. */
  #advancing: Promise<void> = Promise.resolve()
  readonly now = (): number => this.#time

  constructor(start: number) {
    this.#time = start
    const globals = globalThis as unknown as Globals
    const { setTimeout, clearTimeout, clearInterval, performance } = globals
    this.#setTimeout = setTimeout
    const startedAt = performance.now()
    this.#replace(performance, 'now', () => startedAt + this.#time - start)
    this.#replace(globals, 'Date', controlDate(this.now))
    this.#replace(globals, 'setTimeout', (callback: Callback, ms?: number, ...args: unknown[]) =>
      this.#add(() => callback(...args), ms, false),
    )
    this.#replace(globals, 'setInterval', (callback: Callback, ms?: number, ...args: unknown[]) =>
      this.#add(() => callback(...args), ms, true),
    )
    // A timer that was set before belongs to the platform.
    const clear = (original: Callback) => (timer: unknown) => {
      if (timer instanceof Timer) this.#timers.delete(timer)
      else original(timer)
    }
    this.#replace(globals, 'clearTimeout', clear(clearTimeout))
    this.#replace(globals, 'clearInterval', clear(clearInterval))
  }

  get timerCount(): number {
    return this.#timers.size
  }

  async advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0 || !isTime(this.#time + ms)) {
      const message = `advance() needs a number of milliseconds, 0 or more; received ${quote(ms)}. Pass how far the clock moves, not a time.`
      throw new StoreError('INVALID_VALUE', message)
    }
    const advancing = this.#advancing.then(() => this.#runTimers(this.#time + ms))
    this.#advancing = advancing.catch(noop)
    return advancing
  }

  async advanceUntil<T>(promise: Promise<T>): Promise<T> {
    if (typeof (promise as Partial<Promise<T>> | null | undefined)?.then !== 'function') {
      const message = `advanceUntil() needs a promise; received ${quote(promise)}. Pass the call that waits, without await.`
      throw new StoreError('INVALID_VALUE', message)
    }
    const state = { isPending: true }
    const settle = (): void => {
      state.isPending = false
    }
    promise.then(settle, settle)
    await this.#turn()
    while (state.isPending) await this.advance(1)
    return promise
  }

  restore(): void {
    for (const restore of this.#restorers.splice(0)) restore()
    this.#timers.clear()
  }

  [Symbol.dispose](): void {
    this.restore()
  }

  async #runTimers(end: number): Promise<void> {
    await this.#turn()
    for (let next = this.#firstDue(end); next; next = this.#firstDue(end)) {
      this.#time = next.dueAt
      if (next.isRepeated) next.schedule()
      else this.#timers.delete(next)
      next.callback()
      await this.#turn()
    }
    this.#time = end
  }

  /** Waits for a turn of the event loop, which settles all promises that wait for no I/O. */
  #turn(): Promise<void> {
    return new Promise((resolve) => this.#setTimeout.call(globalThis, () => resolve(), 0))
  }

  #firstDue(end: number): Timer | undefined {
    let first: Timer | undefined
    // Of two that are due at the same time, the one that was scheduled first.
    for (const timer of this.#timers) {
      if (timer.dueAt <= end && timer.dueAt < (first?.dueAt ?? Number.POSITIVE_INFINITY))
        first = timer
    }
    return first
  }

  #add(callback: () => void, ms: unknown, isRepeated: boolean): Timer {
    const timer = new Timer(callback, ms, isRepeated, (scheduled) => {
      scheduled.dueAt = this.#time + scheduled.delayMs
      this.#timers.delete(scheduled)
      this.#timers.add(scheduled)
    })
    timer.schedule()
    return timer
  }

  #replace(target: object, name: string, value: unknown): void {
    const original = Object.getOwnPropertyDescriptor(target, name)
    Object.defineProperty(target, name, { value, writable: true, configurable: true })
    this.#restorers.push(() => {
      if (original) Object.defineProperty(target, name, original)
      else Reflect.deleteProperty(target, name)
    })
  }
}

/** Returns a `Date` whose current time is that of a clock. Its dates are those of the platform. */
function controlDate(now: () => number): DateConstructor {
  return new Proxy(Date, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length > 0 ? args : [now()], newTarget) as object,
    apply: (target) => new target(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)) as unknown,
  })
}

/** What `setTimeout` returns: it has the methods of a timer of Node, and converts to a number. */
class Timer {
  dueAt = 0
  readonly callback: () => void
  readonly delayMs: number
  readonly isRepeated: boolean
  readonly #schedule: (timer: Timer) => void

  constructor(
    callback: () => void,
    ms: unknown,
    isRepeated: boolean,
    schedule: (timer: Timer) => void,
  ) {
    this.callback = callback
    const delayMs = Number(ms)
    // At least 1, as in Node, so that a timer that sets itself again does not stop the clock.
    this.delayMs = delayMs >= 1 && delayMs <= MAX_DELAY_MS ? delayMs : 1
    this.isRepeated = isRepeated
    this.#schedule = schedule
  }

  schedule(): void {
    this.#schedule(this)
  }

  refresh(): this {
    this.schedule()
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }

  /** No platform has a timer with this number, so one that is cleared after `restore` clears none. */
  [Symbol.toPrimitive](): number {
    return -1
  }
}
