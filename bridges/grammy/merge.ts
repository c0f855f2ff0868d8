import { isPlainObject } from '../../src/arguments.ts'
import { recopy } from '../../src/value/copy-value.ts'
import { isEqual } from '../is-equal.ts'

/**
 * Resolves a field that two updates changed. The result is stored; `undefined` removes the field.
 *
 * @param base the field when this update was read; `undefined`: missing
 * @param mine the field as this update left it
 * @param current the field that another update has stored in between
 */
export type FieldMerge<V> = (
  base: V | undefined,
  mine: V | undefined,
  current: V | undefined,
) => V | undefined

/** How to resolve a field that two updates changed, by the name of the field. */
export type SessionMerge<S> = { readonly [Field in keyof S]?: FieldMerge<S[Field]> | undefined }

/** Tests what is given as `merge`: a field that is `undefined` has no function. */
export function isSessionMerge(merge: unknown): boolean {
  return (
    isPlainObject(merge) &&
    Object.values(merge).every((each) => each === undefined || typeof each === 'function')
  )
}

/** The change of a session by one update. `undefined`: there is no session. */
export interface SessionChange {
  /** What was read. */
  readonly stored: unknown
  /** What the update started from: what was read, or the initial session. */
  readonly base: unknown
  readonly mine: unknown
}

type Fields = Record<string, unknown>

/**
 * Applies the change of an update to the session that is stored now.
 *
 * @param onConflict receives the names of the fields that both changed and `merge` does not name; no
 * name: the whole session
 */
export function applyChange(
  { stored, base, mine }: SessionChange,
  current: unknown,
  merge: SessionMerge<Fields>,
  onConflict: (fields: readonly string[]) => never,
): unknown {
  if (isEqual(stored, current)) return mine
  if (!isPlainObject(base) || !isPlainObject(mine) || !isPlainObject(current)) return onConflict([])
  const [before, after, merged] = [base as Fields, mine as Fields, { ...current } as Fields]
  const conflicts: string[] = []
  for (const field of Object.keys({ ...before, ...after })) {
    if (isSameField(before, after, field)) continue
    let value = after[field]
    let isPresent = Object.hasOwn(after, field)
    // Two equal changes are a conflict too: a counter that both increased has one increment too few.
    if (!isSameField(before, merged, field)) {
      const resolve = Object.hasOwn(merge, field) ? merge[field] : undefined
      if (resolve) value = resolve(recopy(before[field]), recopy(value), merged[field])
      else conflicts.push(field)
      isPresent = value !== undefined
    }
    if (isPresent) merged[field] = value
    else delete merged[field]
  }
  return conflicts.length > 0 ? onConflict(conflicts) : merged
}

function isSameField(a: Fields, b: Fields, field: string): boolean {
  return Object.hasOwn(a, field) === Object.hasOwn(b, field) && isEqual(a[field], b[field])
}
