import { expect, test } from 'vitest'
import { planGroup } from '../../../adapters/durable-object/group-plan.ts'
import {
  decodeChange,
  type DecodedChange,
  encodeChanges,
  type EntryTuple,
} from '../../../adapters/durable-object/tuples.ts'
import type { Step } from '../../../src/step.ts'
import type { Change, StepChange } from '../../../src/storage.ts'

type Stored = Readonly<Record<string, EntryTuple>>

function decode(changes: readonly (Change | StepChange)[]): DecodedChange[] {
  const columns = encodeChanges(changes)
  return changes.map((_, index) => decodeChange(columns, index))
}

function plan(changes: readonly (Change | StepChange)[], stored: Stored = {}, now = 0): unknown {
  const planned = planGroup(decode(changes), (key) => stored[key], now)
  if (planned === 'conflict' || planned instanceof Error) return planned
  return { writes: Object.fromEntries(planned.writes), values: planned.results.values }
}

function step(key: string, what: Step, bytes = 10, version = 'new'): StepChange {
  return { key, step: what, version, bytes }
}

const set = { key: 'k', entry: { value: 1, version: 'new' }, bytes: 4 }

test.each([
  ['no entry', null, undefined, 0, true],
  ['an entry', null, ['x', 'v', 4], 0, false],
  ['an entry that expires later', null, ['x', 'v', 4, 10], 9, false],
  ['an expired entry', null, ['x', 'v', 4, 10], 10, true],
  ['the version', 'v', ['x', 'v', 4], 0, true],
  ['another version', 'v', ['x', 'w', 4], 0, false],
  ['the version of an expired entry', 'v', ['x', 'v', 4, 10], 10, false],
  ['the version, without a time', 'v', ['x', 'v', 4, -5], -Infinity, true],
] as const)('with %s, ifVersion %o is met by %o at %d: %o', (_, ifVersion, entry, now, isMet) => {
  const stored = entry === undefined ? {} : { k: entry }
  for (const change of [
    { ...set, ifVersion },
    { key: 'k', remove: true, ifVersion } as const,
    { key: 'k', check: true, ifVersion } as const,
  ]) {
    expect(plan([change], stored, now) !== 'conflict').toBe(isMet)
  }
})

test('a check writes nothing, and its group is applied only if it holds', () => {
  const check = { key: 'c', check: true, ifVersion: 'v' } as const
  const stored: Stored = { c: ['x', 'v', 4] }
  expect(plan([check, set], stored)).toStrictEqual({
    writes: { k: [1, 'new', 4] },
    values: [undefined, undefined],
  })
  expect(plan([set, { ...check, ifVersion: 'w' }], stored)).toBe('conflict')
})

test('the changes of a group see those before them', () => {
  expect(
    plan([
      { key: 'k', remove: true },
      step('k', { kind: 'increment', by: 2 }, 10, 'v1'),
      step('k', { kind: 'increment', by: 3 }, 10, 'v2'),
      step('k', { kind: 'pop' }),
      step('k', { kind: 'pop' }),
    ]),
  ).toStrictEqual({ writes: { k: undefined }, values: [undefined, 2, 5, 5, undefined] })
})

test('an expired entry counts as missing for a step', () => {
  const stored: Stored = { k: [5, 'v', 4, 100] }
  expect(plan([step('k', { kind: 'increment', by: 1 })], stored, 100)).toEqual({
    writes: { k: [1, 'new', 10] },
    values: [1],
  })
  expect(plan([step('k', { kind: 'touch', expiry: { expires: 200 } })], stored, 100)).toEqual({
    writes: {},
    values: [false],
  })
})

test('a step that cannot run is an error with its key, and nothing of its group is written', () => {
  const result = plan([set, step('text', { kind: 'increment', by: 1 })], { text: ['x', 'v', 4] })
  expect(result).toMatchObject({ code: 'INVALID_VALUE', key: 'text', outcome: 'not-applied' })
})

/** Returns the size of the entry that an append of 100 bytes stores. */
function append(stored: EntryTuple | undefined, max?: number): number {
  const changes = decode([step('k', { kind: 'append', item: 'x', max }, 101)])
  const planned = planGroup(changes, () => stored, 0)
  if (planned === 'conflict' || planned instanceof Error) throw new Error(String(planned))
  return planned.writes.get('k')?.[2] ?? NaN
}

test('the size of a list follows what is appended and what is cut off', () => {
  expect(append(undefined)).toBe(101)
  expect(append([['a', 'b', 'c'], 'v', 300])).toBe(400)
  expect(append([['a', 'b', 'c'], 'v', 300], 3)).toBe(300)
  expect(append([['a', 'b', 'c'], 'v', 300], 1)).toBe(100)
})
