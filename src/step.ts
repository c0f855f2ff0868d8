// A step is a read-modify-write of one key, described as data. A backend that runs steps itself
// (`StorageBase.perform`) needs one call for each, also while other clients write the key. Elsewhere
// the queue runs the same steps as updaters.

import { quote, StoreError } from './errors.ts'
import type { Entry } from './entry.ts'

/** The expiry that a step gives to an entry. Without one, an entry keeps the expiry that it has. */
export interface ExpiryRule {
  /** In milliseconds since 1970; absent: the entry never expires. */
  readonly expires?: number | undefined
  /** Whether the rule applies only if the step creates the entry. */
  readonly onInsert?: boolean | undefined
}

/** A read-modify-write of one key, as data. An expired entry counts as missing. */
export type Step =
  /** Stores a value if the key is missing. Result: whether it did. */
  | { readonly kind: 'insert'; readonly value: unknown; readonly expiry?: ExpiryRule | undefined }
  /** Stores a value if the key is missing. Result: the value of the key. */
  | {
      readonly kind: 'getOrInsert'
      readonly value: unknown
      readonly expiry?: ExpiryRule | undefined
    }
  /** Adds to a number; a missing key counts as 0. Result: the sum. */
  | { readonly kind: 'increment'; readonly by: number; readonly expiry?: ExpiryRule | undefined }
  /** Adds an item at the end of a list and keeps the last `max`. Result: the length of the list. */
  | {
      readonly kind: 'append'
      readonly item: unknown
      readonly max?: number | undefined
      readonly expiry?: ExpiryRule | undefined
    }
  /** Changes the expiry of an existing entry. Result: whether there is one. */
  | { readonly kind: 'touch'; readonly expiry: ExpiryRule }
  /** Removes the key. Result: its value, `undefined` if it was missing. */
  | { readonly kind: 'pop' }

/** What a step does to the entry of its key, and its result for the caller. */
export interface StepEffect {
  /** `set`: store `value` with `expires`; `remove`: remove the entry; absent: change nothing. */
  readonly change?: { readonly value: unknown; readonly expires: number | undefined } | 'remove'
  readonly result: unknown
}

/**
 * Runs a step on the entry of its key. Changes neither the step nor the entry.
 *
 * @param live the entry, unless it has expired
 * @throws StoreError `INVALID_VALUE` if the value is of another type than the step needs
 */
export function runStep(step: Step, live: Entry | undefined): StepEffect {
  const expires = nextExpires('expiry' in step ? step.expiry : undefined, live)
  const set = (value: unknown, result: unknown): StepEffect => ({
    change: { value, expires },
    result,
  })
  switch (step.kind) {
    case 'insert':
      return live ? { result: false } : set(step.value, true)
    case 'getOrInsert':
      if (!live) return set(step.value, step.value)
      return expires === live.expires ? { result: live.value } : set(live.value, live.value)
    case 'increment': {
      const current = live ? live.value : 0
      if (typeof current !== 'number') throw wrongType('increment', 'a number', current)
      return set(current + step.by, current + step.by)
    }
    case 'append': {
      const current = live ? live.value : []
      if (!Array.isArray(current)) throw wrongType('append', 'a list', current)
      // Unlike a spread, `concat` keeps holes.
      const list = (current as unknown[]).concat([step.item]).slice(-(step.max ?? 0))
      return set(list, list.length)
    }
    case 'touch':
      return live ? set(live.value, true) : { result: false }
    case 'pop':
      return live ? { change: 'remove', result: live.value } : { result: undefined }
    default:
      throw new StoreError(
        'VERSION_MISMATCH',
        `Received the unknown step ${quote((step as { kind: unknown }).kind)}. Update botshelf.`,
        { outcome: 'not-applied' },
      )
  }
}

/** Returns the result of a step that has stored this value. */
export function resultOfStored({ kind }: Step, value: unknown): unknown {
  if (kind === 'getOrInsert' || kind === 'increment') return value
  return kind === 'append' ? (value as readonly unknown[]).length : true
}

/**
 * Returns the expiry that an entry has after a step, in milliseconds since 1970; `undefined`: never.
 *
 * @param live the entry before the step, unless it has expired
 */
export function nextExpires(
  rule: ExpiryRule | undefined,
  live: Entry | undefined,
): number | undefined {
  const isKept = !rule || (rule.onInsert === true && live)
  return isKept ? live?.expires : rule.expires
}

function wrongType(method: string, expected: string, received: unknown): StoreError {
  return new StoreError(
    'INVALID_VALUE',
    `${method}() needs a key with ${expected} or a missing key; the stored value is ${quote(received)}. Use another key or update().`,
  )
}
