import { WRITE_OPTIONS, type WriteOptions } from './arguments.ts'
import { createSetChange, ifLive, resolveExpiry, toRecord, type WriteContext } from './changes.ts'
import { quote, StoreError } from './errors.ts'
import { invalidKey } from './key.ts'
import type { Entries } from './queue/operation.ts'
import { stampOf } from './stamp.ts'
import type { ExpiryRule } from './step.ts'
import { type Entry, isLive } from './entry.ts'
import type { Change } from './storage.ts'
import type { KeyOf, StoreRecord } from './store-types.ts'
import { recopy } from './value/copy-value.ts'

/**
 * Reads and writes the named keys of a transaction. Reads see the writes before them. Nothing is
 * stored before the function of the transaction has returned; then all writes are, or none.
 *
 * Every method throws `INVALID_KEY` for a key that was not named, and `STORE_NOT_OPEN` after the
 * function has returned.
 */
export interface StoreTransaction<T extends object, K extends KeyOf<T> = KeyOf<T>> {
  /** Returns a copy of a value; `undefined` if the key is missing or has expired. */
  get<Key extends K>(key: Key): T[Key] | undefined
  /** Returns a copy of a value with its expiry; `undefined` if the key is missing or has expired. */
  record<Key extends K>(key: Key): StoreRecord<T[Key]> | undefined
  /** Tests whether a key has a value that has not expired. */
  has(key: K): boolean
  /**
   * Sets a value and its expiry, like `Store.set`: without options, and without options of the
   * transaction, the key never expires.
   *
   * @throws StoreError `INVALID_VALUE`, `TOO_LARGE`
   */
  set<Key extends K>(key: Key, value: T[Key], options?: WriteOptions): void
  /** Removes a key, if it exists. */
  delete(key: K): void
}

/** One run of the function of a transaction: the entries that were read, and the writes so far. */
export class TransactionDraft<T extends object> implements StoreTransaction<T> {
  readonly #context: WriteContext
  readonly #entries = new Map<string, Entry | undefined>()
  readonly #changes = new Map<string, Change>()
  readonly #expiry: ExpiryRule | undefined
  #hasEnded = false
  /** The first error of a call. The transaction fails even if its function catches it. */
  #failure: { readonly error: unknown } | undefined

  /** @param expiry the expiry of what is set without options */
  constructor(
    context: WriteContext,
    keys: readonly string[],
    { entries, expiry }: { readonly entries: Entries; readonly expiry: ExpiryRule | undefined },
  ) {
    this.#context = context
    this.#expiry = expiry
    for (const [index, key] of keys.entries()) this.#entries.set(key, entries[index])
  }

  get<K extends KeyOf<T>>(key: K): T[K] | undefined {
    return recopy(this.#read(key)?.value) as T[K] | undefined
  }

  record<K extends KeyOf<T>>(key: K): StoreRecord<T[K]> | undefined {
    const entry = this.#read(key)
    return entry && toRecord(this.#context, { ...entry, value: recopy(entry.value) })
  }

  has(key: KeyOf<T>): boolean {
    return this.#read(key) !== undefined
  }

  set<K extends KeyOf<T>>(key: K, value: T[K], options?: WriteOptions): void {
    this.#guard(key, () => {
      const expiry =
        options === undefined ? this.#expiry : resolveExpiry(this.#context, options, WRITE_OPTIONS)
      const stamp = options?.version ?? stampOf(this.#replaced(key))
      const change = createSetChange(this.#context, key, value, expiry?.expires, stamp)
      this.#changes.set(key, change)
      this.#entries.set(key, change.entry)
    })
  }

  delete(key: KeyOf<T>): void {
    this.#guard(key, () => {
      this.#replaced(key)
      this.#changes.set(key, { key, remove: true })
      this.#entries.set(key, undefined)
    })
  }

  /** Ends the run. Returns its changes, `undefined` for none. @throws the first error of a call */
  end(): readonly Change[] | undefined {
    this.#hasEnded = true
    if (this.#failure) throw this.#failure.error
    return this.#changes.size > 0 ? [...this.#changes.values()] : undefined
  }

  #read(key: string): Entry | undefined {
    return this.#guard(key, () => {
      const entry = ifLive(this.#context, key, this.#entries.get(key))
      this.#entries.set(key, entry)
      return entry
    })
  }

  /** Returns the live entry that a write replaces. @throws StoreError `VERSION_MISMATCH` */
  #replaced(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (!entry || !isLive(entry, this.#context.now())) return undefined
    this.#context.schema?.checkVersion(key, entry)
    return entry
  }

  #guard<R>(key: string, call: () => R): R {
    const { namespace } = this.#context
    if (this.#hasEnded) {
      throw new StoreError(
        'STORE_NOT_OPEN',
        'The transaction has ended; use it only before its function returns.',
        { namespace },
      )
    }
    try {
      if (this.#entries.has(key)) return call()
      const named = [...this.#entries.keys()].map(quote).join(', ')
      throw invalidKey(
        `The transaction has the keys ${named}; received ${quote(key)}. Add it to the keys.`,
        key,
        namespace,
      )
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }
}
