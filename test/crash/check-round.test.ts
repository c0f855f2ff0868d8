import { StorageRuntime } from 'botshelf'
import { MemoryStoragePlugin } from 'botshelf/memory'
import { describe, expect, test } from 'vitest'
import { checkRound } from '../../scripts/crash/check-round.ts'
import type { LoadedStore } from '../../scripts/crash/engine.ts'
import { CLIENT_COUNT, Load } from '../../scripts/crash/load.ts'

type Contents = Map<string, unknown>

/** Runs the load on Memory, and resolves to it and to what is stored. */
async function runLoad(
  use: (store: LoadedStore) => LoadedStore = (store) => store,
): Promise<{ load: Load; contents: Contents }> {
  const store = await new StorageRuntime(new MemoryStoragePlugin()).open('crash')
  const load = new Load({ prefix: '1/', seed: 7, groupSize: 3 })
  load.start(Array.from({ length: CLIENT_COUNT }, () => use(store)))
  await load.untilAcknowledged(200)
  await load.stop()
  const contents: Contents = new Map()
  for await (const [key, value] of store.entries()) contents.set(key, value)
  return { load, contents }
}

test('a load that lost nothing has no fault', async () => {
  const { load, contents } = await runLoad()
  const result = checkRound(load, contents)
  expect(result).toMatchObject({ lost: 0, isTorn: false, unknown: 0, violations: [] })
  expect(result.acknowledged).toBeGreaterThan(100)
})

describe('a restart without an acknowledged write is found', () => {
  test.each<[name: string, lose: (contents: Contents) => void, lost: number]>([
    ['a key', (contents) => contents.delete('1/group 1'), 1],
    [
      'an increment',
      (contents) => contents.set('1/counter', Number(contents.get('1/counter')) - 1),
      1,
    ],
    ['an old value', (contents) => contents.set('1/group 0', 1), 1],
    [
      'the first entry of a ledger',
      (contents) => {
        const {
          'client 0': [[, last]],
          ...others
        } = contents.get('1/ledger 0') as {
          'client 0': [[number, number]]
        }
        contents.set('1/ledger 0', { ...others, 'client 0': [[2, last]] })
      },
      1,
    ],
  ])('%s', async (_, lose, lost) => {
    const { load, contents } = await runLoad()
    lose(contents)
    const result = checkRound(load, contents)
    expect(result.lost).toBe(lost)
    expect(result.violations).not.toEqual([])
  })

  test('everything', async () => {
    const { load } = await runLoad()
    const { lost, violations } = checkRound(load, new Map())
    expect(lost).toBeGreaterThan(50)
    expect(violations.length).toBeGreaterThan(5)
  })
})

test('a group that is stored in part is torn', async () => {
  const { load, contents } = await runLoad()
  contents.set('1/group 2', 1)
  expect(checkRound(load, contents).isTorn).toBe(true)
})

test('a counter above its increments is found, and is no loss', async () => {
  const { load, contents } = await runLoad()
  contents.set('1/counter', Number(contents.get('1/counter')) + 1)
  const { lost, violations } = checkRound(load, contents)
  expect(lost).toBe(0)
  expect(violations).not.toEqual([])
})

test('a store that acknowledges a write and drops it is found', async () => {
  const { load, contents } = await runLoad((store) => ({
    get: (key) => store.get(key),
    set: async () => {},
    setMany: (entries) => store.setMany(entries),
    delete: (key) => store.delete(key),
    increment: (key, by) => store.increment(key, by),
    update: (key, updater) => store.update(key, updater),
  }))
  expect(checkRound(load, contents).lost).toBeGreaterThan(0)
})
