import { builtInName } from '../value/built-in.ts'

/** What becomes of an array where there is one already: more elements, or other ones. */
export type ListMode = 'append' | 'replace'

/**
 * A value with another merged into it, which is what is to be stored. Neither of the two is
 * changed; the result may hold parts of both, so they should not be changed later either.
 *
 * - Plain objects merge property by property and Maps key by key, at any depth.
 * - Sets become their union. Items of a Set and keys of a Map are the same if a Set or Map says so:
 *   an object is the same as itself only.
 * - Of arrays, `append` makes one: the elements of `current`, then those of `next`, equal ones too.
 *   Elements are not merged, and holes stay holes. `replace` takes the one of `next`.
 * - Otherwise `next` is the result, `undefined` in an object too: values of any other kind, -0
 *   among them, and values of two different kinds.
 * - A missing `current` is `undefined`, and the result is `next`.
 *
 * The same pair of parts, met twice, is one part of the result: what is shared in both stays
 * shared, and where both go in cycles the result does. A reference from what only one of them has
 * leads to that one's part as it was before. Depth is not limited here; what nests deeper than a
 * storage takes is refused by the storage.
 */
export function mergeValues(current: unknown, next: unknown, lists: ListMode): unknown {
  return new Merger(lists).run(current, next)
}

class Merger {
  readonly #lists: ListMode
  readonly #merged = new Map<object, Map<object, object>>()
  // Not by recursion: cycles of 999 and 1000 levels meet in one of 999,000.
  readonly #toFill: (() => void)[] = []

  constructor(lists: ListMode) {
    this.#lists = lists
  }

  run(current: unknown, next: unknown): unknown {
    const result = this.#merge(current, next)
    for (let fill = this.#toFill.pop(); fill !== undefined; fill = this.#toFill.pop()) fill()
    return result
  }

  #merge(current: unknown, next: unknown): unknown {
    if (!isObject(current) || !isObject(next)) return next
    const known = this.#merged.get(current)?.get(next)
    if (known !== undefined) return known
    const merged = this.#begin(current, next)
    const those = this.#merged.get(current)
    if (those === undefined) this.#merged.set(current, new Map([[next, merged]]))
    else those.set(next, merged)
    return merged
  }

  /** What two parts become, still to be filled. Where one of them adds nothing, it is the other. */
  #begin(current: object, next: object): object {
    if (Array.isArray(current) && Array.isArray(next)) {
      if (this.#lists === 'replace' || current.length === 0) return next
      // Unlike a spread this keeps holes.
      return next.length === 0 ? current : current.concat(next)
    }
    // Two of them would make none that is like both: what is shared within it may be elsewhere.
    if (current === next && this.#lists === 'replace') return next
    if (current instanceof Set && next instanceof Set) {
      if (current.size === 0) return next
      return next.size === 0 ? current : new Set([...current, ...next])
    }
    if (current instanceof Map && next instanceof Map) {
      if (current.size === 0) return next
      return next.size === 0 ? current : this.#beginMap(current, next)
    }
    if (!isPlain(current) || !isPlain(next)) return next
    if (Object.keys(current).length === 0) return next
    return Object.keys(next).length === 0 ? current : this.#beginObject(current, next)
  }

  #beginMap(current: Map<unknown, unknown>, next: Map<unknown, unknown>): object {
    const merged = new Map(current)
    this.#toFill.push(() => {
      for (const [key, value] of next) merged.set(key, this.#merge(current.get(key), value))
    })
    return merged
  }

  #beginObject(current: Record<string, unknown>, next: Record<string, unknown>): object {
    // A spread makes own properties of whatever name.
    const merged = { ...current }
    this.#toFill.push(() => {
      for (const [key, value] of Object.entries(next)) {
        const now = Object.hasOwn(current, key) ? current[key] : undefined
        Object.defineProperty(merged, key, {
          // An assignment to `__proto__` would set the prototype.
          value: this.#merge(now, value),
          writable: true,
          enumerable: true,
          configurable: true,
        })
      }
    })
    return merged
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isPlain(value: object): value is Record<string, unknown> {
  return builtInName(value) === 'Object'
}
