import { encode } from '../codec.ts'
import type { CallAttempt, CallRecord, KeyRead, KeyWrite } from './call-record.ts'
import { setsExpiry } from './record-attempts.ts'

/** What a key holds. `text` is equal for equal values. */
export interface KeyState {
  readonly value: unknown
  readonly text: string
  /** Whether the value has an expiry. It may be missing from then on, at a time that is not known. */
  readonly expires: boolean
}

/** What a call does to one key. */
export interface KeyEffect {
  readonly key: string
  /** Equal effects have equal texts. */
  readonly text: string
  /** Whether it never changes the key. */
  readonly isRead: boolean
  /** Returns the state after the call; `false`: the call cannot have had its result. */
  apply(state: KeyState | undefined): KeyState | undefined | false
}

/** A call, or the part of it that takes effect at one time. */
export interface Effect {
  readonly record: CallRecord
  /** Whether it may also have had no effect. */
  readonly isOptional: boolean
  /** What it may have done, each with at most one effect on a key: it did one of these. */
  readonly choices: readonly (readonly KeyEffect[])[]
}

/** What the effects of a history depend on. */
export interface EffectContext {
  /** Every key of the history. */
  readonly keys: readonly string[]
  /** Whether `setMany`, `deleteMany` and `transaction` take effect on all their keys at once. */
  readonly hasGroups: boolean
}

/** Creates the state of a value. */
export function toKeyState(value: unknown, expires = false): KeyState {
  return { value, text: textOfValue(value), expires }
}

/** Returns a text that is equal for equal values. */
export function textOfValue(value: unknown): string {
  return value === undefined ? '' : encode(value)
}

/** Returns the effects of a call: none if it was not applied, or says nothing about a key. */
export function effectsOf(record: CallRecord, context: EffectContext): Effect[] {
  const { outcome, error } = record
  const isOptional = outcome === 'unknown'
  const together = (...choices: KeyEffect[][]): Effect[] =>
    choices.length > 0 ? [{ record, isOptional, choices }] : []
  const apart = (effects: readonly KeyEffect[]): Effect[] =>
    effects.map((effect) => ({ record, isOptional, choices: [[effect]] }))
  const group = (effects: KeyEffect[]): Effect[] =>
    context.hasGroups ? together(effects) : apart(effects)

  const { method, keys, args } = record
  const found = (record.result ?? []) as readonly KeyRead[]
  if (record.isComplete !== undefined) {
    // What a listing has listed before it failed was read too.
    const effects = listingEffects(record, found, context.keys)
    return effects.map((effect) => ({ record, isOptional: false, choices: [[effect]] }))
  }
  if (outcome === 'not-applied') return []
  const [key = ''] = keys
  const hasResult = outcome === 'applied' && error === undefined
  switch (method) {
    case 'get':
    case 'record':
      return hasResult ? apart([readValue(key, record.result)]) : []
    case 'has':
      return hasResult ? apart([readExists(key, record.result === true)]) : []
    case 'getMany': {
      const values = new Map(found.map((read) => [read.key, read.value]))
      return hasResult ? apart(keys.map((each) => readValue(each, values.get(each)))) : []
    }
    case 'size':
      return []
    case 'set':
      return apart([write({ key, value: args[1], expires: setsExpiry(args[2]) })])
    case 'delete':
      return apart([write({ key })])
    case 'deleteMany':
      return group(keys.map((each) => write({ key: each })))
    case 'setMany':
      return group(writesOfSetMany(record).map(write))
    case 'clear': {
      const { prefix = '' } = (args[0] ?? {}) as { readonly prefix?: string }
      const removed = context.keys.filter((each) => each.startsWith(prefix))
      return apart(removed.map((each) => write({ key: each })))
    }
    case 'update':
    case 'mutable':
      return together(...updates(record, hasResult))
    case 'transaction': {
      const attempts = record.attempts ?? []
      const choices = (hasResult ? attempts.slice(-1) : attempts).map(attemptEffects)
      return context.hasGroups ? together(...choices) : apart(choices.at(-1) ?? [])
    }
    default:
      return together([stepEffect(record, hasResult)])
  }
}

/** The effect of reading a value, or `undefined`: that the key is missing. */
export function readValue(key: string, value: unknown): KeyEffect {
  const text = textOfValue(value)
  return {
    key,
    text: `read ${text}`,
    isRead: true,
    apply: (state) => (state?.text ?? '') === text && state,
  }
}

function readExists(key: string, exists: boolean): KeyEffect {
  return {
    key,
    text: `exists ${exists}`,
    isRead: true,
    apply: (state) => (state !== undefined) === exists && state,
  }
}

function readOf({ key, value, exists }: KeyRead): KeyEffect {
  return exists ? readExists(key, true) : readValue(key, value)
}

function write({ key, value, expires = false }: KeyWrite): KeyEffect {
  const next = value === undefined ? undefined : toKeyState(value, expires)
  return {
    key,
    text: `write ${next?.text ?? ''} ${expires}`,
    isRead: false,
    apply: () => next,
  }
}

function both(first: KeyEffect, second: KeyEffect): KeyEffect {
  return {
    key: first.key,
    text: `${first.text}, ${second.text}`,
    isRead: first.isRead && second.isRead,
    apply(state) {
      const next = first.apply(state)
      return next !== false && second.apply(next)
    },
  }
}

function attemptEffects({ reads, writes }: CallAttempt): KeyEffect[] {
  const effects = new Map(reads.map((each) => [each.key, readOf(each)]))
  for (const each of writes) {
    const before = effects.get(each.key)
    effects.set(each.key, before ? both(before, write(each)) : write(each))
  }
  return [...effects.values()]
}

/** The choices of `update` and `mutable`: its last run if it resolved, otherwise one of its runs. */
function updates(
  { method, args, attempts = [], result }: CallRecord,
  hasResult: boolean,
): KeyEffect[][] {
  const [initial, options] = method === 'mutable' ? args.slice(2) : [undefined, args[2]]
  return (hasResult ? attempts.slice(-1) : attempts).map(({ reads, writes }) => {
    const { key = '', value } = reads[0] ?? {}
    const text = textOfValue(value)
    // The resolved value is the stored one.
    const next = hasResult ? result : writes[0]?.value
    const isInitial = initial !== undefined && textOfValue(initial) === text
    return [
      {
        key,
        text: `update ${text} ${textOfValue(next)} ${JSON.stringify(options)}`,
        isRead: false,
        apply: (state) => {
          const isRead = (state?.text ?? '') === text || (isInitial && state === undefined)
          return isRead && nextState(next, options, state)
        },
      },
    ]
  })
}

/** Returns the state after a step: without options a key keeps its expiry. */
function nextState(
  value: unknown,
  options: unknown,
  state: KeyState | undefined,
): KeyState | undefined {
  if (value === undefined) return undefined
  const { ttl, expires, onInsert } = (options ?? {}) as Record<string, unknown>
  const isGiven = ttl !== undefined || expires !== undefined
  const isKept = !isGiven || (onInsert === true && state !== undefined)
  return toKeyState(value, isKept ? (state?.expires ?? false) : setsExpiry(options))
}

/** The effect of `insert`, `getOrInsert`, `increment`, `append`, `touch` or `pop`. */
function stepEffect({ method, keys, args, result }: CallRecord, hasResult: boolean): KeyEffect {
  const [key = ''] = keys
  const [, argument, options] = args
  const text = `${method} ${JSON.stringify(options)} ${textOfValue(argument)} ${hasResult ? `= ${textOfValue(result)}` : ''}`
  const isResult = (value: unknown): boolean =>
    !hasResult || textOfValue(value) === textOfValue(result)
  const effect = (apply: KeyEffect['apply'], isRead = false): KeyEffect => ({
    key,
    text,
    isRead,
    apply,
  })
  switch (method) {
    case 'insert':
      return effect(
        (state) => {
          if (!isResult(state === undefined)) return false
          return state ?? nextState(argument, options, state)
        },
        hasResult && result === false,
      )
    case 'getOrInsert':
      return effect((state) => {
        const value = state ? state.value : argument
        return isResult(value) && nextState(value, options, state)
      })
    case 'increment':
      return effect((state) => {
        const current = state ? state.value : 0
        const sum = (current as number) + ((argument as number | undefined) ?? 1)
        return typeof current === 'number' && isResult(sum) && nextState(sum, options, state)
      })
    case 'append':
      return effect((state) => {
        const current = state ? state.value : []
        if (!Array.isArray(current)) return false
        const { max = 0 } = (options ?? {}) as { readonly max?: number }
        const list = (current as unknown[]).concat([argument]).slice(-max)
        return isResult(list.length) && nextState(list, options, state)
      })
    case 'touch':
      return effect(
        (state) => {
          if (!isResult(state !== undefined)) return false
          return state && nextState(state.value, argument, state)
        },
        hasResult && result === false,
      )
    default:
      // pop
      return effect(
        (state) => isResult(state?.value) && undefined,
        hasResult && result === undefined,
      )
  }
}

function writesOfSetMany({ args: [list, options] }: CallRecord): KeyWrite[] {
  const writes = new Map<string, KeyWrite>()
  for (const [key, value, own] of (list ?? []) as [string, unknown, unknown?][])
    writes.set(key, { key, value, expires: setsExpiry(own ?? options) })
  return [...writes.values()]
}

/** What a listing read: a key with the prefix that is not listed was missing at some time. */
function listingEffects(
  { args, isComplete }: CallRecord,
  found: readonly KeyRead[],
  keys: readonly string[],
): KeyEffect[] {
  const { prefix = '' } = (args[0] ?? {}) as { readonly prefix?: string }
  const listed = new Set(found.map(({ key }) => key))
  const missing = isComplete ? keys.filter((key) => key.startsWith(prefix) && !listed.has(key)) : []
  return [...found.map(readOf), ...missing.map((key) => readValue(key, undefined))]
}
