import { describe, expect, test } from 'vitest'
import { memory } from '../../../adapters/memory.ts'
import { encode } from '../../../src/codec.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { StorageRuntime } from '../../../src/index.ts'
import type { BackupEntry } from '../../../src/backup/entry.ts'
import {
  type Contents,
  type BackupTarget,
  type Reading,
  readAll,
} from '../../../src/backup/target.ts'
import { planRestore } from '../../../src/backup/plan.ts'
import { runtimeTarget } from '../../../src/backup/runtime-target.ts'
import { AdminError } from '../../../src/admin/client.ts'
import { inParts } from '../../../src/backup/parts.ts'
import { stored } from '../../worker/support/stored.ts'
import { minimal } from '../../support/minimal-plugin.ts'

const startRuntime = (): Promise<StorageRuntime> =>
  StorageRuntime.start({ STORAGE: 'Memory' }, [memory])

const contents = (entries: Readonly<Record<string, readonly string[]>>): Contents =>
  new Map(
    Object.entries(entries).map(([name, pairs]) => [
      name,
      new Map(pairs.map((pair) => [pair.charAt(0), stored(pair.slice(1))] as const)),
    ]),
  )

const BACKUP = contents({ a: ['k1', 'l1', 'm2'], new: ['n1'] })
const CURRENT = contents({ a: ['k1', 'm1', 'x1'], old: ['o1'] })
const SET = [
  { namespace: 'a', key: 'l', value: encode('1') },
  { namespace: 'a', key: 'm', value: encode('2') },
]
const NEW = { namespace: 'new', key: 'n', value: encode('1') }

const set = (value: number): BackupEntry => ({ namespace: 'a', key: 'k', value: encode(value) })

describe('a plan', () => {
  test('to merge leaves alone what the backup does not name', () => {
    expect(planRestore(BACKUP, CURRENT, 'merge')).toEqual({
      added: 2,
      changed: 1,
      same: 1,
      removed: 0,
      namespaces: new Map([
        ['a', { added: 1, changed: 1, same: 1, removed: 0 }],
        ['new', { added: 1, changed: 0, same: 0, removed: 0 }],
        ['old', { added: 0, changed: 0, same: 0, removed: 0 }],
      ]),
      changes: [...SET, NEW],
    })
  })
  test('holds what has expired to be in the backup no more', () => {
    const backup = new Map([['a', new Map([['k', { ...stored('old'), expires: 1000 }]])]])
    const current = contents({ a: ['kl'] })
    const none = { added: 0, changed: 0, same: 0, removed: 0 }
    expect(planRestore(backup, current, 'merge', 1000)).toMatchObject({ ...none, changes: [] })
    expect(planRestore(backup, current, 'merge', 999)).toMatchObject({ ...none, changed: 1 })
    expect(planRestore(backup, current, 'replace', 1000)).toMatchObject({
      ...none,
      removed: 1,
      changes: [{ namespace: 'a', key: 'k', remove: true }],
    })
    expect(planRestore(backup, new Map(), 'merge', 1000)).toMatchObject(none)
  })
  test('leaves alone what Telegram was answered, whatever a backup holds', () => {
    const backup = contents({ Telegram: ['u1'], a: ['k1'] })
    const current = contents({ Telegram: ['v1'], a: ['k1'] })
    expect(planRestore(backup, current, 'replace').changes).toEqual([])
  })
  test('to replace removes it, in every namespace, after what is set', () => {
    expect(planRestore(BACKUP, CURRENT, 'replace')).toEqual({
      added: 2,
      changed: 1,
      same: 1,
      removed: 2,
      namespaces: new Map([
        ['a', { added: 1, changed: 1, same: 1, removed: 1 }],
        ['new', { added: 1, changed: 0, same: 0, removed: 0 }],
        ['old', { added: 0, changed: 0, same: 0, removed: 1 }],
      ]),
      changes: [
        ...SET,
        { namespace: 'a', key: 'x', remove: true },
        NEW,
        { namespace: 'old', key: 'o', remove: true },
      ],
    })
  })
  test('has nothing to do where all is the same, and removes all for an empty backup', () => {
    expect(planRestore(CURRENT, CURRENT, 'replace').changes).toEqual([])
    expect(planRestore(new Map(), CURRENT, 'replace')).toMatchObject({ removed: 4 })
    expect(planRestore(new Map(), CURRENT, 'merge').changes).toEqual([])
  })
})

test('a list is cut by number and by bytes, and what is too large is alone', () => {
  // As JSON: two quotes, a comma, and an é of two bytes.
  const items = ['aé', 'bb', 'c', 'large'.repeat(9), 'd', 'e', 'f', 'g']
  expect([...inParts(items, 3, 12)]).toEqual([
    ['aé', 'bb'],
    ['c'],
    ['large'.repeat(9)],
    ['d', 'e', 'f'],
    ['g'],
  ])
  expect([...inParts([], 3, 12)]).toEqual([])
})

describe('the place of a runtime', () => {
  test('is read as a whole, sorted, with progress', async () => {
    await using runtime = await startRuntime()
    const place = runtimeTarget(runtime)
    expect(await readAll(place)).toEqual(new Map())
    await place.apply(planRestore(CURRENT, new Map(), 'merge').changes)
    const progress: Reading[] = []
    expect(await readAll(place, (reading) => progress.push(reading))).toEqual(CURRENT)
    expect(progress).toEqual([
      { namespaces: 1, of: 2, entries: 3 },
      { namespaces: 2, of: 2, entries: 4 },
    ])
    expect(await place.namespaces()).toEqual(['a', 'old'])
    expect(await place.entries('nothing')).toEqual(new Map())
  })
  test.each(['merge', 'replace'] as const)('does a plan to %s, once or twice', async (mode) => {
    await using runtime = await startRuntime()
    const place = runtimeTarget(runtime)
    await place.apply(planRestore(CURRENT, new Map(), 'merge').changes)
    const { changes } = planRestore(BACKUP, await readAll(place), mode)
    await place.apply(changes)
    const once = await readAll(place)
    expect(planRestore(BACKUP, once, mode)).toMatchObject({ same: 4, changes: [] })
    expect(once.get('old')?.size).toBe(mode === 'merge' ? 1 : undefined)
    await place.apply(changes)
    expect(await readAll(place)).toEqual(once)
  })
  test('names the namespace that cannot be read, and is not read without it', async () => {
    const cause = new Error('It is torn.')
    const reading = readAll({
      namespaces: async () => ['a', 'b'],
      entries: async (name) => {
        if (name === 'b') throw cause
        return new Map()
      },
      apply: async () => {},
    })
    await expect(reading).rejects.toMatchObject({
      message: 'What is in "b" cannot be read; the others can still be seen. It is torn.',
      namespaces: ['b'],
      cause,
    })
  })
  test('that cannot be reached at all says that alone', async () => {
    const cause = new AdminError('It is away.', undefined, true)
    const entries = (): Promise<never> => Promise.reject(cause)
    const place: BackupTarget = { namespaces: async () => ['a'], entries, apply: async () => {} }
    await expect(readAll(place)).rejects.toBe(cause)
  })
  test('is read without what Telegram was answered', async () => {
    await using runtime = await startRuntime()
    const place = runtimeTarget(runtime)
    await place.apply([set(1), { ...set(1), namespace: 'Telegram' }])
    expect(await place.namespaces()).toEqual(['Telegram', 'a'])
    expect([...(await readAll(place)).keys()]).toEqual(['a'])
  })
  test('keeps every value there is', async () => {
    await using runtime = await startRuntime()
    const place = runtimeTarget(runtime)
    const all = new Map([
      ['v', new Map(VALID_VALUES.map(({ name, make }) => [name, stored(make())]))],
    ])
    await place.apply(planRestore(all, new Map(), 'merge').changes)
    expect(await readAll(place)).toEqual(all)
  })
  test('sets and then removes, in parts, and says how many are done', async () => {
    await using runtime = await startRuntime()
    const place = runtimeTarget(runtime)
    await place.apply([{ ...set(0), key: 'old' }])
    const many = Array.from({ length: 450 }, (_, i) => ({ ...set(i), key: `k${i}` }))
    const done: number[] = []
    const remove = { namespace: 'a', key: 'old', remove: true } as const
    const elsewhere = { ...set(3), namespace: 'b' }
    await place.apply([remove, ...many, elsewhere], (count) => done.push(count))
    expect(done).toEqual([200, 400, 451, 452])
    expect((await place.entries('b')).get('k')).toEqual(stored(3))
    expect([...(await place.entries('a')).keys()]).toEqual(many.map(({ key }) => key))
  })
  test('works where several writes at once are not atomic, if that is allowed', async () => {
    const config = { STORAGE: 'Minimal' }
    await using strict = await StorageRuntime.start(config, [minimal])
    await expect(runtimeTarget(strict).apply([set(1)])).rejects.toMatchObject({
      code: 'NOT_ATOMIC',
    })
    await using runtime = await StorageRuntime.start(config, [minimal], { allowLostUpdates: true })
    const place = runtimeTarget(runtime)
    await place.apply(planRestore(BACKUP, new Map(), 'merge').changes)
    expect(await place.entries('a')).toEqual(BACKUP.get('a'))
  })
})
