import { noop, sleep } from '../async.ts'
import { chained, type Operation } from './operation.ts'
import type { Lists } from './batch.ts'

/** Makes operations together. Resolves to those that are to be made again, list by list. It does not fail. */
export type Pass = (ops: readonly Operation[]) => Promise<Lists>

/**
 * Runs operations in batches, one after another: what is accepted while one is under way goes with
 * the next. What a batch leaves to be made again is made beside the others; only operations on the
 * same keys wait for it.
 */
export class Scheduler {
  readonly #pass: Pass
  #gathering: Operation[] | undefined
  /** Settles when the batch before has passed. */
  #turn: Promise<unknown> = Promise.resolve()
  /** By key, what is still made again. */
  readonly #held = new Map<string, Promise<void>>()

  constructor(pass: Pass) {
    this.#pass = pass
  }

  /** The batch goes out with the next microtask, or when the one before has passed. */
  add(op: Operation): void {
    if (this.#gathering === undefined) {
      const ops: Operation[] = []
      this.#gathering = ops
      this.#turn = this.#turn.then(() => {
        if (this.#gathering === ops) this.#gathering = undefined
        return this.#begin(ops)
      })
    }
    this.#gathering.push(op)
  }

  /** Runs something after all that was accepted, and ahead of all that comes later. */
  alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.settled().then(run)
    this.#gathering = undefined
    this.#turn = result.then(noop, noop)
    return result
  }

  /** Settles when everything accepted so far has. */
  async settled(): Promise<void> {
    await this.#turn
    await Promise.all(this.#held.values())
  }

  async #begin(ops: readonly Operation[]): Promise<void> {
    const free = this.#held.size === 0 ? ops : this.#withoutHeld(ops)
    const left = await this.#pass(free)
    if (left.length > 0) this.#hold(left, Promise.resolve())
  }

  /** Those whose keys nothing else is made again on; the others wait for that. */
  #withoutHeld(ops: readonly Operation[]): readonly Operation[] {
    return chained(ops).flatMap((chain) => {
      const before = keysOf(chain).flatMap((key) => this.#held.get(key) ?? [])
      if (before.length === 0) return chain
      this.#hold([chain], Promise.all(before))
      return []
    })
  }

  #hold(lists: Lists, before: Promise<unknown>): void {
    const keys = keysOf(lists.flat())
    const done = before
      .then(() => this.#again(lists))
      .finally(() => {
        for (const key of keys) if (this.#held.get(key) === done) this.#held.delete(key)
      })
    for (const key of keys) this.#held.set(key, done)
  }

  /** Until all is done. */
  async #again(lists: Lists): Promise<void> {
    for (const ops of lists) {
      const tries = ops[0]?.tries ?? 0
      if (tries > 0) await pause(tries)
      await this.#again(await this.#pass(ops))
    }
  }
}

function keysOf(ops: readonly Operation[]): readonly string[] {
  return ops.flatMap(({ keys }) => keys)
}

/** Contenders spread out; one that waits long is no worse off than one that just came. */
export function pause(tries: number): Promise<void> {
  return sleep(Math.random() * Math.min(2 ** (tries - 1), 64))
}
