import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { checkHistory, type Ledger, ledger, recordOutcomes } from '../../../src/testing/index.ts'

function enter(entries: readonly (readonly [writer: string, number: number])[]): Ledger {
  return entries.reduce<Ledger>((current, [writer, number]) => ledger(writer, number)(current), {})
}

test('entries of several writers in order give one range each', () => {
  expect(
    enter([
      ['a', 1],
      ['b', 1],
      ['a', 2],
      ['b', 2],
      ['a', 3],
    ]),
  ).toEqual({
    a: [[1, 3]],
    b: [[1, 2]],
  })
})

test('a ledger shows a gap, a duplicate and a wrong order', () => {
  expect(
    enter([
      ['a', 1],
      ['a', 3],
      ['a', 4],
    ]),
  ).toEqual({
    a: [
      [1, 1],
      [3, 4],
    ],
  })
  expect(
    enter([
      ['a', 1],
      ['a', 2],
      ['a', 2],
      ['a', 3],
    ]),
  ).toEqual({
    a: [
      [1, 2],
      [2, 3],
    ],
  })
  expect(
    enter([
      ['a', 2],
      ['a', 1],
    ]),
  ).toEqual({
    a: [
      [2, 2],
      [1, 1],
    ],
  })
})

test('a ledger does not change the value that it is given', () => {
  const current: Ledger = { a: [[1, 1]] }
  ledger('a', 2)(current)
  expect(current).toEqual({ a: [[1, 1]] })
})

test('the name of a writer may be that of a property of every object', () => {
  expect(
    Object.entries(
      enter([
        ['constructor', 1],
        ['__proto__', 1],
        ['__proto__', 2],
      ]),
    ),
  ).toEqual([
    ['constructor', [[1, 1]]],
    ['__proto__', [[1, 2]]],
  ])
})

test('checkHistory finds an entry that is missing, and one that was entered twice', async () => {
  const runtime = new StorageRuntime(new MemoryStoragePlugin())
  const { store, records } = recordOutcomes(await runtime.open<Record<string, Ledger>>('Test'))
  await Promise.all([1, 2, 3].map((number) => store.update('k', ledger('a', number))))
  expect(await store.get('k')).toEqual({ a: [[1, 3]] })
  const check = (ranges: Ledger[string]): string[] =>
    checkHistory(records, [['k', { a: ranges }]]).map(({ kind }) => kind)
  expect(check([[1, 3]])).toEqual([])
  expect(
    check([
      [1, 1],
      [3, 3],
    ]),
  ).toEqual(['impossible'])
  expect(
    check([
      [1, 2],
      [2, 3],
    ]),
  ).toEqual(['impossible'])
})

test.each([
  [() => ledger(1 as never, 1), 'ledger() needs a string as the name of the writer; received 1.'],
  [() => ledger('a', 1.5), 'ledger() needs an integer as the number of the update; received 1.5.'],
  [() => ledger('a', 1)(5 as never), 'ledger() needs a key of its own, without any other value'],
  [() => ledger('a', 1)({ a: 1 } as never), 'received an instance of Object.'],
])('a wrong argument is INVALID_VALUE: %s', (call, message) => {
  expect(call).toThrow(
    expect.objectContaining({
      code: 'INVALID_VALUE',
      message: expect.stringContaining(message) as string,
    }),
  )
})
