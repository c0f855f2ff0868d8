import type { Step } from '../step.ts'

/** The times of a case, in milliseconds since 1970. */
export interface Times {
  /** The time of the calls, at which the expired entries expire. */
  readonly now: number
  /** When the live entries expire. */
  readonly live: number
  /** The expiry in the rules of the steps. */
  readonly next: number
}

/** What a step must do: its result, and the value and expiry of the entry after it. */
export interface StepCase {
  readonly step: Step
  /** The value before the step. */
  readonly before?: unknown
  readonly result: unknown
  /** The entry after the step; absent: the step changes nothing. */
  readonly after?: { readonly value: unknown; readonly expires?: number } | 'removed'
}

/** Steps on keys without a live entry. */
export function casesOnMissing({ next }: Times): readonly StepCase[] {
  return [
    { step: { kind: 'insert', value: 'new' }, result: true, after: { value: 'new' } },
    {
      step: { kind: 'insert', value: 'new', expiry: { expires: next } },
      result: true,
      after: { value: 'new', expires: next },
    },
    { step: { kind: 'getOrInsert', value: 'new' }, result: 'new', after: { value: 'new' } },
    {
      step: { kind: 'getOrInsert', value: 'new', expiry: { expires: next, onInsert: true } },
      result: 'new',
      after: { value: 'new', expires: next },
    },
    { step: { kind: 'increment', by: 2 }, result: 2, after: { value: 2 } },
    {
      step: { kind: 'increment', by: -0.5, expiry: { expires: next, onInsert: true } },
      result: -0.5,
      after: { value: -0.5, expires: next },
    },
    { step: { kind: 'append', item: 'c' }, result: 1, after: { value: ['c'] } },
    {
      step: { kind: 'append', item: 'c', max: 2, expiry: { expires: next } },
      result: 1,
      after: { value: ['c'], expires: next },
    },
    { step: { kind: 'touch', expiry: { expires: next } }, result: false },
    { step: { kind: 'pop' }, result: undefined },
  ]
}

/** Steps on live entries, which expire at `live`. */
export function casesOnLive({ live, next }: Times): readonly StepCase[] {
  return [
    { before: 'old', step: { kind: 'insert', value: 'new' }, result: false },
    {
      before: null,
      step: { kind: 'insert', value: 'new', expiry: { expires: next } },
      result: false,
    },
    { before: 'old', step: { kind: 'getOrInsert', value: 'new' }, result: 'old' },
    {
      before: 'old',
      step: { kind: 'getOrInsert', value: 'new', expiry: { expires: next, onInsert: true } },
      result: 'old',
    },
    {
      before: 'old',
      step: { kind: 'getOrInsert', value: 'new', expiry: { expires: next } },
      result: 'old',
      after: { value: 'old', expires: next },
    },
    {
      before: 5,
      step: { kind: 'increment', by: 2 },
      result: 7,
      after: { value: 7, expires: live },
    },
    {
      before: 5,
      step: { kind: 'increment', by: 2, expiry: { expires: next } },
      result: 7,
      after: { value: 7, expires: next },
    },
    {
      before: 5,
      step: { kind: 'increment', by: 2, expiry: { expires: next, onInsert: true } },
      result: 7,
      after: { value: 7, expires: live },
    },
    {
      before: ['a', 'b'],
      step: { kind: 'append', item: 'c' },
      result: 3,
      after: { value: ['a', 'b', 'c'], expires: live },
    },
    {
      before: ['a', 'b'],
      step: { kind: 'append', item: ['c'], max: 2, expiry: {} },
      result: 2,
      after: { value: ['b', ['c']] },
    },
    {
      before: 'old',
      step: { kind: 'touch', expiry: { expires: next } },
      result: true,
      after: { value: 'old', expires: next },
    },
    { before: 'old', step: { kind: 'touch', expiry: {} }, result: true, after: { value: 'old' } },
    { before: { a: [1] }, step: { kind: 'pop' }, result: { a: [1] }, after: 'removed' },
  ]
}

/** Returns times that are close to each other and in the future. */
export function createTimes(): Times {
  // In the future, so that no backend has removed expired entries already.
  const now = Date.now() + 1_000_000
  return { now, live: now + 500_000, next: now + 900_000 }
}
