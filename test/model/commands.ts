import * as fc from 'fast-check'
import {
  type KeyedOperation,
  keyedOperations,
  KEYS,
  namespaceOperations,
  type StoreOperation,
} from './operations.ts'

/** A call by one of the clients. */
export interface ClientCall<Operation> {
  readonly client: number
  readonly op: Operation
}

/** What a run does next. */
export type Command =
  | ({ readonly kind: 'call' } & ClientCall<StoreOperation>)
  /** Calls that start in one tick. */
  | { readonly kind: 'burst'; readonly calls: readonly ClientCall<KeyedOperation>[] }
  /** A call that is refused: the index of one of `INVALID_CALLS`, taken modulo their number. */
  | { readonly kind: 'invalid'; readonly client: number; readonly call: number }
  | { readonly kind: 'advance'; readonly ms: number }
  /** Closes a store and opens it again. */
  | { readonly kind: 'reopen'; readonly client: number }
  /** Closes one runtime or both, and starts them with new plugins over the same backend. */
  | { readonly kind: 'restart'; readonly runtimes: readonly number[]; readonly drops: boolean }
  /** Starts a watch, and may read its initial keys at once. */
  | { readonly kind: 'watch'; readonly client: number; readonly reads: boolean }
  /** Checks what the watch has reported so far. */
  | { readonly kind: 'read-watch' }

/** The runtime of each client. The last client has a namespace of its own. */
export const CLIENTS = [
  { runtime: 0, namespace: 0 },
  { runtime: 0, namespace: 0 },
  { runtime: 1, namespace: 0 },
  { runtime: 0, namespace: 1 },
] as const

/** The keys of a burst: fewer, so that its calls meet. */
const BURST_KEYS = ['a', 'b', '__proto__']

/** Generates the commands of a run. */
export function commands({
  maxCommands,
  hasBursts,
}: {
  readonly maxCommands: number
  readonly hasBursts: boolean
}): fc.Arbitrary<readonly Command[]> {
  const client = fc.constantFrom(0, 0, 1, 1, 2, 2, 2, 3)
  const command: fc.Arbitrary<Command> = fc.oneof(
    {
      weight: 24,
      arbitrary: fc.record({
        kind: fc.constant('call' as const),
        client,
        op: keyedOperations(KEYS),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('call' as const), client, op: namespaceOperations }),
    },
    {
      weight: hasBursts ? 16 : 0,
      arbitrary: fc.record({
        kind: fc.constant('burst' as const),
        calls: fc.array(
          fc.record({ client: fc.integer({ min: 0, max: 2 }), op: keyedOperations(BURST_KEYS) }),
          { minLength: 2, maxLength: 5 },
        ),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('invalid' as const), client, call: fc.nat(1000) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('advance' as const),
        ms: fc.constantFrom(1, 10, 20, 50, 100),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('reopen' as const), client }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('restart' as const),
        runtimes: fc.constantFrom([0], [1], [0, 1]),
        drops: fc.constantFrom(false, false, false, true),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('watch' as const), client, reads: fc.boolean() }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('read-watch' as const) }),
    },
  )
  return fc.array(command, { maxLength: maxCommands, size: 'max' })
}
