import { encode } from '../codec.ts'
import type { CallRecord, KeyRead } from './call-record.ts'

const MAX_SHOWN_LENGTH = 80

/** Describes a call for people: who made it, when, and what it read, wrote or resolved to. */
export function describeCall(record: CallRecord): string {
  const { client, method, args, called, settled } = record
  const shown = args.filter((arg) => arg !== null && arg !== undefined).map(showValue)
  return `${client}: ${method}(${shown.join(', ')}) at ${called} to ${settled ?? '(pending)'} ${describeEnd(record)}`
}

function describeEnd({
  attempts,
  error,
  isComplete,
  method,
  outcome,
  result,
  settled,
}: CallRecord): string {
  if (error) return `failed with ${'code' in error ? error.code : error.name} (${outcome})`
  const attempt = attempts?.at(-1)
  if (attempt) return `read ${showStates(attempt.reads)} and wrote ${showStates(attempt.writes)}`
  if (settled === undefined) return 'has not settled'
  if (method === 'getMany' || isComplete !== undefined)
    return `read ${showStates((result ?? []) as readonly KeyRead[])}`
  return result === undefined ? 'resolved' : `resolved to ${showValue(result)}`
}

/** Shows what keys hold: `"a": 1, "b": missing`. */
export function showStates(states: readonly KeyRead[]): string {
  const shown = states.map(({ key, value, exists }) => {
    const state = exists ? 'a value' : value === undefined ? 'missing' : showValue(value)
    return `${JSON.stringify(key)}: ${state}`
  })
  return shown.join(', ') || 'nothing'
}

function showValue(value: unknown): string {
  const text = toText(value)
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH - 3)}...` : text
}

function toText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'nothing'
  } catch {
    return encode(value)
  }
}
