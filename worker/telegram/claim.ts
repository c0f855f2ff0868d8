import type { Store } from 'botshelf'
import { HttpError } from 'botshelf/admin'
import { isTransient } from './passing.ts'

// Telegram keeps an update for 24 hours, and brings it again until then.
const KEPT = 48 * 60 * 60 * 1000
// Longer than any step of the work takes, so that only a request that has died loses its claim.
const LEASE = 60_000
// What is begun this long before the end of a lease is stored before somebody else begins.
const MARGIN = 10_000
const HELD_SECONDS = 5
// How many seconds to wait after the first try, the second, and every other.
const WAITS: readonly number[] = [5, 30]
const LONGEST_WAIT = 300
// Another message of the same chat waits until this one is done with: with the waits above, for
// about half an hour. Acting is tried as often, since what one plugin has stored before another
// one's storage fails is counted each time. A storage that is away as a whole takes no claim, and
// none of these tries.
const MOST_TRIES = 10
// What was sent may have arrived each time.
const MOST_TIMEOUTS = 3
const WRITES_AGAIN_AFTER = 1000

/** What is stored of an update, under `update:<id of the bot>:<id of the update>`. */
export type UpdateRecord =
  /** The bot acts on it; until then, in milliseconds since 1970, nobody else does. */
  | {
      readonly state: 'claimed'
      readonly until: number
      /** How often it has begun to act before. */
      readonly tries: number
    }
  /** The bot has acted; these messages are its answer, and the first `sent` of them are sent. */
  | {
      readonly state: 'sending'
      readonly until: number
      readonly messages: readonly string[]
      readonly sent: number
      /** How often the next message was sent and not acknowledged. */
      readonly tries: number
      /** How many of these tries ended because no answer came in time. */
      readonly timeouts: number
    }
  | { readonly state: 'done' }

/** The namespace `Telegram`. */
export type TelegramStore = Store<{
  [update: `update:${string}`]: UpdateRecord
  [username: `username:${string}`]: string
}>

type Working = Exclude<UpdateRecord, { state: 'done' }>

/** An update: its id is one among those for one bot. */
export interface UpdateId {
  /** The id of the bot. */
  readonly bot: string
  readonly id: number
}

/**
 * The right to work on an update, for 60 seconds from each step that is stored. It is what makes an
 * update that is delivered twice act once. On a storage without conditional writes two deliveries
 * at the same moment may both get it.
 */
export class UpdateClaim {
  readonly #store: TelegramStore
  readonly #key: `update:${string}`
  #until = 0
  // Ahead of what is stored where a write has failed, so that `release` stores what was done.
  #record: UpdateRecord

  /**
   * Claims an update; `undefined` if everything is done for it.
   *
   * @throws HttpError 503 while another request holds it; StoreError what the storage says
   */
  static async take(store: TelegramStore, { bot, id }: UpdateId): Promise<UpdateClaim | undefined> {
    const claim = new UpdateClaim(store, `update:${bot}:${id}`)
    try {
      await claim.#take()
    } catch (error) {
      if (!(error instanceof Taken)) throw error
      if (error.by === 'done') return undefined
      throw againIn(HELD_SECONDS, 'This update is being worked on; bring it again later.')
    }
    return claim
  }

  private constructor(store: TelegramStore, key: `update:${string}`) {
    this.#store = store
    this.#key = key
    this.#record = { state: 'claimed', until: 0, tries: 0 }
  }

  /** Has the bot acted, and its answer been stored? */
  get hasActed(): boolean {
    return this.#record.state !== 'claimed'
  }

  /** The message to be sent next; `undefined` if there is none. */
  get next(): string | undefined {
    return this.#record.state === 'sending' ? this.#record.messages[this.#record.sent] : undefined
  }

  /** How often the bot may act on it, now included, until its answer is stored: 10 times at first. */
  get triesLeft(): number {
    return this.#record.state === 'claimed' ? MOST_TRIES - this.#record.tries : 0
  }

  /** How many seconds to wait before the next try; more after each. */
  get wait(): number {
    if (this.#record.state === 'claimed') return waitAfter(this.#record.tries + 1)
    return waitAfter(this.#record.state === 'sending' ? this.#record.tries : 1)
  }

  /** Stores the bot's answer, before any of it is sent. */
  async keep(messages: readonly string[]): Promise<void> {
    await this.#goOn(messages, 0)
  }

  /** Counts the next message as sent, or as one that never will be. */
  async countSent(): Promise<void> {
    if (this.#record.state === 'sending') {
      await this.#goOn(this.#record.messages, this.#record.sent + 1)
    }
  }

  /**
   * Counts a send of the next message that was not acknowledged, to be stored by {@link release};
   * `false` if it has been tried often enough: 3 times without an answer in time, or 10 times.
   */
  countFailure(isTimeout: boolean): boolean {
    if (this.#record.state !== 'sending') return true
    const tries = this.#record.tries + 1
    const timeouts = this.#record.timeouts + (isTimeout ? 1 : 0)
    this.#record = { ...this.#record, tries, timeouts }
    return tries < MOST_TRIES && timeouts < MOST_TIMEOUTS
  }

  /** Closes the update for good. */
  async finish(): Promise<void> {
    this.#record = { state: 'done' }
    await this.#putSurely()
  }

  /** Lets go of the update, so that its next delivery goes on where this one ends. */
  async release(): Promise<void> {
    await this.#put(0)
  }

  async #take(): Promise<void> {
    const claim = (now: UpdateRecord | undefined): Working => {
      if (now?.state === 'done') throw new Taken('done')
      if (now !== undefined && now.until > Date.now()) throw new Taken('held')
      this.#until = Date.now() + LEASE
      const record = { ...begun(now), until: this.#until }
      this.#record = record
      return record
    }
    // Where nothing is conditional, one write less: KV takes one a second for a key.
    if (this.#store.traits.atomic === 'none') {
      await this.#store.set(this.#key, claim(await this.#store.get(this.#key)), { ttl: KEPT })
      return
    }
    await this.#store.update(this.#key, claim)
    try {
      // A conditional write gives no expiry, and one whose request dies must not stay for ever.
      await this.#put()
    } catch (error) {
      // Nothing is done yet, and the next delivery need not wait for the lease.
      await this.release().catch((failed: unknown) => console.error(failed))
      throw error
    }
  }

  async #goOn(messages: readonly string[], sent: number): Promise<void> {
    this.#record =
      sent === messages.length
        ? { state: 'done' }
        : { state: 'sending', until: this.#until, messages, sent, tries: 0, timeouts: 0 }
    await this.#putSurely()
  }

  // What is not stored is done again, so it is worth a second.
  async #putSurely(): Promise<void> {
    try {
      await this.#put()
    } catch (error) {
      if (!isTransient(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, WRITES_AGAIN_AFTER))
      await this.#put()
    }
  }

  // Nothing is read first: within the lease nobody else writes, and KV may read what is older.
  async #put(until = Date.now() + LEASE): Promise<void> {
    if (Date.now() >= this.#until - MARGIN) {
      throw againIn(this.wait, 'This update took too long; bring it again later.')
    }
    const record = this.#record
    await this.#store.set(this.#key, record.state === 'done' ? record : { ...record, until }, {
      ttl: KEPT,
    })
    this.#until = until
  }
}

/** What a delivery goes on with. */
function begun(now: Working | undefined): Working {
  if (now === undefined) return { state: 'claimed', until: 0, tries: 0 }
  return now.state === 'claimed' ? { ...now, tries: now.tries + 1 } : now
}

function waitAfter(tries: number): number {
  return WAITS[Math.max(tries, 1) - 1] ?? LONGEST_WAIT
}

/** A reply that makes Telegram bring an update again after some seconds. */
export function againIn(seconds: number, sentence: string): HttpError {
  return new HttpError(503, sentence, { 'retry-after': String(seconds) })
}

/** Ends the step that would claim an update, with nothing stored. */
class Taken extends Error {
  readonly by: 'done' | 'held'

  constructor(by: 'done' | 'held') {
    super(`The update is ${by}.`)
    this.by = by
  }
}
