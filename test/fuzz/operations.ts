import * as fc from 'fast-check'

/** The keys of a case. The storage cannot read `DAMAGED`; `MALFORMED` is not a valid key. */
export const KEYS: readonly string[] = ['a', 'b', '']
export const DAMAGED = 'damaged'
export const MALFORMED = '\ud800'
/** If other clients write, only `setMany` writes these keys, and always all of them. */
export const WRITTEN_TOGETHER = ['together/1', 'together/2']

/**
 * Every value is a list of operation ids: `set` starts a list with its own id, `update` appends its
 * id. So a value shows which writes it builds on, in which order. The storage refuses a list with an
 * id of at least `REFUSED`.
 */
export const REFUSED = 1_000_000

/** A value to store: one that the storage takes, one that it refuses, or an invalid value. */
export type ValueKind = 'valid' | 'refused' | 'invalid'

/**
 * When an updater returns: synchronously, as an async function that awaits nothing, after some
 * microtasks, after a turn of the event loop, or after another operation of the store.
 */
export type UpdaterTiming = 'sync' | 'async' | 'microtasks' | 'turn' | 'nested'

/** What an updater does: appends its id (or a value of this kind), throws, or removes the key. */
export type UpdaterAction = ValueKind | 'throw' | 'remove'

export type FuzzOperation =
  | { readonly kind: 'get' | 'has' | 'record' | 'delete' | 'pop'; readonly key: string }
  | { readonly kind: 'set'; readonly key: string; readonly value: ValueKind; readonly ttl?: number }
  | {
      readonly kind: 'update'
      readonly key: string
      readonly action: UpdaterAction
      readonly timing: UpdaterTiming
      /** Whether the updater also calls `set` for its own key. */
      readonly writesOwnKey: boolean
    }
  | {
      readonly kind: 'mutable'
      readonly key: string
      readonly action: Exclude<UpdaterAction, 'remove'>
      readonly timing: UpdaterTiming
      readonly initial: boolean
    }
  | { readonly kind: 'getOrInsert'; readonly key: string; readonly value: ValueKind }
  | { readonly kind: 'setMany'; readonly keys: readonly string[]; readonly value: ValueKind }
  | { readonly kind: 'size' | 'keys' | 'entries' | 'clear' }

/** The operations of one tick, and when the next tick begins. */
export interface Tick {
  readonly operations: readonly FuzzOperation[]
  readonly next: 'microtask' | 'turn' | 'settle'
  /** How far the clock advances once all operations have settled, in milliseconds. */
  readonly clockAdvanceMs: number
}

/** The keys that an operation names. */
export function keysOf(op: FuzzOperation): readonly string[] {
  if (op.kind === 'setMany') return op.keys
  return 'key' in op ? [op.key] : []
}

/** The id that an operation writes. */
export function writtenId(action: UpdaterAction, id: number): number {
  return action === 'refused' ? REFUSED + id : id
}

const key = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 2, arbitrary: fc.constant(DAMAGED) },
  { weight: 1, arbitrary: fc.constant(MALFORMED) },
)
const value: fc.Arbitrary<ValueKind> = fc.oneof(
  { weight: 12, arbitrary: fc.constant('valid' as const) },
  { weight: 1, arbitrary: fc.constantFrom('refused', 'invalid') },
)
const fast: fc.Arbitrary<UpdaterTiming> = fc.constantFrom('sync', 'sync', 'async')
const anyTiming: fc.Arbitrary<UpdaterTiming> = fc.constantFrom(
  'sync',
  'async',
  'microtasks',
  'turn',
  'nested',
)

/** One operation. With `slow`, updaters may take long, and `setMany` writes only its own keys. */
function operationArbitrary(slow: boolean): fc.Arbitrary<FuzzOperation> {
  const timing = slow ? anyTiming : fast
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('get', 'has', 'record'), key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('delete', 'pop'), key }) },
    {
      weight: 5,
      arbitrary: fc.record(
        { kind: fc.constant('set'), key, value, ttl: fc.constantFrom(5, 20) },
        { requiredKeys: ['kind', 'key', 'value'] },
      ),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('update'),
        key,
        action: fc.oneof(
          { weight: 10, arbitrary: value },
          { weight: 1, arbitrary: fc.constant('throw' as const) },
          { weight: 1, arbitrary: fc.constant('remove' as const) },
        ),
        timing,
        writesOwnKey: fc.constantFrom(...Array.from({ length: 15 }, () => false), true),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('mutable'),
        key,
        action: fc.oneof(
          { weight: 10, arbitrary: value },
          { weight: 1, arbitrary: fc.constant('throw' as const) },
        ),
        timing,
        initial: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('getOrInsert'), key, value }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('setMany'),
        keys: slow
          ? fc.constant(WRITTEN_TOGETHER)
          : fc.uniqueArray(key, { minLength: 0, maxLength: 3, size: 'max' }),
        value,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom('size', 'keys', 'entries', 'clear') }),
    },
  )
}

/** Up to 32 operations in up to 4 ticks. */
export function ticks({
  slow,
  mustSettle,
}: {
  readonly slow: boolean
  readonly mustSettle: boolean
}): fc.Arbitrary<readonly Tick[]> {
  return fc.array(
    fc.record({
      operations: fc.array(operationArbitrary(slow), { minLength: 1, maxLength: 8, size: 'max' }),
      // If ticks do not wait for each other, their order is known only if the earlier one has settled.
      next: mustSettle
        ? fc.constant('settle' as const)
        : fc.constantFrom('microtask', 'turn', 'settle'),
      clockAdvanceMs: fc.constantFrom(0, 0, 5, 20),
    }),
    { minLength: 1, maxLength: 4, size: 'max' },
  )
}
