import { noop, thenSync } from '../../src/async.ts'
import type { Store } from '../../src/store.ts'
import type { StoreTransaction } from '../../src/transaction.ts'
import { recopy } from '../../src/value/copy-value.ts'
import { cloneValue } from '../clone-value.ts'
import { isEqual } from '../is-equal.ts'
import { lateChange, mergeConflict, type SessionLocation } from './errors.ts'
import { applyChange, type SessionChange, type SessionMerge } from './merge.ts'

/** The settings of a session. */
export interface ChatSessionSettings<S> {
  readonly initial?: (() => S) | undefined
  readonly ttl?: number | undefined
  readonly merge?: SessionMerge<S> | undefined
}

/** The session of one update: `ctx.session` is its `value`. */
export class ChatSession<S> {
  readonly #store: Store<Record<string, S>>
  readonly #key: string
  readonly #location: SessionLocation
  readonly #settings: ChatSessionSettings<S>
  /** What the store held when this session last read or wrote it. */
  #stored: S | undefined
  /** What `value` is compared with: `#stored`, or the initial session. */
  #base: S | undefined
  #running: Promise<void> | undefined
  /** Earlier values, which a handler may still hold, with a copy of each. */
  readonly #replaced: (readonly [value: unknown, copy: unknown])[] = []
  /** What the handlers read and change. `null` or `undefined`: no session. */
  value: S | null | undefined

  constructor(store: Store<Record<string, S>>, key: string, settings: ChatSessionSettings<S>) {
    this.#store = store
    this.#key = key
    this.#location = { namespace: store.namespace, key }
    this.#settings = settings
  }

  /** Reads the session. */
  async read(): Promise<this> {
    this.#setBase(await this.#store.get(this.#key))
    this.#replace(this.#base)
    return this
  }

  /** Stores what the handlers have changed, if they have. */
  async save(): Promise<void> {
    // pure() is still running if a handler before it did not await next().
    while (this.#running) await this.#running.catch(noop)
    if (this.#replaced.some(([value, copy]) => !isEqual(value, copy)))
      throw lateChange(this.#location)
    if (this.#change()) await this.update(noop)
  }

  /**
   * Runs a function on the current session and stores what it leaves, in one atomic step. Runs it
   * again if another update writes first. Within such a function it only runs the function.
   */
  async update(run: () => void | Promise<void>): Promise<void> {
    if (!this.#running) {
      this.#running = this.#runStep(run).finally(() => (this.#running = undefined))
      return this.#running
    }
    const before = this.#clone(this.value)
    try {
      await run()
    } catch (error) {
      this.#replace(before)
      throw error
    }
  }

  async #runStep(run: () => void | Promise<void>): Promise<void> {
    const [stored, base] = [this.#stored, this.#base]
    let before: { value: S | undefined; change: SessionChange | undefined } | undefined
    try {
      await this.#store.transaction([this.#key], (tx) => {
        const current = tx.get(this.#key)
        // The handlers keep their references into the session unless another update has written.
        const isCurrent = !before && isEqual(stored, current)
        before ??= { value: this.#clone(this.value), change: this.#change() }
        if (!isCurrent) {
          this.#setBase(current)
          this.#replace(before.change ? this.#apply(before.change, current) : this.#base)
        }
        return thenSync(run(), () => this.#write(tx))
      })
    } catch (error) {
      this.#stored = stored
      this.#base = base
      if (before) this.#replace(before.value)
      throw error
    }
  }

  #setBase(stored: S | undefined): void {
    this.#stored = stored
    this.#base = stored ?? this.#clone(this.#settings.initial?.())
  }

  /** Replaces the value. A handler may still hold the earlier one. */
  #replace(value: S | undefined): void {
    try {
      const copy = this.#clone(this.value)
      if (isEqual(copy, value)) return
      if (copy !== undefined) this.#replaced.push([this.value, copy])
    } catch {
      // A value that cannot be stored has made the handler fail before.
    }
    this.value = recopy(value) as S | undefined
  }

  #change(): SessionChange | undefined {
    const [stored, base, mine] = [this.#stored, this.#base, this.#clone(this.value)]
    const isSame = mine === undefined ? stored == null : isEqual(base, mine)
    return isSame ? undefined : { stored, base, mine }
  }

  #apply(change: SessionChange, current: S | undefined): S | undefined {
    const { merge = {} } = this.#settings
    return applyChange(change, current, merge, (fields) => {
      throw mergeConflict(fields, this.#location)
    }) as S | undefined
  }

  #write(tx: StoreTransaction<Record<string, S>>): void {
    const change = this.#change()
    if (!change) return
    const { ttl } = this.#settings
    const expires = tx.record(this.#key)?.expires ?? null
    if (change.mine === undefined) tx.delete(this.#key)
    else tx.set(this.#key, change.mine as S, ttl === undefined ? { expires } : { ttl })
    // The schema of the store may have changed it.
    this.#stored = this.#base = tx.get(this.#key)
    this.#replace(this.#stored)
  }

  #clone(value: S | null | undefined): S | undefined {
    return value == null ? undefined : cloneValue(value, this.#location)
  }
}
