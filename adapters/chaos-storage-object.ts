// The object of the Durable Object adapter, with faults
//
// For tests: a `StorageObject` that fails as objects do on Cloudflare's network, by a plan.

import { checkOptions, type OptionTypes } from '../src/arguments.ts'
import { sleep } from '../src/async.ts'
import { StoreError } from '../src/errors.ts'
import { fromObjectError } from './durable-object/errors.ts'
import { PROTOCOL_VERSION, type RpcMessage, type RpcReply } from './durable-object/protocol.ts'
import { StorageObject } from './storage-object.ts'

/**
 * How often each fault happens: the part of all messages, from 0 to 1. Absent: 0. The sum is at most 1,
 * since a message has one fault or none.
 */
export interface ChaosPlan {
  /** Any number. Another seed has other messages at fault. Default: 1. */
  readonly seed?: number | undefined
  /**
   * Resets the object, with all messages that it is handling: in a third of these faults before the
   * message is handled, in a third after it, and in a third when what it wrote is on disk too.
   */
  readonly abort?: number | undefined
  /** Rejects instead of handling the message, as a connection that is lost on the way there. */
  readonly throw?: number | undefined
  /** Handles the message and then rejects, as a connection that is lost on the way back. */
  readonly loseReply?: number | undefined
  /** Handles the message twice, and gives one of the two replies. */
  readonly deliverTwice?: number | undefined
  /**
   * The longest time before a message is handled, in milliseconds; each waits a part of it, so that
   * messages overtake each other. Default: 0.
   */
  readonly delayMs?: number | undefined
}

const FAULTS = ['abort', 'throw', 'loseReply', 'deliverTwice'] as const

const PART = [
  'a number from 0 to 1',
  (option: unknown) => typeof option === 'number' && option >= 0 && option <= 1,
] as const
const PLAN: OptionTypes = {
  seed: ['a finite number', Number.isFinite],
  abort: PART,
  throw: PART,
  loseReply: PART,
  deliverTwice: PART,
  delayMs: [
    'a number of milliseconds, 0 or more',
    (option) => Number.isFinite(option) && (option as number) >= 0,
  ],
}

/** How often the object was started. Not among the keys of `StorageObject`. */
const STARTS_KEY = 'chaos/starts'

/** Texts of Cloudflare: developers.cloudflare.com/durable-objects/observability/troubleshooting (2026-11). */
const RESET = 'Durable Object reset because its code was updated.'
const LOST = [
  'Network connection lost.',
  'Cannot resolve Durable Object due to transient issue on remote node.',
]

/**
 * Stores one namespace of `botshelf/durable-object`, as `StorageObject` does, and fails on purpose: it
 * resets itself, rejects, loses replies, handles messages twice and late. Export it from the Worker of
 * a test under the class name of the binding. Without a `plan` of your own, one message in five is at
 * fault, and each waits up to 5 ms.
 *
 * Which messages are at fault depends on the seed, the id of the object, the number of its starts, and
 * the number of messages since the last start. So a test repeats its faults if it begins without data,
 * uses the same names, and sends one message at a time. With several clients, the order in which their
 * messages arrive decides who meets a fault. An object that was idle for some seconds starts again.
 *
 * A plan that is wrong rejects each call with `INVALID_VALUE`. The alarm has no faults.
 *
 * @example
 * import { type ChaosPlan, ChaosStorageObject } from 'botshelf/chaos-storage-object'
 *
 * export class StorageObject extends ChaosStorageObject {
 *   protected override readonly plan: ChaosPlan = { seed: 7, abort: 0.1, loseReply: 0.1 }
 * }
 */
export class ChaosStorageObject extends StorageObject {
  /** Which faults happen, and how often. It is read with each message. */
  protected readonly plan: ChaosPlan = {
    abort: 0.05,
    throw: 0.05,
    loseReply: 0.05,
    deliverTwice: 0.05,
    delayMs: 5,
  }
  #starts: number | undefined
  #messages = 0

  override async call(message: RpcMessage): Promise<RpcReply> {
    let plan: ChaosPlan
    try {
      plan = checkPlan(this.plan)
      this.#starts ??= this.#countStart()
    } catch (error) {
      return { v: PROTOCOL_VERSION, error: fromObjectError(error, 'not-applied').toJSON() }
    }
    const { seed = 1, delayMs = 0 } = plan
    const random = createRandom(
      `${seed}/${this.ctx.id.toString()}/${this.#starts}/${this.#messages++}`,
    )
    const fault = pickFault(plan, random())
    const isFirst = random() < 0.5
    const lost = Object.assign(new Error(LOST[isFirst ? 0 : 1]), { retryable: true })
    if (delayMs > 0) await sleep(random() * delayMs)
    if (fault === 'abort') {
      // An abort discards what is not on disk. If that was the start, the next one would repeat it.
      await this.ctx.storage.sync()
      const stage = Math.floor(random() * 3)
      if (stage > 0) await this.#handle(message)
      if (stage > 1) await this.ctx.storage.sync()
      this.ctx.abort(RESET)
    }
    if (fault === 'throw') throw lost
    const replies = [this.#handle(message)]
    if (fault === 'deliverTwice') replies.push(this.#handle(message))
    const [first, second = first] = await Promise.all(replies)
    if (fault === 'loseReply') throw lost
    return (isFirst ? first : second) as RpcReply
  }

  async #handle(message: RpcMessage): Promise<RpcReply> {
    const reply = await super.call(message)
    // It has deleted the number of starts too.
    if (message?.type === 'drop') this.ctx.storage.kv.put(STARTS_KEY, this.#starts)
    return reply
  }

  #countStart(): number {
    const starts = (this.ctx.storage.kv.get<number>(STARTS_KEY) ?? 0) + 1
    this.ctx.storage.kv.put(STARTS_KEY, starts)
    return starts
  }
}

/** @throws StoreError `INVALID_VALUE` */
function checkPlan(plan: ChaosPlan): ChaosPlan {
  const checked = checkOptions<ChaosPlan>(plan, PLAN)
  const sum = FAULTS.reduce((total, fault) => total + (checked[fault] ?? 0), 0)
  if (sum <= 1) return checked
  throw new StoreError(
    'INVALID_VALUE',
    `The sum of ${FAULTS.join(', ')} must be at most 1, since a message has one fault; received ${sum}. Lower them.`,
  )
}

/** @param random from 0 to 1 */
function pickFault(plan: ChaosPlan, random: number): (typeof FAULTS)[number] | undefined {
  let rest = random
  return FAULTS.find((fault) => (rest -= plan[fault] ?? 0) < 0)
}

/** Creates a generator of numbers from 0 to 1 that depend on the text only (FNV-1a, mulberry32). */
function createRandom(text: string): () => number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
