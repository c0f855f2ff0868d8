import type { Operation, SearchInput, Timeline } from './timeline.ts'

/** How many operations that are not done need or make a state of a key, by the text of the state. */
interface Counts {
  readonly needs: Map<string, number>
  readonly makes: Map<string, number>
  /** How many may make any state. */
  makers: number
  /** How many need a state if they take effect in one of several ways. */
  readonly mayNeed: Map<string, number>
  /** How many depend on the value in another way. */
  users: number
}

/** Counts what the operations that are not done need, and what they may make. */
export class Demand {
  readonly #keys: readonly string[]
  readonly #counts: readonly Counts[]
  /** The keys that may be missing since their value has expired. */
  readonly #expiring = new Set<number>()

  constructor({ keys, contents, initial }: SearchInput, timelines: readonly Timeline[]) {
    this.#keys = keys
    this.#counts = contents.map(({ needs = '' }) => {
      return {
        needs: new Map([[needs, 1]]),
        makes: new Map(),
        makers: 0,
        mayNeed: new Map(),
        users: 0,
      }
    })
    for (const [index, state] of initial.entries()) if (state?.expires) this.#expiring.add(index)
    for (const { required, optional } of timelines)
      for (const operation of [...required, ...optional]) this.add(operation, 1)
  }

  add({ choices, effect: { isOptional } }: Operation, by: 1 | -1): void {
    for (const choice of choices) {
      for (const { key, needs, makes, usesValue, changesExpiry } of choice) {
        const index = this.#keys.indexOf(key)
        const counts = this.#counts[index]
        if (!counts) continue
        if (changesExpiry) this.#expiring.add(index)
        if (usesValue) counts.users += by
        // What has a choice, or need not happen, needs nothing.
        if (needs !== undefined)
          increase(isOptional || choices.length > 1 ? counts.mayNeed : counts.needs, needs, by)
        if (makes) for (const text of makes) increase(counts.makes, text, by)
        else counts.makers += by
      }
    }
  }

  /** Whether an operation needs a value that is not there and that none makes. */
  isUnmet(texts: readonly string[]): boolean {
    return this.#counts.some(({ needs, makes, makers }, index) =>
      [...needs].some(
        ([text]) =>
          text !== texts[index] &&
          makers === 0 &&
          !makes.has(text) &&
          !(text === '' && this.#expiring.has(index)),
      ),
    )
  }

  /** Whether a value makes a difference to an operation that is not done. */
  isSeen(index: number, text: string): boolean {
    const counts = this.#counts[index]
    return (
      counts === undefined ||
      counts.users > 0 ||
      has(counts.needs, text) ||
      has(counts.mayNeed, text)
    )
  }

  /** Whether another operation needs a value that no other makes. */
  isNeeded(index: number, text: string, operation: Operation): boolean {
    const counts = this.#counts[index]
    if (!counts || (text === '' && this.#expiring.has(index))) return false
    this.add(operation, -1)
    const isNeeded = has(counts.needs, text) && !has(counts.makes, text) && counts.makers === 0
    this.add(operation, 1)
    return isNeeded
  }
}

function increase(counts: Map<string, number>, text: string, by: number): void {
  counts.set(text, (counts.get(text) ?? 0) + by)
}

function has(counts: ReadonlyMap<string, number>, text: string): boolean {
  return (counts.get(text) ?? 0) > 0
}
