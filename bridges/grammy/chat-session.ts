import { StoreError, toStoreError } from '../../src/errors.ts'
import type { Store } from '../../src/store.ts'
import type { StoreTransaction } from '../../src/transaction.ts'
import { cloneValue, recopy } from '../../src/value/copy-value.ts'
import { isEqual } from '../is-equal.ts'
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
  readonly #settings: ChatSessionSettings<S>
  #stored: S | undefined
  #base: S | undefined
  #isUpdating = false
  /** What the handlers read and change. `null` or `undefined`: no session. */
  value: S | null | undefined

  private constructor(
    store: Store<Record<string, S>>,
    key: string,
    settings: ChatSessionSettings<S>,
  ) {
    this.#store = store
    this.#key = key
    this.#settings = settings
  }

  /** Reads the session of a key. */
  static async read<S>(
    store: Store<Record<string, S>>,
    key: string,
    settings: ChatSessionSettings<S>,
  ): Promise<ChatSession<S>> {
    const session = new ChatSession(store, key, settings)
    const stored = await store.get(key)
    session.#load(stored, stored ?? session.#createInitial())
    return session
  }

  /** Stores what the handlers have changed, if they have. */
  async save(): Promise<void> {
    const change = this.#change()
    if (!change) return
    await this.#store.transaction([this.#key], (tx) =>
      this.#write(tx, this.#apply(change, tx.get(this.#key))),
    )
  }

  /**
   * Runs a function on the current session and stores what it leaves, in one atomic step. Runs it
   * again if another update writes first. Within such a function it only runs the function.
   */
  async update(run: () => Promise<void>): Promise<void> {
    if (this.#isUpdating) return run()
    const { value } = this
    const [stored, base, earlier] = [this.#stored, this.#base, this.#change()]
    this.#isUpdating = true
    try {
      await this.#store.transaction([this.#key], async (tx) => {
        const current = tx.get(this.#key)
        this.#load(
          current,
          earlier ? this.#apply(earlier, current) : (current ?? this.#createInitial()),
        )
        await run()
        const change = this.#change()
        if (!change && !earlier) return
        const next = change ? (change.mine as S | undefined) : this.#base
        this.#write(tx, next)
        this.#stored = next
        this.#base = next
      })
    } catch (error) {
      this.#stored = stored
      this.#base = base
      this.value = value
      throw error
    } finally {
      this.#isUpdating = false
    }
  }

  #load(stored: S | undefined, base: S | undefined): void {
    this.#stored = stored
    this.#base = base
    this.value = recopy(base) as S | undefined
  }

  #createInitial(): S | undefined {
    const initial = this.#settings.initial?.()
    return initial == null ? undefined : this.#clone(initial)
  }

  #change(): SessionChange | undefined {
    const [stored, base, mine] = [this.#stored, this.#base, this.value ?? undefined]
    if (mine === undefined) return stored === undefined ? undefined : { stored, base, mine }
    return isEqual(base, mine) ? undefined : { stored, base, mine: this.#clone(mine) }
  }

  #apply(change: SessionChange, current: S | undefined): S | undefined {
    const { merge = {} } = this.#settings
    return applyChange(change, current, merge, (fields) => {
      const names = fields.map((field) => `session.${field}`).join(', ') || 'the session'
      throw new StoreError(
        'CONFLICT',
        `Another update changed ${names} while this one was handled, so the changes of this one are not stored. Deliver it again, as Telegram does if the webhook answers 500; or name how to combine the fields in options.merge, or wrap the handler in pure().`,
        { namespace: this.#store.namespace, key: this.#key },
      )
    }) as S | undefined
  }

  #write(tx: StoreTransaction<Record<string, S>>, value: S | undefined): void {
    const { ttl } = this.#settings
    if (value === undefined) return tx.delete(this.#key)
    const expires = tx.record(this.#key)?.expires ?? null
    tx.set(this.#key, value, ttl === undefined ? { expires } : { ttl })
  }

  #clone(value: S): S {
    try {
      return cloneValue(value) as S
    } catch (error) {
      throw toStoreError(error, { namespace: this.#store.namespace, key: this.#key })
    }
  }
}
