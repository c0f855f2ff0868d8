import type { CallAttempt, CallRecord, KeyRead, KeyWrite } from './call-record.ts'
import { both, type KeyEffect, readExists, readOf, readValue, write } from './key-effect.ts'
import { setsExpiry } from './record-attempts.ts'
import { stepEffect, updateEffects } from './step-effect.ts'

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
      return together(...updateEffects(record, hasResult))
    case 'transaction': {
      const attempts = record.attempts ?? []
      const choices = (hasResult ? attempts.slice(-1) : attempts).map(attemptEffects)
      return context.hasGroups ? together(...choices) : apart(choices.at(-1) ?? [])
    }
    default:
      return together([stepEffect(record, hasResult)])
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
