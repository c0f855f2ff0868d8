import { isStoreError, type Store, type StoreError } from 'botshelf'
import { HttpError } from 'botshelf/admin'

// Telegram delivers an update again for 24 hours.
const RECORD_TTL_MS = 48 * 60 * 60 * 1000
// Longer than any step takes, so that only a killed request loses its lease.
const LEASE_MS = 60_000
// No write starts within this time before the lease ends, so that it completes within the lease.
const LEASE_MARGIN_MS = 10_000
const HELD_RETRY_SECONDS = 5
// The waits after the first and the second failure, and after every later one.
const RETRY_SECONDS: readonly number[] = [5, 30]
const MAX_RETRY_SECONDS = 300
// The most runs of the bot for an update, and the most failed sends of one message. With the waits above
// they take about 36 minutes, during which later messages of the chat wait. Runs are limited because each
// run repeats the writes of one plugin if a write of another one fails. A storage that fails as a whole
// cannot store a claim, so it uses up no run.
const MAX_ATTEMPTS = 10
// A message that timed out may have arrived each time.
const MAX_TIMEOUTS = 3
const WRITE_RETRY_MS = 1000

/**
 * The state of an update, stored under `update:<id of the bot>:<id of the update>`. No other request
 * handles the update before `leaseUntil`, in milliseconds since 1970; 0 means that it was released.
 */
export type UpdateRecord =
  /** A request runs the bot. */
  | {
      readonly state: 'claimed'
      readonly leaseUntil: number
      /** The number of earlier runs of the bot, without the current one. */
      readonly earlierRuns: number
    }
  /** The bot has replied with these messages; the first `sent` of them were sent. */
  | {
      readonly state: 'sending'
      readonly leaseUntil: number
      readonly messages: readonly string[]
      readonly sent: number
      /** How often the next message was sent without an acknowledgement. */
      readonly failedSends: number
      /** How many of the failed sends timed out. */
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
 * A lease on an update, renewed for 60 seconds by each step that is stored. Of two deliveries at the same
 * time, one runs the bot and the other is refused. On a storage without conditional writes, both may
 * run it.
 *
 * The bot may run more than once for an update: if the request dies or the storage fails before the
 * replies are stored, the next delivery runs it again, at most 10 times in all.
 */
export class UpdateClaim {
  readonly #store: TelegramStore
  readonly #key: `update:${string}`
  #leaseUntil = 0
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
    this.#record = { state: 'claimed', leaseUntil: 0, earlierRuns: 0 }
  }

  /**
   * Whether the bot has replied. After a failed write the replies are not stored yet; {@link release}
   * tries again to store them.
   */
  get hasReplies(): boolean {
    return this.#record.state !== 'claimed'
  }

  /** The next message to send; `undefined` if there is none. */
  get nextMessage(): string | undefined {
    return this.#record.state === 'sending' ? this.#record.messages[this.#record.sent] : undefined
  }

  /** How many runs of the bot are left, including the current one: 10 at first. */
  get runsLeft(): number {
    return this.#record.state === 'claimed' ? MAX_ATTEMPTS - this.#record.earlierRuns : 0
  }

  /** How many seconds to wait before the next delivery: 5, 30, and then 300. */
  get retrySeconds(): number {
    if (this.#record.state === 'claimed') return secondsAfter(this.#record.earlierRuns + 1)
    return secondsAfter(this.#record.state === 'sending' ? this.#record.failedSends : 1)
  }

  /** Whether the next message may be sent again: `false` after 3 timeouts or 10 failed sends. */
  get mayResend(): boolean {
    if (this.#record.state !== 'sending') return true
    return this.#record.failedSends < MAX_ATTEMPTS && this.#record.timeouts < MAX_TIMEOUTS
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

  /** Counts a failed send of the next message; {@link release} stores the count. */
  countFailedSend({ isTimeout }: { readonly isTimeout: boolean }): void {
    if (this.#record.state !== 'sending') return
    const failedSends = this.#record.failedSends + 1
    const timeouts = this.#record.timeouts + (isTimeout ? 1 : 0)
    this.#record = { ...this.#record, failedSends, timeouts }
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
    await this.#store.update(
      this.#key,
      (stored) => {
        if (stored?.state === 'done') throw new ClaimRefused('done')
        if (stored !== undefined && stored.leaseUntil > Date.now()) throw new ClaimRefused('held')
        this.#leaseUntil = Date.now() + LEASE_MS
        this.#record = { ...recordOfNextAttempt(stored), leaseUntil: this.#leaseUntil }
        return this.#record
      },
      { ttl: RECORD_TTL_MS },
    )
  }

  async #advance(messages: readonly string[], sent: number): Promise<void> {
    this.#record =
      sent === messages.length
        ? { state: 'done' }
        : {
            state: 'sending',
            leaseUntil: this.#leaseUntil,
            messages,
            sent,
            failedSends: 0,
            timeouts: 0,
          }
    await this.#writeWithRetry()
  }

  // The next delivery repeats a step that is not stored, so one retry after a second is worth the wait.
  async #writeWithRetry(): Promise<void> {
    try {
      await this.#write()
    } catch (error) {
      if (!isTransient(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, WRITE_RETRY_MS))
      await this.#write()
    }
  }

  // It does not read first: within the lease there is no other writer, and KV may return an old value.
  async #write(leaseUntil = Date.now() + LEASE_MS): Promise<void> {
    if (Date.now() >= this.#leaseUntil - LEASE_MARGIN_MS) {
      throw createRetryError(
        this.retrySeconds,
        'Handling this update took too long; deliver it again later.',
      )
    }
    const record = this.#record
    await this.#store.set(this.#key, record.state === 'done' ? record : { ...record, leaseUntil }, {
      ttl: RECORD_TTL_MS,
    })
    this.#leaseUntil = leaseUntil
  }
}

/** Returns the record that a new delivery continues from. */
function recordOfNextAttempt(stored: OpenRecord | undefined): OpenRecord {
  if (stored === undefined) return { state: 'claimed', leaseUntil: 0, earlierRuns: 0 }
  return stored.state === 'claimed' ? { ...stored, earlierRuns: stored.earlierRuns + 1 } : stored
}

function secondsAfter(failures: number): number {
  return RETRY_SECONDS[Math.max(failures, 1) - 1] ?? MAX_RETRY_SECONDS
}

/** Creates the 503 error that makes Telegram deliver an update again after some seconds. */
export function createRetryError(seconds: number, sentence: string): HttpError {
  return new HttpError(503, sentence, { 'retry-after': String(seconds) })
}

/** Thrown inside `store.update()` to cancel it, so that nothing is stored. */
class ClaimRefused extends Error {
  readonly state: 'done' | 'held'

  constructor(state: 'done' | 'held') {
    super(`The update is ${state}.`)
    this.state = state
  }
}

/** Returns whether an error is a storage failure that a retry may mend, or whose outcome is unknown. */
export function isTransient(error: unknown): error is StoreError {
  return isStoreError(error) && (error.retryable || error.outcome === 'unknown')
}
