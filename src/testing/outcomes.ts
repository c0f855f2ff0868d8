import {
  checkArgument,
  checkOptions,
  type OptionType,
  type OptionTypes,
  STRING,
} from '../arguments.ts'
import type { Store } from '../store.ts'
import { CallHistory } from './call-history.ts'
import type { CallRecord } from './call-record.ts'
import { type AnyStore, isCall, isListing, Recorder } from './recorder.ts'

/** The options of {@link recordOutcomes}. */
export interface RecordOptions {
  /** The name of the client that uses the store, for people. Default: `client`. */
  readonly client?: string | undefined
  /** Where the calls are recorded. Default: a new {@link CallHistory}. */
  readonly history?: CallHistory | undefined
}

const STORE: OptionType = [
  'an open store',
  (store) => typeof (store as Partial<Store> | null | undefined)?.setMany === 'function',
]
const RECORD_OPTIONS: OptionTypes = {
  client: STRING,
  history: [
    'a CallHistory',
    (history) => {
      const { records, now } = Object(history) as Partial<CallHistory>
      return Array.isArray(records) && typeof now === 'function'
    },
  ],
}

/** A store whose calls are recorded. */
export interface RecordedStore<T extends object> {
  /** Use it in place of the store: it has the same methods. */
  readonly store: Store<T>
  /** The calls so far, as plain data: those of the whole history. */
  readonly records: readonly CallRecord[]
}

/**
 * Records each call of a store: who made it, its arguments, when it was made and settled, and what
 * became of it. {@link checkHistory} tells whether a correct store can have answered so.
 *
 * The store must have no schema that converts values, since the values given are recorded. `watch`
 * and `close` are not recorded.
 *
 * @param options `client`: a name for the records; `history`: records calls of several stores together
 * @throws StoreError `INVALID_VALUE` for what is no store, and for wrong options
 *
 * @example
 * const { store, records } = recordOutcomes(await runtime.open('Karma'))
 * await Promise.all([store.increment('ann'), store.increment('ann')])
 * const contents = new Map<string, unknown>()
 * for await (const [key, value] of store.entries()) contents.set(key, value)
 * assert.deepEqual(checkHistory(records, contents), [])
 */
export function recordOutcomes<T extends object = Record<string, unknown>>(
  store: Store<T>,
  options?: RecordOptions,
): RecordedStore<T> {
  checkArgument('recordOutcomes', store, STORE)
  const { client = 'client', history = new CallHistory() } = checkOptions(options, RECORD_OPTIONS)
  const recorder = new Recorder(store as unknown as AnyStore, client, history)
  const recorded = new Proxy(store, {
    get(target, name) {
      const method = name === Symbol.asyncIterator ? 'entries' : name
      if (isListing(method)) return (arg?: unknown) => recorder.list(method, arg)
      if (isCall(method)) return async (...args: unknown[]) => recorder.call(method, args)
      // A store has private fields, so its methods need the store itself as `this`.
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
  return { store: recorded, records: history.records }
}
