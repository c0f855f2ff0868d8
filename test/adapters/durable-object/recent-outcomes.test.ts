import { expect, test } from 'vitest'
import { RecentOutcomes } from '../../../adapters/durable-object/recent-outcomes.ts'
import type { DecodedChange } from '../../../adapters/durable-object/tuples.ts'

const applied = { values: [3], bytes: 16 }

function change(version: string | undefined, key = 'k'): DecodedChange {
  return { key, version }
}

function id(messageId: string | undefined, groupIndex = 0): Parameters<RecentOutcomes['add']>[1] {
  return { messageId, groupIndex }
}

test('a group that was applied is found by its first version, also in another message', () => {
  const recent = new RecentOutcomes()
  recent.add([change(undefined), change('v')], id('m1'), applied)
  expect(recent.find([change(undefined), change('v')], id('m1'))).toBe(applied)
  expect(recent.find([change(undefined), change('v')], id('m2', 5))).toBe(applied)
  expect(recent.find([change('w')], id('m1'))).toBeUndefined()
  expect(recent.find([change(undefined), change('v', 'other')], id('m1'))).toBeUndefined()
})

test('a group that was not applied is found only in its own message, so it can be sent again', () => {
  const recent = new RecentOutcomes()
  recent.add([change('v')], id('m1'), 'conflict')
  expect(recent.find([change('v')], id('m1'))).toBe('conflict')
  expect(recent.find([change('v')], id('m2'))).toBeUndefined()
})

test('a group of removals is found by its place in its message', () => {
  const recent = new RecentOutcomes()
  recent.add([change(undefined)], id('m1', 1), 'conflict')
  expect(recent.find([change(undefined)], id('m1', 1))).toBe('conflict')
  expect(recent.find([change(undefined)], id('m1', 0))).toBeUndefined()
  expect(recent.find([change(undefined)], id('m2', 1))).toBeUndefined()
})

test('nothing is remembered of a message without an id', () => {
  const recent = new RecentOutcomes()
  recent.add([change('v')], id(undefined), applied)
  expect(recent.find([change('v')], id(undefined))).toBeUndefined()
  expect(recent.find([change('v')], id('m'))).toBeUndefined()
})

test('of 1,001 groups the oldest is forgotten', () => {
  const recent = new RecentOutcomes()
  for (let i = 0; i < 1000; i++) recent.add([change(`v${i}`)], id(`m${i}`), applied)
  expect(recent.find([change('v0')], id('m0'))).toBe(applied)
  recent.add([change('last')], id('m'), applied)
  expect(recent.find([change('v0')], id('m0'))).toBeUndefined()
  expect(recent.find([change('v1')], id('m1'))).toBe(applied)
})

test('no group of a message is forgotten while it runs, however many it has', () => {
  const recent = new RecentOutcomes()
  recent.add([change('earlier')], id('m0'), applied)
  for (let i = 0; i < 1500; i++) recent.add([change(`v${i}`)], id('m', i), applied)
  expect(recent.find([change('earlier')], id('m0'))).toBeUndefined()
  for (let i = 0; i < 1500; i++) expect(recent.find([change(`v${i}`)], id('m', i))).toBe(applied)
  recent.add([change('next')], id('m2'), applied)
  expect(recent.find([change('v500')], id('m'))).toBeUndefined()
  expect(recent.find([change('v501')], id('m'))).toBe(applied)
})

test('of results of more than 4 MiB together, only that the oldest groups were applied is remembered', () => {
  const recent = new RecentOutcomes()
  const half = { values: ['x'], bytes: 2 * 1024 * 1024 }
  for (const version of ['a', 'b']) recent.add([change(version)], id('m'), half)
  expect(recent.find([change('a')], id('m'))).toBe(half)
  recent.add([change('c')], id('m'), applied)
  expect(recent.find([change('a')], id('m'))).toEqual({ values: undefined, bytes: 0 })
  expect(recent.find([change('b')], id('m'))).toBe(half)
  expect(recent.find([change('c')], id('m'))).toBe(applied)
  recent.add([change('too large')], id('m'), { values: ['x'], bytes: 5 * 1024 * 1024 })
  expect(recent.find([change('too large')], id('m'))).toEqual({ values: undefined, bytes: 0 })
  expect(recent.find([change('c')], id('m'))).toBe(applied)
})
