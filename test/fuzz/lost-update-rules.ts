import { type Entry, isLive, isStoreError } from '../../src/index.ts'
import { errorOf, name, resultOf } from './describe-operation.ts'
import type { Transition } from './model-storage.ts'
import { affectsKey, WRITTEN_TOGETHER } from './operations.ts'
import type { FuzzCase, FuzzRun, IssuedOperation } from './run-case.ts'
import { buildsOn, type FuzzValue, idsOf, REFUSED } from './values.ts'

/** Operations whose result is the value of their key. */
const VALUE_KINDS = ['get', 'pop', 'update', 'mutable', 'getOrInsert', 'increment']
const REMOVING_KINDS = ['delete', 'deleteMany', 'pop', 'clear']

/**
 * The writes must form a sequence in which each builds on the value before it: no update removes
 * another one, is stored twice, or is missing.
 */
export function lostUpdateViolations(run: FuzzRun, { options }: FuzzCase): string[] {
  if (options.backend === 'none') return []
  const all = [...run.issued, ...run.nested]
  const keys = new Set([...run.storage.map.keys(), ...run.storage.log.map(({ key }) => key)])
  const found = all.flatMap(togetherViolations)
  for (const key of keys) {
    const issued = all.filter(({ op }) => affectsKey(op, key))
    const log = run.storage.log.filter((each) => each.key === key)
    const final = idsIn(run.storage.map.get(key))
    for (const violation of keyViolations({ key, issued, log, final, now: run.now }))
      found.push(`"${key}": ${violation}`)
  }
  return found
}

/** A transaction that reads the keys that are only written together must see one value. */
function togetherViolations(one: IssuedOperation): string[] {
  const result = resultOf(one)
  if (one.op.kind !== 'transaction' || one.op.keys !== WRITTEN_TOGETHER) return []
  const isEqual = result === undefined || new Set((result as unknown[]).map(text)).size === 1
  return isEqual ? [] : [`${name(one)} got ${text(result)}`]
}

interface KeyHistory {
  readonly key: string
  readonly issued: readonly IssuedOperation[]
  readonly log: readonly Transition[]
  /** The ids in the value at the end. */
  readonly final: readonly number[]
  /** The time at the end. */
  readonly now: number
}

function keyViolations({ key, issued, log, final, now }: KeyHistory): string[] {
  const found: string[] = []
  const notApplied = new Set(
    issued
      .filter((one) => {
        const error = errorOf(one)
        return error === one.ownError || (isStoreError(error) && error.outcome === 'not-applied')
      })
      .map(({ id }) => id),
  )
  const starters = new Set(issued.filter(({ op }) => op.kind.startsWith('set')).map(({ id }) => id))
  const removed = issued.some(
    ({ op }) => REMOVING_KINDS.includes(op.kind) || ('action' in op && op.action === 'remove'),
  )
  const hasExpired = (entry: Entry | undefined): boolean =>
    entry !== undefined && !isLive(entry, now)
  const written = new Set<number>()
  for (const { before: last, after } of log) {
    if (after === undefined) continue
    const before = idsIn(last)
    const next = idsIn(after)
    const isNext = last === undefined || buildsOn(valueIn(after), valueIn(last))
    // A new value begins with another client, a set, or a removal in the same commit.
    const startsAnew = next.some((id) => id < 0 || starters.has(id)) || removed || hasExpired(last)
    if (!isNext && !startsAnew) found.push(`${text(before)} became ${text(next)}`)
    for (const id of next) {
      if (before.includes(id)) continue
      if (written.has(id)) found.push(`${id} was written twice, in ${text(next)}`)
      if (notApplied.has(id)) found.push(`${id} was rejected and is stored, in ${text(next)}`)
      if (id >= REFUSED) found.push(`${id} was refused and is stored`)
      written.add(id)
    }
  }
  const states = log.flatMap(({ after }) => (after === undefined ? [] : [valueIn(after)]))
  const popped = new Set<string>()
  const overwritten = starters.size > 0 || removed || log.some(({ before }) => hasExpired(before))
  for (const one of issued) {
    if (!overwritten && mustWrite(one, key) && !written.has(one.id))
      found.push(`${name(one)} resolved and is missing`)
    const value = valueResultOf(one, key)
    if (value === undefined) continue
    const ids = idsOf(value)
    if (new Set(ids).size < ids.length) found.push(`${name(one)} got ${text(value)}`)
    // A value that one commit overwrites is visible only to the operations of that commit.
    if (!overwritten && !states.some((state) => buildsOn(state, value)))
      found.push(`${name(one)} got ${text(value)}, which was never stored`)
    if (one.op.kind === 'pop') {
      if (popped.has(text(value))) found.push(`${text(value)} was popped twice`)
      popped.add(text(value))
      if (ids.some((id) => final.includes(id)))
        found.push(`${text(value)} was popped and is still stored`)
    }
  }
  return found
}

/** Whether an operation that has resolved must have written its id. */
function mustWrite(one: IssuedOperation, key: string): boolean {
  const { op, settlement } = one
  if (settlement === undefined || 'error' in settlement) return false
  if (op.kind === 'insert') return settlement.result === true
  if (op.kind === 'transaction') return op.keys.indexOf(key) < op.writes
  return op.kind === 'increment' || op.kind === 'append' || op.kind === 'update'
}

/** Returns the value of the key that an operation resolved to. */
function valueResultOf(one: IssuedOperation, key: string): FuzzValue | undefined {
  const result = resultOf(one)
  const { op } = one
  if (op.kind === 'transaction' && Array.isArray(result))
    return (result as FuzzValue[])[op.keys.indexOf(key)]
  if (op.kind === 'getMany' && result instanceof Map) return result.get(key) as FuzzValue
  return VALUE_KINDS.includes(op.kind) ? (result as FuzzValue | undefined) : undefined
}

function valueIn(entry: Entry): FuzzValue {
  return entry.value as FuzzValue
}

function idsIn(entry: Entry | undefined): readonly number[] {
  return entry === undefined ? [] : idsOf(valueIn(entry))
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}
