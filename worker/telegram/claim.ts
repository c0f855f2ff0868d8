import { isStoreError, type Store, type StoreError } from 'botshelf'
import { HttpError } from 'botshelf/admin'

// Telegram delivers an update again for 24 hours.
const RECORD_TTL_MS = 48 * 60 * 60 * 1000
// Longer than any step takes, so that only a killed request loses its claim.
const LEASE_MS = 60_000
// No write starts within this time before the lease ends, so that it completes within the lease.
const LEASE_MARGIN_MS = 10_000
const HELD_RETRY_SECONDS = 5
// The waits after the first and the second attempt, and after every later one.
const RETRY_SECONDS: readonly number[] = [5, 30]
const MAX_RETRY_SECONDS = 300
// The next message of a chat waits for this one, with the waits above for about half an hour. Running
// the bot is limited too, because each attempt repeats what one plugin stored before the storage of
// another failed. A storage that fails as a whole cannot store a claim, so it uses up no attempt.
const MAX_ATTEMPTS = 10
// A message that timed out may have arrived each time.
const MAX_TIMEOUTS = 3
const WRITE_RETRY_MS = 1000

/** The state of an update, stored under `update:<id of the bot>:<id of the update>`. */
export type UpdateRecord =
  /** A request runs the bot; no other does before `until`, in milliseconds since 1970. */
  | {
      readonly state: 'claimed'
      readonly until: number
      /** The number of earlier attempts to run the bot. */
      readonly attempts: number
    }
  /** The bot has replied with these messages; the first `sent` of them were sent. */
  | {
      readonly state: 'sending'
      readonly until: number
      readonly messages: readonly string[]
      readonly sent: number
      /** How often the next message was sent without an acknowledgement. */
      readonly attempts: number
      /** How many of these attempts timed out. */
      readonly timeouts: number
    }
  | { readonly state: 'done' }

/** The store of the namespace `Telegram`. */
export type TelegramStore = Store<{
  [update: `update:${string}`]: UpdateRecord
  [username: `username:${string}`]: string
}>

type OpenRecord = Exclude<UpdateRecord, { state: 'done' }>

/** Identifies an update: its id is unique per bot. */
export interface UpdateId {
  /** The id of the bot. */
  readonly bot: string
  readonly id: number
}

/**
 * A lease on an update, renewed for 60 seconds by each step that is stored. It ensures that an update
 * delivered twice runs the bot once. On a storage without conditional writes, two deliveries at the
 * same moment may both get the lease.
 */
export class UpdateClaim {
  readonly #store: TelegramStore
  readonly #key: `update:${string}`
  #until = 0
  // After a failed write this is newer than the stored record; `release` then stores it.
  #record: UpdateRecord

  /**
   * Claims an update; resolves to `undefined` if it is finished.
   *
   * @throws HttpError 503 while another request holds the lease
   * @throws StoreError if the storage fails
   */
  static async acquire(
    store: TelegramStore,
    { bot, id }: UpdateId,
  ): Promise<UpdateClaim | undefined> {
    const claim = new UpdateClaim(store, `update:${bot}:${id}`)
    try {
      await claim.#acquire()
    } catch (error) {
      if (!(error instanceof ClaimRefused)) throw error
      if (error.state === 'done') return undefined
      throw createRetryError(
        HELD_RETRY_SECONDS,
        'Another request is handling this update; deliver it again later.',
      )
    }
    return claim
  }

  private constructor(store: TelegramStore, key: `update:${string}`) {
    this.#store = store
    this.#key = key
    this.#record = { state: 'claimed', until: 0, attempts: 0 }
  }

  /** Whether the bot's replies are stored. */
  get hasReplies(): boolean {
    return this.#record.state !== 'claimed'
  }

  /** The next message to send; `undefined` if there is none. */
  get nextMessage(): string | undefined {
    return this.#record.state === 'sending' ? this.#record.messages[this.#record.sent] : undefined
  }

  /** How many attempts to run the bot are left, including this one: 10 at first. */
  get attemptsLeft(): number {
    return this.#record.state === 'claimed' ? MAX_ATTEMPTS - this.#record.attempts : 0
  }

  /** How many seconds to wait before the next attempt; grows with each. */
  get retrySeconds(): number {
    if (this.#record.state === 'claimed') return secondsAfter(this.#record.attempts + 1)
    return secondsAfter(this.#record.state === 'sending' ? this.#record.attempts : 1)
  }

  /** Stores the bot's replies, before any of them is sent. */
  async storeReplies(messages: readonly string[]): Promise<void> {
    await this.#advance(messages, 0)
  }

  /** Marks the next message as sent, or as one that Telegram will never accept. */
  async markSent(): Promise<void> {
    if (this.#record.state === 'sending') {
      await this.#advance(this.#record.messages, this.#record.sent + 1)
    }
  }

  /**
   * Counts a failed attempt to send the next message; {@link release} stores the count. Returns
   * `false` after 3 timeouts or 10 attempts: it must not be sent again.
   */
  countFailure(isTimeout: boolean): boolean {
    if (this.#record.state !== 'sending') return true
    const attempts = this.#record.attempts + 1
    const timeouts = this.#record.timeouts + (isTimeout ? 1 : 0)
    this.#record = { ...this.#record, attempts, timeouts }
    return attempts < MAX_ATTEMPTS && timeouts < MAX_TIMEOUTS
  }

  /** Marks the update as finished. */
  async finish(): Promise<void> {
    this.#record = { state: 'done' }
    await this.#writeWithRetry()
  }

  /** Ends the lease, so that the next delivery continues where this one stopped. */
  async release(): Promise<void> {
    await this.#write(0)
  }

  async #acquire(): Promise<void> {
    const claim = (now: UpdateRecord | undefined): OpenRecord => {
      if (now?.state === 'done') throw new ClaimRefused('done')
      if (now !== undefined && now.until > Date.now()) throw new ClaimRefused('held')
      this.#until = Date.now() + LEASE_MS
      const record = { ...recordOfNextAttempt(now), until: this.#until }
      this.#record = record
      return record
    }
    // Without conditional writes a plain set saves a write: KV accepts one per second and key.
    if (this.#store.traits.atomic === 'none') {
      await this.#store.set(this.#key, claim(await this.#store.get(this.#key)), {
        ttl: RECORD_TTL_MS,
      })
      return
    }
    await this.#store.update(this.#key, claim)
    try {
      // `update` sets no expiry, and the record of a killed request must expire.
      await this.#write()
    } catch (error) {
      // Nothing has happened yet, so the next delivery need not wait for the lease to end.
      await this.release().catch((failed: unknown) => console.error(failed))
      throw error
    }
  }

  async #advance(messages: readonly string[], sent: number): Promise<void> {
    this.#record =
      sent === messages.length
        ? { state: 'done' }
        : { state: 'sending', until: this.#until, messages, sent, attempts: 0, timeouts: 0 }
    await this.#writeWithRetry()
  }

  // A step that is not stored is repeated by the next delivery, so one retry is worth a second.
  async #writeWithRetry(): Promise<void> {
    try {
      await this.#write()
    } catch (error) {
      if (!isTransient(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, WRITE_RETRY_MS))
      await this.#write()
    }
  }

  // Written without reading: within the lease there is no other writer, and KV may return an old value.
  async #write(until = Date.now() + LEASE_MS): Promise<void> {
    if (Date.now() >= this.#until - LEASE_MARGIN_MS) {
      throw createRetryError(
        this.retrySeconds,
        'Handling this update took too long; deliver it again later.',
      )
    }
    const record = this.#record
    await this.#store.set(this.#key, record.state === 'done' ? record : { ...record, until }, {
      ttl: RECORD_TTL_MS,
    })
    this.#until = until
  }
}

/** Returns the record that an attempt continues from. */
function recordOfNextAttempt(now: OpenRecord | undefined): OpenRecord {
  if (now === undefined) return { state: 'claimed', until: 0, attempts: 0 }
  return now.state === 'claimed' ? { ...now, attempts: now.attempts + 1 } : now
}

function secondsAfter(attempts: number): number {
  return RETRY_SECONDS[Math.max(attempts, 1) - 1] ?? MAX_RETRY_SECONDS
}

/** Creates the 503 reply that makes Telegram deliver an update again after some seconds. */
export function createRetryError(seconds: number, sentence: string): HttpError {
  return new HttpError(503, sentence, { 'retry-after': String(seconds) })
}

/** Aborts the update that would claim the record, so that nothing is stored. */
class ClaimRefused extends Error {
  readonly state: 'done' | 'held'

  constructor(state: 'done' | 'held') {
    super(`The update is ${state}.`)
    this.state = state
  }
}

/** Whether a storage failure may be temporary: the same call may succeed, or has succeeded unseen. */
export function isTransient(error: unknown): error is StoreError {
  return isStoreError(error) && (error.retryable || error.outcome === 'unknown')
}
