// The calls of a store that a run is made of, as data, and how to generate them.

import * as fc from 'fast-check'

/** When an entry expires. Times are relative to the call, in milliseconds. */
export interface Expiry {
  readonly ttl?: number
  /** `null`: never. A negative number: in the past. */
  readonly expiresIn?: number | null
  readonly onInsert?: true
  readonly version?: number
}

/** What the function of `update` or `mutable` does. */
export type Action =
  | { readonly does: 'replace'; readonly value: unknown }
  | { readonly does: 'remove' | 'keep' | 'throw' | 'return-invalid' }

/** A call of a method of a transaction. */
export type TransactionStep =
  | { readonly kind: 'get' | 'has' | 'record' | 'delete'; readonly key: string }
  | {
      readonly kind: 'set'
      readonly key: string
      readonly value: unknown
      readonly expiry?: Expiry | undefined
    }

/** A call whose effect depends only on its keys. */
export type KeyedOperation =
  | { readonly kind: 'get' | 'has' | 'record' | 'delete' | 'pop'; readonly key: string }
  | { readonly kind: 'getMany' | 'deleteMany'; readonly keys: readonly string[] }
  | {
      readonly kind: 'set' | 'insert' | 'getOrInsert'
      readonly key: string
      readonly value: unknown
      readonly expiry?: Expiry | undefined
    }
  | {
      readonly kind: 'setMany'
      readonly form: 'object' | 'Map' | 'list'
      readonly entries: readonly {
        readonly key: string
        readonly value: unknown
        readonly expiry?: Expiry | undefined
      }[]
      readonly expiry?: Expiry | undefined
    }
  | {
      readonly kind: 'increment'
      readonly key: string
      readonly by?: number | undefined
      readonly expiry?: Expiry | undefined
    }
  | {
      readonly kind: 'append'
      readonly key: string
      readonly item: unknown
      readonly max?: number | undefined
      readonly expiry?: Expiry | undefined
    }
  | { readonly kind: 'touch'; readonly key: string; readonly expiry: Expiry }
  | {
      readonly kind: 'update' | 'mutable'
      readonly key: string
      readonly action: Action
      /** Of `mutable`. */
      readonly initial?: unknown
      readonly isAsync: boolean
      readonly expiry?: Expiry | undefined
    }
  | {
      readonly kind: 'transaction'
      readonly keys: readonly string[]
      readonly steps: readonly TransactionStep[]
      readonly end: 'return' | 'throw' | 'use-other-key'
      readonly isAsync: boolean
      readonly expiry?: Expiry | undefined
    }

/** A call that depends on every key. */
export type NamespaceOperation =
  | { readonly kind: 'size' }
  | { readonly kind: 'clear'; readonly prefix?: string | undefined }
  | {
      readonly kind: 'list'
      readonly method: 'keys' | 'values' | 'entries' | 'records'
      readonly prefix?: string | undefined
      readonly after?: string | undefined
      readonly limit?: number | undefined
      readonly reverse?: boolean | undefined
      /** After how many items the reader stops. */
      readonly take?: number | undefined
    }
  | { readonly kind: 'for await'; readonly take?: number | undefined }

export type StoreOperation = KeyedOperation | NamespaceOperation

/** Returns the keys of an operation. */
export function keysOf(op: KeyedOperation): readonly string[] {
  if ('key' in op) return [op.key]
  return 'keys' in op ? op.keys : op.entries.map(({ key }) => key)
}

/** Few keys, so that calls meet: prefixes of each other, special names, and both orders of Unicode. */
export const KEYS = ['a', 'ab', 'a/1', 'a/2', 'b', '', '__proto__', '\u{1f600}', '\ufffd'] as const

const number = fc.integer({ min: -9, max: 9 })
const leaf = fc.oneof(
  { weight: 3, arbitrary: number },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      0.5,
      -0,
      NaN,
      Infinity,
      10n,
      true,
      null,
      '',
      'text',
      '\ud800',
      new Date(0),
      /a/g,
    ),
  },
)
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 4, arbitrary: fc.array(fc.oneof(leaf, fc.constant(undefined)), { maxLength: 3 }) },
  { weight: 1, arbitrary: leaf },
  {
    weight: 1,
    arbitrary: fc.record(
      { n: leaf, inner: fc.array(leaf, { maxLength: 2 }) },
      { noNullPrototype: true },
    ),
  },
  { weight: 1, arbitrary: leaf.map((inner) => new Map([['inner', inner]])) },
)

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })
const givenExpiry: fc.Arbitrary<Expiry> = fc.oneof(
  fc.record({ ttl: fc.constantFrom(0.5, 1, 20, 50, 100) }),
  fc.record({ expiresIn: fc.constantFrom(null, null, 1, 30, 80, 0, -10) }),
)
const expiry = optional(givenExpiry)
const writeOptions = optional(
  fc.oneof(
    { weight: 4, arbitrary: givenExpiry },
    { weight: 1, arbitrary: fc.record({ version: fc.constantFrom(1, 2) }) },
  ),
)
const stepOptions = optional(
  fc
    .tuple(givenExpiry, fc.boolean())
    .map(([given, onInsert]): Expiry => (onInsert ? { ...given, onInsert } : given)),
)
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('replace' as const), value }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constantFrom('remove', 'keep', 'keep', 'throw', 'return-invalid'),
    }),
  },
)

/** Generates calls for some of these keys. */
export function keyedOperations(names: readonly string[]): fc.Arbitrary<KeyedOperation> {
  // The first key is hot.
  const key = fc.constantFrom(...names.slice(0, 1), ...names.slice(0, 1), ...names)
  const keys = fc.array(key, { maxLength: 4 })
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('get', 'has', 'record', 'delete', 'pop'),
        key,
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom('set', 'set', 'set', 'insert'),
        key,
        value,
        expiry: writeOptions,
      }),
    },
    fc.record({
      kind: fc.constant('getOrInsert' as const),
      key,
      value,
      expiry: stepOptions,
    }),
    fc.record({ kind: fc.constantFrom('getMany', 'deleteMany'), keys }),
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('setMany' as const),
        form: fc.constantFrom('object', 'Map', 'list'),
        entries: fc.array(fc.record({ key, value, expiry: writeOptions }), { maxLength: 4 }),
        expiry: writeOptions,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('increment' as const),
        key,
        by: optional(number),
        expiry: stepOptions,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        key,
        item: fc.oneof(leaf, fc.constant(undefined)),
        max: optional(fc.constantFrom(1, 2, 3)),
        expiry: stepOptions,
      }),
    },
    fc.record({ kind: fc.constant('touch' as const), key, expiry: givenExpiry }),
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('update', 'mutable'),
        key,
        action,
        initial: optional(fc.array(leaf, { maxLength: 2 })),
        isAsync: fc.boolean(),
        expiry: stepOptions,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.array(key, { minLength: 1, maxLength: 3 }).chain((named) => {
        const one = fc.constantFrom(...named)
        const step: fc.Arbitrary<TransactionStep> = fc.oneof(
          fc.record({ kind: fc.constantFrom('get', 'has', 'record', 'delete'), key: one }),
          fc.record({
            kind: fc.constant('set' as const),
            key: one,
            value,
            expiry: writeOptions,
          }),
        )
        return fc.record({
          kind: fc.constant('transaction' as const),
          keys: fc.constant(named),
          steps: fc.array(step, { maxLength: 4 }),
          end: fc.constantFrom('return', 'return', 'return', 'throw', 'use-other-key'),
          isAsync: fc.boolean(),
          expiry,
        })
      }),
    },
  )
}

const take = optional(fc.integer({ min: 0, max: 3 }))
const prefix = optional(fc.constantFrom('', 'a', 'a/', 'b', '__', '\u{1f600}'))

/** Generates calls that depend on every key. */
export const namespaceOperations: fc.Arbitrary<NamespaceOperation> = fc.oneof(
  fc.record({ kind: fc.constant('size' as const) }),
  fc.record({ kind: fc.constant('clear' as const), prefix }),
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('list' as const),
      method: fc.constantFrom('keys', 'values', 'entries', 'records'),
      prefix,
      after: optional(fc.constantFrom(...KEYS, 'a/', 'aa', 'z')),
      limit: optional(fc.integer({ min: 1, max: 4 })),
      reverse: optional(fc.boolean()),
      take,
    }),
  },
  fc.record({ kind: fc.constant('for await' as const), take }),
)
