import {
  checkRequiredOptions,
  DURATION,
  isPlainObject,
  type OptionTypes,
  POSITIVE_INTEGER,
} from '../arguments.ts'
import { quote, StoreError } from '../errors.ts'
import type { StorageBase } from '../storage.ts'
import { FAULT_KINDS, type FaultKind, type InjectedFault } from './faults.ts'

/**
 * A method of a plugin (`open`, `drop`, `namespaces`) or of a storage. `turn` is `request` of its
 * turns.
 */
export type CallKind =
  | 'open'
  | 'drop'
  | 'namespaces'
  | 'turn'
  | 'get'
  | 'set'
  | 'remove'
  | 'len'
  | 'keys'
  | 'getMany'
  | 'commit'
  | 'transact'
  | 'perform'
  | 'entries'
  | 'liveKeys'
  | 'liveLen'
  | 'clear'
  | 'clearPrefix'
  | 'watch'
  | 'close'

/** The methods of a storage that are calls. */
export const STORAGE_KINDS: readonly (CallKind & keyof StorageBase)[] = [
  'get',
  'set',
  'remove',
  'len',
  'keys',
  'getMany',
  'commit',
  'transact',
  'perform',
  'entries',
  'liveKeys',
  'liveLen',
  'clear',
  'clearPrefix',
  'watch',
  'close',
]

/** All kinds of calls. */
export const CALL_KINDS: readonly CallKind[] = [
  'open',
  'drop',
  'namespaces',
  'turn',
  ...STORAGE_KINDS,
]

const FAULT_OPTIONS: OptionTypes = {
  on: oneOf(CALL_KINDS),
  nth: POSITIVE_INTEGER,
  fault: oneOf(FAULT_KINDS),
  error: ['anything', () => true],
  ms: DURATION,
}

/** A fault of one call. */
export interface Fault extends InjectedFault {
  /** Which kind of call fails. Default: any. */
  readonly on?: CallKind | undefined
  /** Which call of the kind fails, or which of all calls without `on`; a positive integer. */
  readonly nth: number
}

/**
 * The faults of a plugin: a list, or a function that `faulty` calls with each call and that
 * returns its fault, if it has one.
 */
export type FaultPlan =
  | readonly Fault[]
  | ((call: FaultyCall) => FaultKind | InjectedFault | undefined)

/** A call that a `FaultyPlugin` received. */
export interface FaultyCall {
  readonly kind: CallKind
  /** Which call of its kind it is, from 1. */
  readonly nth: number
  /** Which of all calls it is, from 1. */
  readonly index: number
  /** `undefined` for the kind `namespaces`. */
  readonly namespace: string | undefined
  /** The keys that the call names, each once; those of a transaction are the keys that it reads. */
  readonly keys: readonly string[]
  /** The fault that the plan gave it. */
  readonly fault: FaultKind | undefined
  /** `pending`: it has not settled. `failed`: it rejected or threw. A listing settles when it ends. */
  readonly outcome: 'pending' | 'ok' | 'failed'
}

/** @throws StoreError `INVALID_VALUE` */
export function checkFaults(plan: readonly Fault[]): void {
  if (!Array.isArray(plan)) {
    const expected = 'a list of faults, or a function that returns the fault of a call'
    throw new StoreError('INVALID_VALUE', `The plan must be ${expected}; received ${quote(plan)}.`)
  }
  for (const each of plan) {
    if (!isPlainObject(each as unknown)) {
      const example = "{ on: 'commit', nth: 2, fault: 'reject-before' }"
      throw new StoreError(
        'INVALID_VALUE',
        `A fault of the plan must be an object such as ${example}; received ${quote(each)}.`,
      )
    }
    checkRequiredOptions<Fault>(each, FAULT_OPTIONS, ['nth', 'fault'])
  }
}

function oneOf(names: readonly string[]): OptionTypes[string] {
  return [`one of ${names.join(', ')}`, (option) => names.includes(option as string)]
}
