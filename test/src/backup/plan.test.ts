import { describe, expect, test } from 'vitest'
import { memory } from '../../../adapters/memory.ts'
import { encode } from '../../../src/codec.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { StorageRuntime } from '../../../src/index.ts'
import type { BackupEntry } from '../../../src/backup/entry.ts'
import {
  type Contents,
  type BackupTarget,
  type ReadProgress,
  readAll,
} from '../../../src/backup/target.ts'
import { planRestore } from '../../../src/backup/plan.ts'
import { runtimeTarget } from '../../../src/backup/runtime-target.ts'
import { AdminError } from '../../../src/admin/client.ts'
import { splitIntoChunks } from '../../../src/backup/chunks.ts'
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

describe('planRestore()', () => {
  test('with merge keeps entries that the backup does not have', () => {
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
  test('treats an expired entry of the backup as absent', () => {
    const backup = new Map([['a', new Map([['k', { ...stored('old'), expires: 1000 }]])]])
    const current = contents({ a: ['kl'] })
    const none = { added: 0, changed: 0, same: 0, removed: 0 }
    expect(planRestore(backup, current, 'merge', { now: 1000 })).toMatchObject({
      ...none,
      changes: [],
    })
    expect(planRestore(backup, current, 'merge', { now: 999 })).toMatchObject({
      ...none,
      changed: 1,
    })
    expect(planRestore(backup, current, 'replace', { now: 1000 })).toMatchObject({
      ...none,
      removed: 1,
      changes: [{ namespace: 'a', key: 'k', remove: true }],
    })
    expect(planRestore(backup, new Map(), 'merge', { now: 1000 })).toMatchObject(none)
  })
  test('leaves excluded namespaces alone, also if the backup has them', () => {
    const backup = contents({ Telegram: ['u1'], a: ['k1'] })
    const current = contents({ Telegram: ['v1'], a: ['k1'] })
    const options = { excludedNamespaces: ['Telegram'] }
    expect(planRestore(backup, current, 'replace', options).changes).toEqual([])
    expect(planRestore(backup, current, 'replace').changes).toHaveLength(2)
  })
  test('with replace removes entries that the backup does not have, in every namespace, last', () => {
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
  test('does not write equal entries, and with replace an empty backup removes all', () => {
    expect(planRestore(CURRENT, CURRENT, 'replace').changes).toEqual([])
    expect(planRestore(new Map(), CURRENT, 'replace')).toMatchObject({ removed: 4 })
    expect(planRestore(new Map(), CURRENT, 'merge').changes).toEqual([])
  })
})

test('splitIntoChunks() splits by number and by bytes; an item above the limit is a chunk of its own', () => {
  // As JSON each has two quotes and a comma; é has two bytes.
  const items = ['aé', 'bb', 'c', 'large'.repeat(9), 'd', 'e', 'f', 'g']
  expect([...splitIntoChunks(items, { maxItems: 3, maxBytes: 12 })]).toEqual([
    ['aé', 'bb'],
    ['c'],
    ['large'.repeat(9)],
    ['d', 'e', 'f'],
    ['g'],
  ])
  expect([...splitIntoChunks([], { maxItems: 3, maxBytes: 12 })]).toEqual([])
})

describe('runtimeTarget() and readAll()', () => {
  test('read everything, sorted, and report progress', async () => {
    await using runtime = await startRuntime()
    const target = runtimeTarget(runtime)
    expect(await readAll(target)).toEqual(new Map())
    await target.apply(planRestore(CURRENT, new Map(), 'merge').changes)
    const progress: ReadProgress[] = []
    expect(await readAll(target, { onProgress: (reading) => progress.push(reading) })).toEqual(
      CURRENT,
    )
    expect(progress).toEqual([
      { namespaces: 1, of: 2, entries: 3 },
      { namespaces: 2, of: 2, entries: 4 },
    ])
    expect(await target.namespaces()).toEqual(['a', 'old'])
    expect(await target.entries('nothing')).toEqual(new Map())
  })
  test.each(['merge', 'replace'] as const)(
    'apply a plan to %s once or twice with the same result',
    async (mode) => {
      await using runtime = await startRuntime()
      const target = runtimeTarget(runtime)
      await target.apply(planRestore(CURRENT, new Map(), 'merge').changes)
      const { changes } = planRestore(BACKUP, await readAll(target), mode)
      await target.apply(changes)
      const once = await readAll(target)
      expect(planRestore(BACKUP, once, mode)).toMatchObject({ same: 4, changes: [] })
      expect(once.get('old')?.size).toBe(mode === 'merge' ? 1 : undefined)
      await target.apply(changes)
      expect(await readAll(target)).toEqual(once)
    },
  )
  test('reject with the namespace that cannot be read, rather than leave it out', async () => {
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
      message: 'Cannot read "b"; other namespaces may be readable. It is torn.',
      namespaces: ['b'],
      cause,
    })
  })
  test('reject with the error of the target itself if nothing can be read', async () => {
    const cause = new AdminError('The bot is offline.', { retryable: true })
    const entries = (): Promise<never> => Promise.reject(cause)
    const target: BackupTarget = { namespaces: async () => ['a'], entries, apply: async () => {} }
    await expect(readAll(target)).rejects.toBe(cause)
  })
  test('leave out excluded namespaces', async () => {
    await using runtime = await startRuntime()
    const target = runtimeTarget(runtime)
    await target.apply([set(1), { ...set(1), namespace: 'Telegram' }])
    expect(await target.namespaces()).toEqual(['Telegram', 'a'])
    expect([...(await readAll(target, { excludedNamespaces: ['Telegram'] })).keys()]).toEqual(['a'])
  })
  test('keep every value that a store takes', async () => {
    await using runtime = await startRuntime()
    const target = runtimeTarget(runtime)
    const all = new Map([
      ['v', new Map(VALID_VALUES.map(({ name, make }) => [name, stored(make())]))],
    ])
    await target.apply(planRestore(all, new Map(), 'merge').changes)
    expect(await readAll(target)).toEqual(all)
  })
  test('set and then remove, chunk by chunk, and report the number done', async () => {
    await using runtime = await startRuntime()
    const target = runtimeTarget(runtime)
    await target.apply([{ ...set(0), key: 'old' }])
    const many = Array.from({ length: 450 }, (_, i) => ({ ...set(i), key: `k${i}` }))
    const done: number[] = []
    const remove = { namespace: 'a', key: 'old', remove: true } as const
    const elsewhere = { ...set(3), namespace: 'b' }
    await target.apply([remove, ...many, elsewhere], (count) => done.push(count))
    expect(done).toEqual([200, 400, 451, 452])
    expect((await target.entries('b')).get('k')).toEqual(stored(3))
    const keys = many.map(({ key }) => key).toSorted()
    expect([...(await target.entries('a')).keys()]).toEqual(keys)
  })
  test('need allowLostUpdates on a storage without atomic batches', async () => {
    const config = { STORAGE: 'Minimal' }
    await using strict = await StorageRuntime.start(config, [minimal])
    await expect(runtimeTarget(strict).apply([set(1)])).rejects.toMatchObject({
      code: 'NOT_ATOMIC',
    })
    await using runtime = await StorageRuntime.start(config, [minimal], { allowLostUpdates: true })
    const target = runtimeTarget(runtime)
    await target.apply(planRestore(BACKUP, new Map(), 'merge').changes)
    expect(await target.entries('a')).toEqual(BACKUP.get('a'))
  })
})
