// Builds records of calls by hand. The keys are `k`, or `x` and `y` where there are two.

import {
  type CallAttempt,
  type CallRecord,
  checkHistory,
  type RecordedMethod,
} from '../../../../src/testing/index.ts'

export type Rest = Partial<CallRecord>

/** A call that was made and settled at these times. */
export function call(
  [called, settled]: readonly [number, number | undefined],
  method: RecordedMethod,
  args: readonly unknown[],
  rest: Rest = {},
): CallRecord {
  const [first] = args
  const isPending = settled === undefined
  return {
    client: 'a',
    clock: 'one',
    called,
    ...(!isPending && { settled }),
    method,
    keys: typeof first === 'string' ? [first] : [],
    args,
    outcome: isPending ? 'unknown' : 'applied',
    ...rest,
  }
}

export const failed = (outcome: 'applied' | 'not-applied' | 'unknown'): Rest => ({
  outcome,
  error: {
    name: 'StoreError',
    message: 'failed',
    code: 'BACKEND_ERROR',
    outcome,
    retryable: false,
  },
})

/** What the key `k` holds: `undefined` if it is missing. */
function state(value: unknown): { readonly key: string; readonly value?: unknown } {
  return value === undefined ? { key: 'k' } : { key: 'k', value }
}

/** An `update` that read one value and wrote another. */
export function update(
  times: readonly [number, number],
  read: unknown,
  written: unknown,
): CallRecord {
  const attempts = [{ reads: [state(read)], writes: [state(written)] }]
  return call(times, 'update', ['k', null], { attempts, result: written })
}

export function transaction(
  times: readonly [number, number],
  attempt: CallAttempt,
  rest: Rest = {},
): CallRecord {
  return call(times, 'transaction', [['x', 'y'], null], {
    keys: ['x', 'y'],
    attempts: [attempt],
    ...rest,
  })
}

export const get = (times: readonly [number, number], value: unknown, key = 'k'): CallRecord =>
  call(times, 'get', [key], { result: value })
export const set = (times: readonly [number, number], value: unknown, rest?: Rest): CallRecord =>
  call(times, 'set', ['k', value], rest)

export function kinds(
  records: readonly CallRecord[],
  contents: Record<string, unknown>,
  initial: Record<string, unknown> = {},
): string[] {
  const options = { initial: Object.entries(initial) }
  return checkHistory(records, Object.entries(contents), options).map(({ kind }) => kind)
}

export const both = (value: unknown): CallAttempt => ({
  reads: [],
  writes: [
    { key: 'x', value },
    { key: 'y', value },
  ],
})
export const readBoth = (x: unknown, y: unknown): CallAttempt => ({
  reads: [
    { key: 'x', value: x },
    { key: 'y', value: y },
  ],
  writes: [],
})
