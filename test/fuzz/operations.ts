import * as fc from 'fast-check'

/** The keys of a burst. What is under `DAMAGED` cannot be read; `MALFORMED` is no key at all. */
export const KEYS: readonly string[] = ['a', 'b', '']
export const DAMAGED = 'damaged'
export const MALFORMED = '\ud800'
/** Where strangers write, only `setMany` writes these, and always all of them. */
export const TOGETHER = ['together/1', 'together/2']

/**
 * Every value is a list of the ids of those who made it: `set` begins one, `update` adds to one. So
 * a value tells which writes it stands on, in which order. The storage refuses a list with an id
 * from here on.
 */
export const REFUSED = 1_000_000

/** What is handed in: something to store, something the storage refuses, something that is no value. */
export type Given = 'good' | 'refused' | 'bad'

/**
 * How a function answers: at once; as an async function that awaits nothing; after some microtasks;
 * after a turn of the event loop; after another operation of the store.
 */
export type Manner = 'sync' | 'async' | 'microtasks' | 'turn' | 'nested'

/** What a function does: adds an id; throws; removes, or takes the list apart. */
export type Deed = Given | 'throw' | 'remove'

export type Op =
  | { readonly kind: 'get' | 'has' | 'record' | 'delete' | 'pop'; readonly key: string }
  | { readonly kind: 'set'; readonly key: string; readonly given: Given; readonly ttl?: number }
  | {
      readonly kind: 'update'
      readonly key: string
      readonly deed: Deed
      readonly manner: Manner
      /** The function also tries to set the key itself. */
      readonly meddles: boolean
    }
  | {
      readonly kind: 'mutable'
      readonly key: string
      readonly deed: Exclude<Deed, 'remove'>
      readonly manner: Manner
      readonly initial: boolean
    }
  | { readonly kind: 'getOrInsert'; readonly key: string; readonly given: Given }
  | { readonly kind: 'setMany'; readonly keys: readonly string[]; readonly given: Given }
  | { readonly kind: 'size' | 'keys' | 'entries' | 'clear' }

/** How far the next tick is: at once after some microtasks, after a turn, or when all has settled. */
export interface Tick {
  readonly ops: readonly Op[]
  readonly next: 'microtask' | 'turn' | 'settle'
  /** By how many milliseconds the clock moves, once all has settled. */
  readonly passes: number
}

/** The keys that an operation names. */
export function keysOf(op: Op): readonly string[] {
  if (op.kind === 'setMany') return op.keys
  return 'key' in op ? [op.key] : []
}

/** The id that an operation adds to a value. */
export function idOf(what: Deed, id: number): number {
  return what === 'refused' ? REFUSED + id : id
}

const key = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 2, arbitrary: fc.constant(DAMAGED) },
  { weight: 1, arbitrary: fc.constant(MALFORMED) },
)
const given: fc.Arbitrary<Given> = fc.oneof(
  { weight: 12, arbitrary: fc.constant('good' as const) },
  { weight: 1, arbitrary: fc.constantFrom('refused', 'bad') },
)
const fast: fc.Arbitrary<Manner> = fc.constantFrom('sync', 'sync', 'async')
const anyManner: fc.Arbitrary<Manner> = fc.constantFrom(
  'sync',
  'async',
  'microtasks',
  'turn',
  'nested',
)

/** One operation. With `slow`, functions may take their time, and `setMany` keeps to its own keys. */
function anOperation(slow: boolean): fc.Arbitrary<Op> {
  const manner = slow ? anyManner : fast
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('get', 'has', 'record'), key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('delete', 'pop'), key }) },
    {
      weight: 5,
      arbitrary: fc.record(
        { kind: fc.constant('set'), key, given, ttl: fc.constantFrom(5, 20) },
        { requiredKeys: ['kind', 'key', 'given'] },
      ),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('update'),
        key,
        deed: fc.oneof(
          { weight: 10, arbitrary: given },
          { weight: 1, arbitrary: fc.constant('throw' as const) },
          { weight: 1, arbitrary: fc.constant('remove' as const) },
        ),
        manner,
        meddles: fc.constantFrom(...Array.from({ length: 15 }, () => false), true),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('mutable'),
        key,
        deed: fc.oneof(
          { weight: 10, arbitrary: given },
          { weight: 1, arbitrary: fc.constant('throw' as const) },
        ),
        manner,
        initial: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('getOrInsert'), key, given }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('setMany'),
        keys: slow
          ? fc.constant(TOGETHER)
          : fc.uniqueArray(key, { minLength: 0, maxLength: 3, size: 'max' }),
        given,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom('size', 'keys', 'entries', 'clear') }),
    },
  )
}

/** A burst: up to some 25 operations in up to 4 ticks. */
export function ticks(slow: boolean, mustSettle: boolean): fc.Arbitrary<readonly Tick[]> {
  return fc.array(
    fc.record({
      ops: fc.array(anOperation(slow), { minLength: 1, maxLength: 8, size: 'max' }),
      // Where a tick waits for no earlier one, their order is known only if there is none under way.
      next: mustSettle
        ? fc.constant('settle' as const)
        : fc.constantFrom('microtask', 'turn', 'settle'),
      passes: fc.constantFrom(0, 0, 5, 20),
    }),
    { minLength: 1, maxLength: 4, size: 'max' },
  )
}
