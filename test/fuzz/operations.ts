import * as fc from 'fast-check'
import type { KeysOptions } from '../../src/index.ts'

/**
 * The keys of a case. `COUNTER` holds numbers, the others hold lists. The storage cannot read
 * `DAMAGED`; `MALFORMED` is not a valid key.
 */
export const KEYS: readonly string[] = ['a', 'b', '']
export const COUNTER = 'a/count'
export const DAMAGED = 'damaged'
export const MALFORMED = '\ud800'
/** If other clients write, these keys are written only together. */
export const WRITTEN_TOGETHER = ['together/1', 'together/2']

/** A value to store: one that the storage takes, one that it refuses, or an invalid value. */
export type ValueKind = 'valid' | 'refused' | 'invalid'

/**
 * When an updater returns: synchronously, as an async function that awaits nothing, after some
 * microtasks, after a task of the event loop, or after another operation of the store.
 */
export type UpdaterTiming = 'sync' | 'async' | 'microtasks' | 'task' | 'nested'

/** What an updater does: adds its id (or a value of this kind), throws, or removes the key. */
export type UpdaterAction = ValueKind | 'throw' | 'remove'

/** Options that set an expiry, or keep the one that is there. */
export interface FuzzExpiry {
  readonly ttl?: number
  readonly expires?: null
  readonly onInsert?: boolean
}

export type FuzzOperation =
  | { readonly kind: 'get' | 'has' | 'record' | 'delete' | 'pop'; readonly key: string }
  | {
      readonly kind: 'set' | 'insert' | 'getOrInsert' | 'increment'
      readonly key: string
      readonly value: ValueKind
      readonly expiry?: FuzzExpiry
    }
  | {
      readonly kind: 'append'
      readonly key: string
      readonly value: ValueKind
      readonly expiry?: FuzzExpiry
      readonly max?: number
    }
  | { readonly kind: 'touch'; readonly key: string; readonly expiry: FuzzExpiry }
  | {
      readonly kind: 'update'
      readonly key: string
      readonly action: UpdaterAction
      readonly timing: UpdaterTiming
      /** Whether the updater also calls `set` for its own key. */
      readonly writesOwnKey: boolean
      readonly expiry?: FuzzExpiry
    }
  | {
      readonly kind: 'mutable'
      readonly key: string
      readonly action: Exclude<UpdaterAction, 'remove'>
      readonly timing: UpdaterTiming
      readonly initial: boolean
      readonly expiry?: FuzzExpiry
    }
  | {
      readonly kind: 'transaction'
      readonly keys: readonly string[]
      /** `unnamed`: reads a key that it has not named, and catches the error. */
      readonly action: UpdaterAction | 'unnamed'
      readonly timing: UpdaterTiming
      /** How many of its keys it writes; it reads all. */
      readonly writes: number
    }
  | { readonly kind: 'setMany'; readonly keys: readonly string[]; readonly value: ValueKind }
  | { readonly kind: 'getMany' | 'deleteMany'; readonly keys: readonly string[] }
  | { readonly kind: 'size' }
  | { readonly kind: 'clear'; readonly prefix?: string }
  | { readonly kind: 'keys' | 'entries'; readonly options: KeysOptions }

/** The operations of one tick, and when the next tick begins. */
export interface Tick {
  readonly operations: readonly FuzzOperation[]
  readonly next: 'microtask' | 'task' | 'settle'
  /** How far the clock advances once all operations have settled, in milliseconds. */
  readonly clockAdvanceMs: number
}

/** The keys that an operation names. */
export function keysOf(op: FuzzOperation): readonly string[] {
  if ('keys' in op) return op.keys
  return 'key' in op ? [op.key] : []
}

/** Whether an operation names this key, or affects every key with its prefix. */
export function affectsKey(op: FuzzOperation, name: string): boolean {
  return op.kind === 'clear' ? name.startsWith(op.prefix ?? '') : keysOf(op).includes(name)
}

const keyWith = (counterWeight: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...KEYS) },
    { weight: counterWeight, arbitrary: fc.constant(COUNTER) },
    { weight: 2, arbitrary: fc.constant(DAMAGED) },
    { weight: 1, arbitrary: fc.constant(MALFORMED) },
  )
const key = keyWith(6)
const value: fc.Arbitrary<ValueKind> = fc.oneof(
  { weight: 12, arbitrary: fc.constant('valid' as const) },
  { weight: 1, arbitrary: fc.constantFrom('refused', 'invalid') },
)
const action: fc.Arbitrary<ValueKind | 'throw'> = fc.oneof(
  { weight: 10, arbitrary: value },
  { weight: 1, arbitrary: fc.constant('throw' as const) },
)
const fast: fc.Arbitrary<UpdaterTiming> = fc.constantFrom('sync', 'sync', 'async')
const anyTiming: fc.Arbitrary<UpdaterTiming> = fc.constantFrom(
  'sync',
  'async',
  'microtasks',
  'task',
  'nested',
)
const newExpiry: fc.Arbitrary<FuzzExpiry> = fc.constantFrom(
  { ttl: 5 },
  { ttl: 20 },
  { expires: null },
)
const expiry: fc.Arbitrary<FuzzExpiry> = fc.oneof(
  newExpiry,
  fc.constantFrom({ ttl: 5, onInsert: true }, { ttl: 20, onInsert: true }),
)
const listing: fc.Arbitrary<KeysOptions> = fc.record(
  {
    prefix: fc.constantFrom('', 'a', 'b'),
    after: fc.constantFrom('', 'a', 'a/', 'b', 'z'),
    limit: fc.constantFrom(1, 2, 3),
    reverse: fc.boolean(),
  },
  { requiredKeys: [] },
)

interface OperationKinds {
  /** Updaters may take long, other clients write, and some keys are written only together. */
  readonly slow: boolean
  /** `deleteMany` is not atomic, and so has one key. */
  readonly isAtomic: boolean
}

function operationArbitrary({ slow, isAtomic }: OperationKinds): fc.Arbitrary<FuzzOperation> {
  const timing = slow ? anyTiming : fast
  const severalKeys = fc.uniqueArray(key, { minLength: 0, maxLength: 3, size: 'max' })
  const twoKeys = fc.uniqueArray(key, { minLength: 2, maxLength: 2 })
  const together = fc.constant(WRITTEN_TOGETHER)
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('get', 'has', 'record'), key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('delete', 'pop'), key }) },
    {
      weight: 5,
      arbitrary: fc.record(
        { kind: fc.constantFrom('set', 'set', 'insert'), key, value, expiry: newExpiry },
        { requiredKeys: ['kind', 'key', 'value'] },
      ),
    },
    {
      weight: 2,
      arbitrary: fc.record(
        { kind: fc.constant('getOrInsert'), key, value, expiry },
        { requiredKeys: ['kind', 'key', 'value'] },
      ),
    },
    {
      weight: 4,
      arbitrary: fc.record(
        { kind: fc.constant('increment'), key: keyWith(200), value, expiry },
        { requiredKeys: ['kind', 'key', 'value'] },
      ),
    },
    {
      weight: 4,
      arbitrary: fc.record(
        // A list that is cut does not show which writes it builds on.
        { kind: fc.constant('append'), key, value, expiry, ...(!slow && { max: fc.constant(2) }) },
        { requiredKeys: ['kind', 'key', 'value'] },
      ),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('touch'), key, expiry: newExpiry }) },
    {
      weight: 8,
      arbitrary: fc.record(
        {
          kind: fc.constant('update'),
          key,
          action: fc.oneof(
            { weight: 11, arbitrary: action },
            { weight: 1, arbitrary: fc.constant('remove' as const) },
          ),
          timing,
          writesOwnKey: fc.constantFrom(...Array.from({ length: 15 }, () => false), true),
          expiry,
        },
        { requiredKeys: ['kind', 'key', 'action', 'timing', 'writesOwnKey'] },
      ),
    },
    {
      weight: 4,
      arbitrary: fc.record(
        { kind: fc.constant('mutable'), key, action, timing, initial: fc.boolean(), expiry },
        { requiredKeys: ['kind', 'key', 'action', 'timing', 'initial'] },
      ),
    },
    {
      weight: 5,
      arbitrary: fc
        .record({
          kind: fc.constant('transaction' as const),
          keys: slow ? fc.oneof(twoKeys, together) : twoKeys,
          action: fc.oneof(
            { weight: 11, arbitrary: action },
            { weight: 1, arbitrary: fc.constantFrom('remove', 'unnamed') },
          ),
          timing,
          writes: fc.constantFrom(0, 1, 2, 2),
        })
        .map((op) => (op.keys === WRITTEN_TOGETHER && op.writes === 1 ? { ...op, writes: 2 } : op)),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('setMany'),
        keys: slow ? together : severalKeys,
        value,
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('getMany'), keys: severalKeys }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('deleteMany'),
        keys: isAtomic ? severalKeys : fc.tuple(key),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.oneof(
        fc.record({ kind: fc.constant('size') }),
        fc.record({ kind: fc.constantFrom('keys', 'entries'), options: listing }),
        fc.record(
          { kind: fc.constant('clear'), prefix: fc.constantFrom('', 'a') },
          { requiredKeys: ['kind'] },
        ),
      ),
    },
  )
}

/** Up to 32 operations in up to 4 ticks. */
export function ticks({
  mustSettle,
  ...kinds
}: OperationKinds & { readonly mustSettle: boolean }): fc.Arbitrary<readonly Tick[]> {
  return fc.array(
    fc.record({
      operations: fc.array(operationArbitrary(kinds), { minLength: 1, maxLength: 8, size: 'max' }),
      // If ticks do not wait for each other, their order is known only if the earlier one has settled.
      next: mustSettle
        ? fc.constant('settle' as const)
        : fc.constantFrom('microtask', 'task', 'settle'),
      clockAdvanceMs: fc.constantFrom(0, 0, 5, 20),
    }),
    { minLength: 1, maxLength: 4, size: 'max' },
  )
}
