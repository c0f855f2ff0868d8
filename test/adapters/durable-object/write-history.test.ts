import { expect, test } from 'vitest'
import {
  decodeChange,
  type DecodedChange,
  encodeChanges,
  type EntryTuple,
} from '../../../adapters/durable-object/tuples.ts'
import {
  findOutcome,
  groupIdOf,
  type NewWrite,
  RETENTION_MS,
  toRemoved,
  withHistory,
} from '../../../adapters/durable-object/write-history.ts'
import type { Change, StepChange } from '../../../src/storage.ts'

const NOW = 1_000_000

interface Keys {
  readonly stored?: Readonly<Record<string, EntryTuple>>
  readonly removed?: Readonly<Record<string, EntryTuple>>
  readonly removedBy?: Readonly<Record<string, EntryTuple>>
  readonly clearedAt?: number
}

function decode(...changes: (Change | StepChange)[]): DecodedChange[] {
  const columns = encodeChanges(changes)
  return changes.map((_, index) => decodeChange(columns, index))
}

/** Returns what becomes of a group that was first sent at `sentAt` and is sent again at `NOW`. */
function resend(changes: readonly DecodedChange[], sentAt: number, keys: Keys): unknown {
  const reader = {
    stored: (key: string) => keys.stored?.[key],
    removed: (key: string) => keys.removed?.[key],
    removedBy: (id: string) => keys.removedBy?.[id],
    clearedAt: () => keys.clearedAt ?? 0,
  }
  const id = groupIdOf(changes, 'message', 0)
  return findOutcome(changes, { id, now: NOW, sentAt }, reader)
}

/** Returns an entry that was written at a time; by default, nothing is known of earlier writes. */
function written(version: string, writtenAt: number, write: Partial<NewWrite> = {}): EntryTuple {
  return withHistory(['value', version, 10], {
    writtenAt,
    results: undefined,
    previous: undefined,
    ...write,
  })
}

const increment = decode({
  key: 'n',
  step: { kind: 'increment', by: 1 },
  version: 'own',
  bytes: 9,
})
const results = [5]

test('a group whose version was replaced was applied, with any stamp', () => {
  const own = written('own@3', NOW - 20, { results })
  const entry = written('other', NOW - 10, { previous: own })
  expect(resend(increment, NOW - 30, { stored: { n: entry } })).toMatchObject({ values: [5] })
})

test('a group that is not in a history since it was sent runs; in a shorter one it is unknown', () => {
  const entry = written('b', NOW - 10, { previous: written('a', NOW - 20) })
  expect(resend(increment, NOW - 20, { stored: { n: entry } })).toBeUndefined()
  expect(resend(increment, NOW - 21, { stored: { n: entry } })).toBe('unknown')
  expect(resend(increment, NOW - 21, { stored: { n: ['x', 'old format', 4] } })).toBe('unknown')
})

test('each write of a history keeps its own results', () => {
  const writes = { a: [1], b: undefined, c: ['a text'], d: [true, false], e: undefined }
  let entry: EntryTuple | null = null
  for (const [version, kept] of Object.entries(writes))
    entry = written(version, NOW - 10, { results: kept, previous: entry })
  const n = entry ?? undefined
  const valuesOf = (version: string): unknown => {
    const group = decode({ key: 'n', step: { kind: 'pop' }, version, bytes: 1 })
    return resend(group, NOW - 30, { stored: n ? { n } : {} })
  }
  expect(Object.keys(writes).map(valuesOf)).toEqual([
    { values: [1], bytes: 16 },
    { values: [], bytes: 0 },
    // Only small results are kept.
    { values: undefined, bytes: 0 },
    { values: [true, false], bytes: 32 },
    { values: [], bytes: 0 },
  ])
})

test('a missing key was neither stored nor removed in the last minute', () => {
  expect(resend(increment, NOW - RETENTION_MS, {})).toBeUndefined()
  expect(resend(increment, NOW - RETENTION_MS - 1, {})).toBe('unknown')
  const inserted = written('other', NOW - 10, { previous: null })
  expect(resend(increment, NOW - 1000, { stored: { n: inserted } })).toBeUndefined()
})

function set(ifVersion: string): DecodedChange[] {
  return decode({ key: 'n', entry: { value: 1, version: 'own' }, bytes: 4, ifVersion })
}

test('a group that expects a version of the history was not applied, however long ago it was sent', () => {
  const entry = written('b', NOW - 10, { previous: written('a', NOW - 20) })
  expect(resend(set('a'), 0, { stored: { n: entry } })).toBeUndefined()
  expect(resend(set('b'), 0, { stored: { n: entry } })).toBeUndefined()
  expect(resend(set('c'), 0, { stored: { n: entry } })).toBe('unknown')
})

test('a removal is found by the id of its group, and its history goes on in the next entry', () => {
  const remove = decode({ key: 'n', remove: true })
  const removed = toRemoved('message/0', 0, {
    writtenAt: NOW - 20,
    results: undefined,
    previous: written('a', NOW - 100),
  })
  const applied = { values: [], bytes: 0 }
  expect(resend(remove, NOW - 30, { removed: { n: removed } })).toEqual(applied)
  const again = written('b', NOW - 10, { previous: removed })
  expect(resend(remove, NOW - 30, { stored: { n: again } })).toEqual(applied)
  expect(resend(increment, NOW - 100, { stored: { n: again } })).toBeUndefined()
  // Not read before it was replaced, so nothing is known between the two.
  const blind = written('b', NOW - 10)
  expect(resend(remove, NOW - 30, { stored: { n: blind }, removed: { n: removed } })).toEqual(
    applied,
  )
  expect(resend(increment, NOW - 30, { stored: { n: blind }, removed: { n: removed } })).toBe(
    'unknown',
  )
})

test('of several keys, one under which the group stores an entry decides; a check decides nothing', () => {
  const group = decode(
    { key: 'checked', check: true, ifVersion: 'v' },
    { key: 'a', remove: true },
    { key: 'b', entry: { value: 1, version: 'own' }, bytes: 4 },
  )
  const known = written('v', NOW - 1000)
  const unknown = written('w', NOW - 10)
  expect(resend(group, NOW - 500, { stored: { a: unknown, b: known } })).toBeUndefined()
  // The removal may have found nothing.
  expect(resend(group, NOW - 500, { stored: { a: known, b: unknown } })).toBe('unknown')
  expect(resend(group, NOW - 500, { stored: { checked: known, a: unknown, b: unknown } })).toBe(
    'unknown',
  )
  const removesAgain = [...group, ...decode({ key: 'b', remove: true })]
  expect(resend(removesAgain, NOW - 500, { stored: { a: unknown, b: known } })).toBe('unknown')
})

test('a group that was applied, and whose results another key kept, answers with them or says that they are lost', () => {
  const group = decode(
    { key: 'a', step: { kind: 'pop' }, version: 'own', bytes: 1 },
    { key: 'b', step: { kind: 'increment', by: 1 }, version: 'own2', bytes: 9 },
  )
  const a = toRemoved('own', 20, {
    writtenAt: NOW - 10,
    results: ['x', 1],
    previous: written('v', 0),
  })
  const b = written('own2', NOW - 10, { results: null })
  expect(resend(group, NOW - 20, { removed: { a }, stored: { b } })).toMatchObject({
    values: ['x', 1],
  })
  expect(resend(group, NOW - 20, { stored: { b } })).toEqual({ values: undefined, bytes: 0 })
})

test('a value that a step removed is found where a later removal moved it', () => {
  const pop = decode({ key: 'n', step: { kind: 'pop' }, version: 'own', bytes: 1 })
  const popped = toRemoved('own', 4, {
    writtenAt: NOW - 20,
    results: ['x'],
    previous: written('a', NOW - 100),
  })
  const entry = written('b', NOW - 10, { previous: popped })
  const found = { values: ['x'], bytes: 4 }
  expect(resend(pop, NOW - 30, { stored: { n: entry }, removedBy: { own: popped } })).toEqual(found)
  expect(resend(pop, NOW - 30, { stored: { n: entry }, removed: { n: popped } })).toEqual(found)
  expect(resend(pop, NOW - 30, { stored: { n: entry } })).toEqual({ values: undefined, bytes: 0 })
})

test('the results of a group that is sent again are as large as in the first run, not as its entry', () => {
  const append = decode({ key: 'n', step: { kind: 'append', item: 1 }, version: 'own', bytes: 9 })
  const getOrInsert = decode({
    key: 'n',
    step: { kind: 'getOrInsert', value: 'v' },
    version: 'own',
    bytes: 9,
  })
  const stored: EntryTuple = [['x', 1], 'own', 1000]
  const write = { writtenAt: NOW - 10, previous: undefined }
  const counted = withHistory(stored, { ...write, results: [2] })
  expect(resend(append, NOW - 20, { stored: { n: counted } })).toEqual({ values: [2], bytes: 16 })
  const inserted = withHistory(stored, { ...write, results: [['x', 1]] })
  expect(resend(getOrInsert, NOW - 20, { stored: { n: inserted } })).toEqual({
    values: [['x', 1]],
    bytes: 1000,
  })
})

test('a second delivery is found if any change of the key reads it', () => {
  const group = decode(
    { key: 'k', step: { kind: 'pop' }, version: 'own', bytes: 1 },
    { key: 'k', entry: { value: 1, version: 'own2' }, bytes: 4 },
  )
  const entry = written('own2', NOW - 10, { results: null })
  const reader = {
    stored: () => entry,
    removed: () => undefined,
    removedBy: () => undefined,
    clearedAt: () => 0,
  }
  const options = { id: groupIdOf(group, 'message', 0), now: NOW, sentAt: undefined }
  expect(findOutcome(group, options, reader)).toEqual({ values: undefined, bytes: 0 })
})

test('a group that was sent before entries were cleared is unknown, and one sent later is run', () => {
  const group = decode({ key: 'k', entry: { value: 1, version: 'own' }, bytes: 4 })
  expect(resend(group, NOW - 30, { clearedAt: NOW - 10 })).toBe('unknown')
  expect(resend(group, NOW - 30, { clearedAt: NOW - 30 })).toBeUndefined()
  // Its row shows no earlier write of the key, but the cleared ones left no rows.
  const later = written('later', NOW - 5, { previous: null })
  expect(resend(group, NOW - 30, { stored: { k: later }, clearedAt: NOW - 10 })).toBe('unknown')
  expect(resend(group, NOW - 30, { stored: { k: later } })).toBeUndefined()
})
