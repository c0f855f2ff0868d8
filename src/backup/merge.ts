import { builtInName } from '../value/built-in.ts'

/** How an array is merged: `append` adds the new elements to it, `replace` replaces it as a whole. */
export type ListMode = 'append' | 'replace'

/**
 * Merges `next` into `current` and returns the value to store. Neither argument is changed. The
 * result may share objects with both, so do not change them afterwards.
 *
 * - Plain objects merge property by property and Maps key by key, at any depth.
 * - Sets become their union. Items of a Set and keys of a Map are compared as a Set or Map does it.
 * - Arrays: `append` returns the elements of `current`, then those of `next`, duplicates included.
 *   Elements are not merged, and holes stay holes. `replace` returns `next`.
 * - Otherwise the result is `next`: for values of any other kind or of two different kinds, and also
 *   for an `undefined` property.
 * - If `current` is `undefined`, the result is `next`.
 *
 * A pair of objects is merged once, so shared references and cycles that exist on both sides are kept.
 * A reference that exists on one side only points to the original object of that side, unmerged.
 * Depth is not limited here; a store rejects a value that nests too deep.
 */
export function mergeValues(current: unknown, next: unknown, lists: ListMode): unknown {
  return new Merger(lists).run(current, next)
}

class Merger {
  readonly #lists: ListMode
  readonly #merged = new Map<object, Map<object, object>>()
  // A work list instead of recursion: two cycles of m and n objects merge into one of up to m × n
  // objects, which may be deeper than the call stack.
  readonly #pending: (() => void)[] = []

  constructor(lists: ListMode) {
    this.#lists = lists
  }

  run(current: unknown, next: unknown): unknown {
    const result = this.#merge(current, next)
    for (let fill = this.#pending.pop(); fill !== undefined; fill = this.#pending.pop()) fill()
    return result
  }

  #merge(current: unknown, next: unknown): unknown {
    if (!isObject(current) || !isObject(next)) return next
    const known = this.#merged.get(current)?.get(next)
    if (known !== undefined) return known
    const merged = this.#mergeObjects(current, next)
    const mergedWith = this.#merged.get(current) ?? new Map<object, object>()
    this.#merged.set(current, mergedWith.set(next, merged))
    return merged
  }

  /** Returns the merged object, which `#pending` fills later; one of the two if the other is empty. */
  #mergeObjects(current: object, next: object): object {
    if (Array.isArray(current) && Array.isArray(next)) {
      if (this.#lists === 'replace' || current.length === 0) return next
      // Unlike a spread, concat keeps holes.
      return next.length === 0 ? current : current.concat(next)
    }
    // With `replace`, merging a value with itself changes nothing. A copy would break references from
    // outside it to the objects inside it.
    if (current === next && this.#lists === 'replace') return next
    if (current instanceof Set && next instanceof Set) {
      if (current.size === 0) return next
      return next.size === 0 ? current : new Set([...current, ...next])
    }
    if (current instanceof Map && next instanceof Map) {
      if (current.size === 0) return next
      return next.size === 0 ? current : this.#mergeMaps(current, next)
    }
    if (builtInName(current) !== 'Object' || builtInName(next) !== 'Object') return next
    if (Object.keys(current).length === 0) return next
    if (Object.keys(next).length === 0) return current
    return this.#mergeRecords(current as Record<string, unknown>, next as Record<string, unknown>)
  }

  #mergeMaps(current: Map<unknown, unknown>, next: Map<unknown, unknown>): object {
    const merged = new Map(current)
    this.#pending.push(() => {
      for (const [key, value] of next) merged.set(key, this.#merge(current.get(key), value))
    })
    return merged
  }

  #mergeRecords(current: Record<string, unknown>, next: Record<string, unknown>): object {
    // A spread copies a property of any name, `__proto__` included.
    const merged = { ...current }
    this.#pending.push(() => {
      for (const [key, value] of Object.entries(next)) {
        const before = Object.hasOwn(current, key) ? current[key] : undefined
        Object.defineProperty(merged, key, {
          // An assignment to `__proto__` would set the prototype.
          value: this.#merge(before, value),
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
