import { isLive } from '../../src/storage.ts'
import { ObjectEngine } from './engine.ts'
import type { Group } from './protocol.ts'

/** How many keys are known to be taken, so that counting a write to one of them needs no read. */
const MAX_TAKEN = 10_000

// How many entries there are and when some of them expire, kept so that no listing is needed.
// Keys known to be taken are kept too: to ask for one that is would read its whole value.
interface Index {
  count: number
  readonly expiring: Map<string, number>
  readonly taken: Set<string>
}

/**
 * The engine of an object that owns all of its storage: it counts its entries once, by listing
 * them, and from then on keeps count.
 */
export class CountingEngine extends ObjectEngine {
  #index: Index | undefined

  /** How many entries are alive at `now`. */
  len(now: number): number {
    const { count, expiring } = this.#indexed()
    let expired = 0
    for (const expires of expiring.values()) if (!isLive({ expires }, now)) expired++
    return count - expired
  }

  override clear(): void {
    // Should a delete fail, the rest is counted anew.
    this.#index = undefined
    super.clear()
    this.#index = empty()
  }

  override sweep(now: number): number {
    const index = this.#indexed()
    this.remove(
      [...index.expiring].flatMap(([key, expires]) => (isLive({ expires }, now) ? [] : key)),
    )
    return index.count
  }

  /** When the next entry expires, in milliseconds since 1970. */
  nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY
    for (const expires of this.#indexed().expiring.values()) next = Math.min(next, expires)
    return next
  }

  protected override write(changes: Group): void {
    const index = this.#index
    const before = index && changes.map(([key]) => this.#isTaken(key, index))
    super.write(changes)
    if (!index || !before) return
    // The last change on a key tells what is there now.
    const last = new Map(changes.map((change, i) => [change[0], { change, taken: before[i] }]))
    for (const [key, { change, taken }] of last) {
      if (taken) {
        index.count--
        index.expiring.delete(key)
        index.taken.delete(key)
      }
      if (change.length > 2) add(index, key, change[5])
    }
  }

  #isTaken(key: string, { taken }: Index): boolean {
    return taken.has(key) || this.get(key) !== undefined
  }

  #indexed(): Index {
    if (this.#index === undefined) {
      const index = empty()
      for (const [name, record] of this.all()) add(index, name.slice(this.base.length), record[3])
      this.#index = index
    }
    return this.#index
  }
}

function empty(): Index {
  return { count: 0, expiring: new Map(), taken: new Set() }
}

function add(index: Index, key: string, expires: number | undefined): void {
  const { expiring, taken } = index
  index.count++
  if (taken.size === MAX_TAKEN) taken.clear()
  taken.add(key)
  if (expires !== undefined) expiring.set(key, expires)
}
