import { isPlainObject } from '../../src/arguments.ts'
import { isEqual } from '../is-equal.ts'

/** How many levels of fields are merged: zustand's `{ state: { counts: { ann } } }` has three. */
const MERGE_DEPTH = 3

/** Marks a field that an object does not have, unlike one that is `undefined`. */
const ABSENT = Symbol('absent')
/** Marks a field whose change may not be stored yet. It differs from every value. */
const CHANGED = Symbol('changed')

/** Applies to `stored` what changed from `base` to `mine`. */
export function mergeChanges(
  base: unknown,
  mine: unknown,
  stored: unknown,
  depth: number = MERGE_DEPTH,
): unknown {
  if (depth === 0 || !isPlainObject(mine) || !isPlainObject(stored))
    return isEqual(base, mine) ? stored : mine
  return mapFields([stored, mine, base], ([other, own, before]) =>
    mergeChanges(before, own, other, depth - 1),
  )
}

/** Copies `mine`, with `CHANGED` for each field that differs from `base`. */
export function markChanges(base: unknown, mine: unknown, depth: number = MERGE_DEPTH): unknown {
  if (isEqual(base, mine)) return mine
  if (depth === 0) return CHANGED
  const fields = mapFields([mine, base], ([own, before]) => markChanges(before, own, depth - 1))
  return Object.keys(fields).length > 0 ? fields : CHANGED
}

/** Creates an object with each field of some objects, unless `map` makes it `ABSENT`. */
function mapFields(values: unknown[], map: (fields: unknown[]) => unknown): object {
  const objects = values.map((value) => new Map(isPlainObject(value) ? Object.entries(value) : []))
  const names = new Set(objects.flatMap((object) => [...object.keys()]))
  const mapped = [...names].map((name): [name: string, value: unknown] => {
    const fields = objects.map((object) => (object.has(name) ? object.get(name) : ABSENT))
    return [name, map(fields)]
  })
  return Object.fromEntries(mapped.filter(([, value]) => value !== ABSENT))
}
