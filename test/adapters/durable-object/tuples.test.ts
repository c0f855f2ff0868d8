import { expect, test } from 'vitest'
import { decodeGroups, encodeChanges } from '../../../adapters/durable-object/tuples.ts'
import type { Change, StepChange } from '../../../src/storage.ts'

const plain: Change[] = ['a', 'b'].map((key, i) => ({
  key,
  entry: { value: { i }, version: `v${i}` },
  bytes: 20 + i,
}))

test('a message keeps every kind of change, and which changes are a group', () => {
  const changes: (Change | StepChange)[] = [
    ...plain,
    { key: 'c', entry: { value: 1, version: 'v2', expires: 5 }, bytes: 9, ifVersion: null },
    { key: 'd', remove: true },
    { key: 'e', remove: true, ifVersion: 'old' },
    { key: 'f', check: true, ifVersion: 'old' },
    { key: 'g', step: { kind: 'increment', by: 1 }, version: 'v3', bytes: 10 },
  ]
  const received = structuredClone(encodeChanges(changes))
  expect(decodeGroups(received, [1, 2, 4])).toEqual([
    [{ key: 'a', version: 'v0', entry: [{ i: 0 }, 'v0', 20] }],
    [
      { key: 'b', version: 'v1', entry: [{ i: 1 }, 'v1', 21] },
      { key: 'c', version: 'v2', entry: [1, 'v2', 9, 5], ifVersion: null },
    ],
    [
      { key: 'd' },
      { key: 'e', ifVersion: 'old' },
      { key: 'f', ifVersion: 'old', isCheck: true },
      { key: 'g', step: { kind: 'increment', by: 1 }, version: 'v3', stepBytes: 10 },
    ],
  ])
})

test('a message of writes without condition and expiry carries four lists', () => {
  const sent = encodeChanges(plain)
  expect(sent).toEqual({
    keys: ['a', 'b'],
    values: [{ i: 0 }, { i: 1 }],
    versions: ['v0', 'v1'],
    bytes: [20, 21],
  })
  expect(decodeGroups(sent, [2])).toEqual([
    [
      { key: 'a', version: 'v0', entry: [{ i: 0 }, 'v0', 20] },
      { key: 'b', version: 'v1', entry: [{ i: 1 }, 'v1', 21] },
    ],
  ])
})
