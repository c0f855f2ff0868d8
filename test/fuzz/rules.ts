import { inspect, isDeepStrictEqual } from 'node:util'
import { isStoreError } from '../../src/index.ts'
import { type Case, concerns, type Made, type Run } from './burst.ts'
import type { Transition } from './model-storage.ts'
import { DAMAGED, keysOf, MALFORMED, type Op, REFUSED } from './operations.ts'
import {
  alive,
  type Expected,
  type Kept,
  LISTED,
  perform,
  type Performed,
  type Spared,
  type State,
} from './sequential-model.ts'

const READING = ['get', 'has', 'record', 'pop', 'update', 'mutable', 'getOrInsert']
const LISTING = ['size', 'keys', 'entries']
const CHANGING = ['update', 'mutable', 'getOrInsert', 'pop']
// In one tick a reader behind a set need not read, and what is overwritten is not stored.
const SPARED: readonly Spared[] = [
  { read: false, write: false },
  { read: true, write: false },
  { read: false, write: true },
  { read: true, write: true },
]
// So many writes whose outcome is unknown are tried in every combination.
const MOST_UNKNOWN = 6

/** What holds of every run: a failure has a cause of its own, and says where it happened. */
export function broken({ made, nested, storage, complaints }: Run): string[] {
  const found = [...complaints]
  for (const one of [...made, ...nested]) {
    const error = errorOf(one)
    if (error === undefined) continue
    if (!hasCause(one, error) && !isOfFault(one, error, storage.fired)) {
      found.push(`${name(one)} failed for another's cause: ${said(error)}`)
    }
    if (error === one.own) continue
    if (!isStoreError(error)) found.push(`${name(one)} failed with ${said(error)}`)
    else if (error.key !== undefined && !keysOf(one.op).includes(error.key)) {
      found.push(`${name(one)} failed for the key ${error.key}`)
    }
  }
  return found
}

/**
 * What is against a run being the same as its operations made one after another, without those that
 * were rejected. Writes whose outcome is unknown may have been made or not, together and before
 * what was accepted ahead of them: nobody else can tell what their commit would have shown.
 */
export function unlikeSequential(run: Run): string[] {
  const { made, storage } = run
  const faulty = made.filter((one) => {
    const error = errorOf(one)
    return error !== undefined && isOfFault(one, error, storage.fired)
  })
  const unknown = faulty.filter((one) => {
    const error = errorOf(one)
    return isStoreError(error) && error.outcome === 'unknown'
  })
  if (unknown.length > MOST_UNKNOWN) return []
  let first: string[] | undefined
  for (let choice = 0; choice < 2 ** unknown.length; choice++) {
    const taken = new Set(unknown.filter((_, index) => choice & (2 ** index)))
    const skipped = new Set(faulty.filter((one) => !taken.has(one)))
    for (let at = made.length; at >= 0; at--) {
      const found = differences(run, skipped, taken, at)
      if (found.length === 0) return []
      first ??= found
      if (taken.size === 0) break
    }
  }
  return first ?? []
}

/** `taken` are made in their place, or ahead of the operation with the index `at` if that is earlier. */
function differences(
  { made, storage, now }: Run,
  skipped: ReadonlySet<Made>,
  taken: ReadonlySet<Made>,
  at: number,
): string[] {
  const found: string[] = []
  let current: State = new Map()
  const states: State[] = [current]
  const take = (one: Made): void => {
    // Had it been refused, or not been readable, it would have been told so.
    current = perform(current, one.op, one.id, one.now, { read: true, write: true }).state
  }
  const listings: Made[] = []
  for (const [index, one] of made.entries()) {
    if (index === at) for (const each of made.slice(at)) if (taken.has(each)) take(each)
    if (skipped.has(one) || taken.has(one)) {
      if (taken.has(one) && index < at) take(one)
      states.push(current)
      continue
    }
    const [strict, ...spared] = SPARED.map((each) =>
      perform(current, one.op, one.id, one.now, each),
    ) as [Performed, ...Performed[]]
    const { state, expected } = [strict, ...spared].find((each) => is(one, each.expected)) ?? strict
    current = state
    states.push(current)
    if ('result' in expected && expected.result === LISTED) listings.push(one)
    if (is(one, expected)) continue
    const wanted =
      'code' in expected ? `the error ${expected.code}` : JSON.stringify(expected.result)
    found.push(`${name(one)}: ${show(one)}, and not ${wanted}`)
  }
  for (const one of listings) {
    const window = states.slice(one.id - 1, one.until + 1).map((state) => alive(state, one.now))
    found.push(...misListed(one, window))
  }
  const there = [...alive(storage.map as unknown as State, now)].map(
    ([key, { value, expires }]) => [key, value, expires] as const,
  )
  const wanted = [...alive(current, now)].map(
    ([key, { value, expires }]) => [key, value, expires] as const,
  )
  if (!isDeepStrictEqual(new Set(there), new Set(wanted))) {
    found.push(`there is ${JSON.stringify(there)}, and not ${JSON.stringify(wanted)}`)
  }
  return found
}

/** Did it come out as expected? What is not settled is complained of elsewhere. */
function is(one: Made, expected: Expected): boolean {
  const { settled } = one
  if (settled === undefined) return true
  if ('code' in expected) return codeOf(one) === expected.code
  if ('error' in settled) return false
  return expected.result === LISTED || isDeepStrictEqual(settled.result, expected.result)
}

/** A listing shows each key once, as it was at some time while it was made. */
function misListed(one: Made, window: readonly ReadonlyMap<string, Kept>[]): string[] {
  if (one.settled === undefined || 'error' in one.settled) return []
  const { result } = one.settled
  const ever = new Set(window.flatMap((state) => [...state.keys()]))
  const always = [...ever].filter((key) => window.every((state) => state.has(key)))
  if (one.op.kind === 'size') {
    const count = result as number
    if (count >= always.length && count <= ever.size) return []
    return [`${name(one)}: ${count}, and not ${always.length} to ${ever.size}`]
  }
  const listed = one.op.kind === 'keys' ? (result as string[]).map((key) => [key]) : result
  const found: string[] = []
  const keys = (listed as (readonly [string, unknown?])[]).map(([key]) => key)
  if (new Set(keys).size < keys.length) found.push(`${name(one)} shows a key twice`)
  for (const key of always) {
    if (!keys.includes(key)) found.push(`${name(one)} does not show "${key}"`)
  }
  for (const [key, value] of listed as (readonly [string, unknown?])[]) {
    const was = window.some((state) => {
      const kept = state.get(key)
      return kept && (one.op.kind === 'keys' || isDeepStrictEqual(kept.value, value))
    })
    if (!was) found.push(`${name(one)} shows "${key}" as it never was: ${JSON.stringify(value)}`)
  }
  return found
}

/**
 * What is against the writes having been made one after another, each on what was there, in some
 * order: an addition that took another away, or is there twice, or not at all.
 */
export function lostUpdates(run: Run, { plan }: Case): string[] {
  if (plan.backend === 'none') return []
  const all = [...run.made, ...run.nested]
  const keys = new Set([...run.storage.map.keys(), ...run.storage.log.map(({ key }) => key)])
  return [...keys].flatMap((key) =>
    lostOf(
      key,
      all.filter(({ op }) => concerns(op, key)),
      run.storage.log.filter((each) => each.key === key),
      listOf(run.storage.map.get(key)) ?? [],
    ),
  )
}

function lostOf(
  key: string,
  made: readonly Made[],
  log: readonly Transition[],
  final: readonly number[],
): string[] {
  const found: string[] = []
  const complain = (what: string): void => {
    found.push(`"${key}": ${what}`)
  }
  const notApplied = new Set(
    made
      .filter((one) => {
        const error = errorOf(one)
        return error === one.own || (isStoreError(error) && error.outcome === 'not-applied')
      })
      .map(({ id }) => id),
  )
  const starters = new Set(made.filter(({ op }) => op.kind.startsWith('set')).map(({ id }) => id))
  const removed = made.some(
    ({ op }) =>
      ['delete', 'pop', 'clear'].includes(op.kind) ||
      (op.kind === 'update' && op.deed === 'remove'),
  )
  const brought = new Set<number>()
  for (const { before: last, after } of log) {
    const before = listOf(last) ?? []
    const next = listOf(after)
    if (next === undefined) continue
    const [first = 0] = next
    const adds = isPrefix(before, next) && next.length > before.length
    // By a stranger, by a set, or behind a removal that was written together with it.
    const begins = first < 0 || starters.has(first) || removed || last?.expires !== undefined
    if (!adds && !begins) complain(`${show(before)} became ${show(next)}`)
    for (const id of next) {
      if (before.includes(id)) continue
      if (brought.has(id)) complain(`${id} was written twice, in ${show(next)}`)
      if (notApplied.has(id)) complain(`${id} was rejected and is written, in ${show(next)}`)
      if (id >= REFUSED) complain(`${id} was refused and is written`)
      brought.add(id)
    }
  }
  const states = log.map(({ after }) => listOf(after) ?? [])
  const popped = new Set<string>()
  const overwritten = starters.size > 0 || removed || log.some(({ before }) => before?.expires)
  for (const one of made) {
    const result = resultOf(one)
    if (!Array.isArray(result) || LISTING.includes(one.op.kind)) continue
    const value = result as number[]
    if (new Set(value).size < value.length) complain(`${name(one)} got ${show(value)}`)
    // What was overwritten within one commit is seen by those alone who wrote it.
    if (!overwritten && !states.some((state) => isPrefix(value, state))) {
      complain(`${name(one)} got ${show(value)}, which never was`)
    }
    if (one.op.kind === 'pop') {
      if (popped.has(show(value))) complain(`${show(value)} was popped twice`)
      popped.add(show(value))
      if (value.some((id) => final.includes(id))) complain(`${show(value)} was popped and is there`)
    }
  }
  return found
}

/** May the operation fail so, by itself? */
function hasCause({ op, own }: Made, error: unknown): boolean {
  if (error === own) return 'deed' in op && op.deed === 'throw'
  if (!isStoreError(error)) return false
  const given = 'given' in op ? op.given : 'deed' in op ? op.deed : undefined
  switch (error.code) {
    case 'INVALID_KEY':
      return keysOf(op).includes(MALFORMED)
    case 'INVALID_VALUE':
      return given === 'bad'
    case 'TOO_LARGE':
      return given === 'refused' && error.outcome === 'not-applied'
    case 'CORRUPT':
      return READING.includes(op.kind) && keysOf(op).includes(DAMAGED)
    default:
      return false
  }
}

/** May it fail so, since a call for one of its keys did? */
function isOfFault({ op }: Made, error: unknown, fired: Run['storage']['fired']): boolean {
  if (!isStoreError(error)) return false
  return fired.some(({ on, code, keys }) => {
    if (error.code !== code) return false
    if (on === 'list') return LISTING.includes(op.kind)
    if (on === 'clear' || op.kind === 'clear') return on === op.kind
    const reads = READING.includes(op.kind)
    const writes = !reads || CHANGING.includes(op.kind)
    if (on === 'read' ? !reads : !writes) return false
    return keys === undefined || keysOf(op).some((key) => keys.includes(key))
  })
}

function errorOf({ settled }: Made): unknown {
  return settled !== undefined && 'error' in settled ? settled.error : undefined
}

function resultOf({ settled }: Made): unknown {
  return settled !== undefined && 'result' in settled ? settled.result : undefined
}

function codeOf(one: Made): string | undefined {
  const error = errorOf(one)
  if (error === one.own) return 'own'
  return isStoreError(error) ? error.code : undefined
}

function listOf(entry: { readonly value: unknown } | undefined): readonly number[] | undefined {
  return entry === undefined ? undefined : (entry.value as readonly number[])
}

function isPrefix(start: readonly number[], whole: readonly number[]): boolean {
  return start.length <= whole.length && start.every((id, index) => whole[index] === id)
}

function name({ id, op }: Made): string {
  return `${id} ${describe(op)}`
}

function describe(op: Op): string {
  return `${op.kind} ${JSON.stringify(keysOf(op))}`
}

function show(what: Made | readonly number[]): string {
  if (!('op' in what)) return JSON.stringify(what)
  const error = errorOf(what)
  return error === undefined ? (JSON.stringify(resultOf(what)) ?? 'nothing') : said(error)
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : inspect(error)
}
