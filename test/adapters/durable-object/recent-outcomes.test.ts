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

test('of 1,001 groups the oldest is forgotten, and of large results only that the group was applied', () => {
  const recent = new RecentOutcomes()
  recent.add([change('large')], id('m'), { values: ['x'], bytes: 4097 })
  expect(recent.find([change('large')], id('m'))).toEqual({ values: undefined, bytes: 0 })
  for (let i = 0; i < 999; i++) recent.add([change(`v${i}`)], id('m'), applied)
  expect(recent.find([change('large')], id('m'))).toBeDefined()
  recent.add([change('last')], id('m'), applied)
  expect(recent.find([change('large')], id('m'))).toBeUndefined()
  expect(recent.find([change('v0')], id('m'))).toBeDefined()
})
