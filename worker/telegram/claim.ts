import type { Store } from '../../src/index.js'
import { HttpError } from '../http/reply.js'

// Telegram keeps an update for 24 hours, and brings it again until then.
const KEPT = 48 * 60 * 60 * 1000
// Longer than any step of the work takes, so that only a request that has died loses its claim.
const LEASE = 60_000
// What is begun this long before the end of a lease is stored before somebody else begins.
const MARGIN = 10_000
const HELD_SECONDS = '5'

/** What is stored of an update, under `update:<id>`. */
export type UpdateRecord =
  /** The bot acts on it; until then, in milliseconds since 1970, nobody else does. */
  | { readonly state: 'claimed'; readonly until: number }
  /** The bot has acted; these messages are its answer, and the first `sent` of them are sent. */
  | {
      readonly state: 'sending'
      readonly until: number
      readonly messages: readonly string[]
      readonly sent: number
    }
  | { readonly state: 'done' }

/** The namespace `Telegram`. */
export type TelegramStore = Store<{
  [update: `update:${string}`]: UpdateRecord
  [username: `username:${string}`]: string
}>

type Working = Exclude<UpdateRecord, { state: 'done' }>

/**
 * The right to work on an update, for 60 seconds from each step that is stored. It is what makes an
 * update that is delivered twice act once. On a storage without conditional writes two deliveries
 * at the same moment may both get it.
 */
export class UpdateClaim {
  readonly #store: TelegramStore
  readonly #key: `update:${string}`
  #record: Working

  /**
   * Claims an update; `undefined` if everything is done for it.
   *
   * @throws HttpError 503 while another request holds it; StoreError what the storage says
   */
  static async take(store: TelegramStore, id: number): Promise<UpdateClaim | undefined> {
    const key = `update:${id}` as const
    let record: Working | undefined
    try {
      await store.update(key, (now) => {
        if (now?.state === 'done') throw new Taken('done')
        if (now !== undefined && now.until > Date.now()) throw new Taken('held')
        record = { ...(now ?? { state: 'claimed' }), until: Date.now() + LEASE }
        return record
      })
    } catch (error) {
      if (!(error instanceof Taken)) throw error
      if (error.by === 'done') return undefined
      const sentence = 'This update is being worked on; bring it again later.'
      throw new HttpError(503, sentence, { 'retry-after': HELD_SECONDS })
    }
    return record && new UpdateClaim(store, key, record)
  }

  private constructor(store: TelegramStore, key: `update:${string}`, record: Working) {
    this.#store = store
    this.#key = key
    this.#record = record
  }

  /** Has the bot acted, and its answer been stored? */
  get hasActed(): boolean {
    return this.#record.state === 'sending'
  }

  /** The message to be sent next; `undefined` if there is none. */
  get next(): string | undefined {
    return this.#record.state === 'sending' ? this.#record.messages[this.#record.sent] : undefined
  }

  /** Stores the bot's answer, before any of it is sent. */
  async keep(messages: readonly string[]): Promise<void> {
    await this.#goOn(messages, 0)
  }

  /** Counts the next message as sent. */
  async countSent(): Promise<void> {
    if (this.#record.state === 'sending') {
      await this.#goOn(this.#record.messages, this.#record.sent + 1)
    }
  }

  /** Closes the update for good. */
  async finish(): Promise<void> {
    await this.#put({ state: 'done' })
  }

  /** Lets go of the update, so that its next delivery goes on where this one ends. */
  async release(): Promise<void> {
    if (this.#record.state === 'sending') await this.#put({ ...this.#record, until: 0 })
    else if (this.#isHeld()) await this.#store.delete(this.#key)
  }

  async #goOn(messages: readonly string[], sent: number): Promise<void> {
    const record: Working = { state: 'sending', until: Date.now() + LEASE, messages, sent }
    await this.#put(sent === messages.length ? { state: 'done' } : record)
    this.#record = record
  }

  // Nothing is read first: within the lease nobody else writes, and KV may read what is older.
  async #put(record: UpdateRecord): Promise<void> {
    if (!this.#isHeld()) {
      const sentence = 'This update took too long; bring it again later.'
      throw new HttpError(503, sentence, { 'retry-after': HELD_SECONDS })
    }
    await this.#store.set(this.#key, record, { ttl: KEPT })
  }

  #isHeld(): boolean {
    return Date.now() < this.#record.until - MARGIN
  }
}

/** Ends the step that would claim an update, with nothing stored. */
class Taken extends Error {
  readonly by: 'done' | 'held'

  constructor(by: 'done' | 'held') {
    super(`The update is ${by}.`)
    this.by = by
  }
}
