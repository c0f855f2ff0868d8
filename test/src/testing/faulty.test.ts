import { expect, test } from 'vitest'
import { memory as memoryManifest, MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { collect } from '../../../src/conformance/assertions.ts'
import {
  type Change,
  StorageBase,
  StoragePluginBase,
  StorageRuntime,
  StoreError,
} from '../../../src/index.ts'
import { faulty, type FaultyPlugin } from '../../../src/testing/faulty.ts'
import type { FaultKind } from '../../../src/testing/faults.ts'
import { MinimalStoragePlugin } from '../../support/minimal-plugin.ts'

const GROUPS = ['a', 'b', 'c', 'd'].map((key): Change[] => [setChange(key)])

function setChange(key: string): Change {
  return { key, entry: { value: 1, version: `v-${key}` }, bytes: 10 }
}

/** Memory that counts its open storages. */
class CountingPlugin extends MemoryStoragePlugin {
  openCount = 0

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    this.openCount++
    const close = storage.close.bind(storage)
    storage.close = async () => {
      this.openCount--
      await close()
    }
    return storage
  }
}

/** Calls `commit` with four groups under a fault; returns what became of the call and the keys. */
async function commitUnder(
  fault: FaultKind,
  plugin: StoragePluginBase = new MemoryStoragePlugin(),
) {
  const wrapped = faulty(plugin, [{ on: 'commit', nth: 1, fault, ms: 1 }])
  const storage = await wrapped.open('n')
  const commit = (): unknown => storage.commit(GROUPS)
  let answer: unknown
  try {
    answer = commit()
    if (!(answer instanceof Promise)) expect.fail('it returned no promise')
    answer = await Promise.race([
      answer.catch((error: StoreError) => `rejected: ${error.code}, ${error.outcome}`),
      new Promise((resolve) => setTimeout(() => resolve('pending'), 20)),
    ])
  } catch (error) {
    answer = `threw: ${(error as StoreError).code}, ${(error as StoreError).outcome}`
  }
  const keys = (await collect(storage.keys())).join('')
  return { answer, keys }
}

/** Commits and reads three keys in turn; returns the calls that had a fault. */
async function failedCalls(plugin: FaultyPlugin): Promise<string> {
  const storage = await plugin.open('n')
  for (const key of ['a', 'b', 'c']) {
    await storage.commit([[setChange(key)]]).catch(() => {})
    await storage.getMany([key]).catch(() => {})
  }
  return plugin.calls
    .filter(({ fault }) => fault)
    .map(({ kind, nth, index, outcome }) => `${kind} ${nth} of ${index}: ${outcome}`)
    .join()
}

const ALL = ['applied', 'applied', 'applied', 'applied']

test.each([
  { fault: 'reject-before', answer: 'rejected: CONNECTION_LOST, not-applied', keys: '' },
  { fault: 'reject-after', answer: 'rejected: CONNECTION_LOST, unknown', keys: 'abcd' },
  { fault: 'throw-before', answer: 'threw: CONNECTION_LOST, not-applied', keys: '' },
  { fault: 'throw-after', answer: 'threw: CONNECTION_LOST, unknown', keys: 'abcd' },
  { fault: 'never', answer: 'pending', keys: '' },
  { fault: 'late', answer: ALL, keys: 'abcd' },
  { fault: 'rubbish', answer: { rubbish: true }, keys: 'abcd' },
  { fault: 'twice', answer: ALL, keys: 'abcd' },
] as const)('commit() with the fault $fault answers so, and writes "$keys"', async (expected) => {
  expect(await commitUnder(expected.fault)).toEqual({
    answer: expected.answer,
    keys: expected.keys,
  })
})

test('a commit in part applies the first half of its groups, and says so of each', async () => {
  const { answer, keys } = await commitUnder('in-part')
  const notApplied = expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'not-applied' })
  expect(answer).toEqual(['applied', 'applied', notApplied, notApplied])
  expect(keys).toBe('ab')
})

test('a commit in part tears a single group only where groups are not atomic', async () => {
  const group = GROUPS.flat()
  for (const [plugin, keys, outcome] of [
    [new MemoryStoragePlugin(), '', 'not-applied'],
    [new MinimalStoragePlugin({}), 'ab', 'unknown'],
  ] as const) {
    const wrapped = faulty(plugin, [{ on: 'commit', nth: 1, fault: 'in-part' }])
    const storage = await wrapped.open('n')
    expect(await storage.commit([group])).toEqual([expect.objectContaining({ outcome })])
    expect((await collect(storage.keys())).join('')).toBe(keys)
  }
})

test('a transaction in part calls its function and applies the first half of the groups', async () => {
  const wrapped = faulty(new MemoryStoragePlugin(), [{ on: 'transact', nth: 1, fault: 'in-part' }])
  const storage = await wrapped.open('n')
  const results = await storage.transact?.(['a'], () => GROUPS.slice(0, 2))
  expect(results).toEqual(['applied', expect.objectContaining({ outcome: 'not-applied' })])
  expect(await collect(storage.keys())).toEqual(['a'])
})

test('a transaction that is made twice decides twice and is applied once', async () => {
  const plugin = faulty(new MemoryStoragePlugin(), [{ on: 'transact', nth: 1, fault: 'twice' }])
  const store = await new StorageRuntime(plugin).open('n')
  const seen: unknown[] = []
  await store.update('a', (n) => {
    seen.push(n)
    return ((n ?? 0) as number) + 1
  })
  expect(seen).toEqual([undefined, undefined])
  expect(await store.get('a')).toBe(1)
})

test('a turn counts as a call of the kind turn, and can fail', async () => {
  const plugin = faulty(new MemoryStoragePlugin(), [{ on: 'turn', nth: 1, fault: 'reject-before' }])
  const storage = await plugin.open('n')
  await expect(storage.turns?.request(['a', 'b'], 10)).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
  })
  const turn = await storage.turns?.request(['a'], 10)
  expect(storage.turns?.isContended('a')).toBe(true)
  turn?.release()
  expect(plugin.calls.map(({ kind, keys }) => `${kind} ${keys.join()}`)).toEqual([
    'open ',
    'turn a,b',
    'turn a',
  ])
})

test('clear() in part removes half of the keys and rejects with an unknown outcome', async () => {
  for (const plugin of [new MemoryStoragePlugin(), new MinimalStoragePlugin({})]) {
    const wrapped = faulty(plugin, [{ on: 'clear', nth: 1, fault: 'in-part' }])
    const storage = await wrapped.open('n')
    await storage.commit(GROUPS)
    await expect(storage.clear()).rejects.toMatchObject({ outcome: 'unknown' })
    expect(await storage.len()).toBe(2)
  }
})

test.each([
  { fault: 'reject-before', listed: [], ends: 'CONNECTION_LOST' },
  { fault: 'reject-after', listed: ['a', 'b', 'c', 'd'], ends: 'CONNECTION_LOST' },
  { fault: 'throw-before', listed: [], ends: 'CONNECTION_LOST' },
  { fault: 'throw-after', listed: [], ends: 'CONNECTION_LOST' },
  { fault: 'never', listed: [], ends: 'pending' },
  { fault: 'late', listed: ['a', 'b', 'c', 'd'], ends: 'done' },
  { fault: 'rubbish', listed: [{ rubbish: true }, 'a', 'b', 'c', 'd'], ends: 'done' },
  { fault: 'in-part', listed: ['a'], ends: 'CONNECTION_LOST' },
  { fault: 'twice', listed: ['a', 'b', 'c', 'd'], ends: 'done' },
] as const)('a listing with the fault $fault lists $listed', async ({ fault, listed, ends }) => {
  const wrapped = faulty(new MemoryStoragePlugin(), [{ on: 'liveKeys', nth: 1, fault, ms: 1 }])
  const storage = await wrapped.open('n')
  await storage.commit(GROUPS)
  const found: unknown[] = []
  const list = async (): Promise<string> => {
    try {
      for await (const key of storage.liveKeys(0)) found.push(key)
      return 'done'
    } catch (error) {
      return (error as StoreError).code
    }
  }
  const pending = new Promise((resolve) => setTimeout(() => resolve('pending'), 20))
  expect(await Promise.race([list(), pending])).toBe(ends)
  expect(found).toEqual(listed)
})

test.each([
  { fault: 'late', changes: ['set a', 'set b'] },
  { fault: 'twice', changes: ['set a', 'set a', 'set b', 'set b'] },
  { fault: 'in-part', changes: ['unknown', 'set b'] },
  { fault: 'rubbish', changes: [undefined, 'set a', 'set b'] },
  { fault: 'never', changes: [] },
] as const)('a watch with the fault $fault reports $changes', async ({ fault, changes }) => {
  const wrapped = faulty(new MemoryStoragePlugin(), [{ on: 'watch', nth: 1, fault, ms: 1 }])
  const storage = await wrapped.open('n')
  const reported: unknown[] = []
  const stop = storage.watch?.(({ kind, ...rest }) =>
    reported.push('key' in rest ? `${kind} ${rest.key}` : kind),
  )
  await storage.commit(GROUPS.slice(0, 2))
  await expect.poll(() => reported).toEqual(changes)
  stop?.()
})

test('the plan counts calls of a kind, or all calls, and a function decides on each call', async () => {
  const fault = 'reject-before'
  expect(await failedCalls(faulty(new MemoryStoragePlugin(), [{ nth: 3, fault }]))).toBe(
    'getMany 1 of 3: failed',
  )
  expect(
    await failedCalls(faulty(new MemoryStoragePlugin(), [{ on: 'getMany', nth: 3, fault }])),
  ).toBe('getMany 3 of 7: failed')
  expect(
    await failedCalls(
      faulty(new MemoryStoragePlugin(), ({ keys }) => (keys[0] === 'b' ? fault : undefined)),
    ),
  ).toBe('commit 2 of 4: failed,getMany 2 of 5: failed')
})

test('the calls name their kind, keys and outcome, and a listing settles when it ends', async () => {
  const plugin = faulty(new MemoryStoragePlugin())
  const store = await new StorageRuntime(plugin).open('n')
  await store.setMany({ a: 1, b: 2 })
  await store.update('a', () => 3)
  const keys = store.keys()
  await keys.next()
  const shown = (): string[] =>
    plugin.calls.map(
      (call) => `${call.kind}(${call.keys.join()}) ${call.namespace} ${call.outcome}`,
    )
  expect(shown()).toEqual([
    'open() n ok',
    'commit(a,b) n ok',
    'transact(a) n ok',
    'liveKeys() n pending',
  ])
  await keys.return()
  expect(shown()[3]).toBe('liveKeys() n ok')
})

test('calls that a storage makes of its own methods count, so that the defaults can fail midway', async () => {
  const plugin = faulty(new MinimalStoragePlugin({}), [
    { on: 'remove', nth: 2, fault: 'reject-before' },
  ])
  const store = await new StorageRuntime(plugin, { allowLostUpdates: true }).open('n')
  await store.setMany({ a: 1, b: 2, c: 3 })
  await expect(store.clear()).rejects.toMatchObject({ outcome: 'unknown' })
  expect(plugin.calls.filter(({ kind }) => kind === 'set')).toHaveLength(3)
})

test('traits, time limits and the absence of methods stay', async () => {
  const memory = new MemoryStoragePlugin({ STORAGE_CONFIG: { operationTimeout: 7 } })
  const plugin = faulty(memory)
  const storage = await plugin.open('n')
  expect(plugin).toBeInstanceOf(StoragePluginBase)
  expect(plugin.operationTimeout).toBe(7)
  expect(plugin).toHaveProperty('namespaces')
  expect(storage.traits).toEqual((await memory.open('n')).traits)

  const minimal = faulty(new MinimalStoragePlugin({}))
  const opened = await minimal.open('n')
  expect(opened).toBeInstanceOf(StorageBase)
  expect(minimal).not.toHaveProperty('namespaces')
  for (const name of ['transact', 'perform', 'watch', 'turns', 'sync']) {
    expect(Reflect.get(opened, name)).toBeUndefined()
  }
})

test.each(['reject-after', 'throw-after', 'rubbish', 'twice', 'in-part'] as const)(
  'an open() with the fault %s leaves no storage open that the caller did not get',
  async (fault) => {
    const counting = new CountingPlugin()
    const plugin = faulty(counting, [{ on: 'open', nth: 1, fault }])
    await (async () => plugin.open('n'))().catch(() => {})
    await expect.poll(() => counting.openCount).toBe(fault === 'twice' ? 1 : 0)
    await plugin.release()
    expect(counting.openCount).toBe(0)
  },
)

test('a storage that a plugin returns twice is wrapped once', async () => {
  class Shared extends MemoryStoragePlugin {
    storage: Promise<StorageBase> | undefined
    override open(namespace: string): Promise<StorageBase> {
      this.storage ??= super.open(namespace)
      return this.storage
    }
  }
  const plugin = faulty(new Shared())
  await plugin.open('n')
  const storage = await plugin.open('n')
  await storage.clearPrefix('a')
  // A prefix is no key.
  expect(plugin.calls.map(({ kind, keys }) => [kind, ...keys].join(' '))).toEqual([
    'open',
    'open',
    'clearPrefix',
  ])
})

test('release() closes what a close() that was not made has left open', async () => {
  const counting = new CountingPlugin()
  const plugin = faulty(counting, [{ on: 'close', nth: 1, fault: 'reject-before' }])
  const store = await new StorageRuntime(plugin).open('n')
  await expect(store.close()).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  expect(counting.openCount).toBe(1)
  await plugin.release()
  expect(counting.openCount).toBe(0)
})

test('an error of the plan is what the call rejects with', async () => {
  const error = new TypeError('raw')
  const plugin = faulty(new MemoryStoragePlugin(), [
    { on: 'commit', nth: 1, fault: 'reject-after', error },
  ])
  const store = await new StorageRuntime(plugin).open('n')
  // The queue reads the key, and finds the write.
  await store.set('a', 1)
  const refused = new StoreError('QUOTA_EXCEEDED', 'full')
  const full = faulty(new MemoryStoragePlugin(), () => ({ fault: 'reject-before', error: refused }))
  await expect(new StorageRuntime(full).open('n')).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
})

test('a plan with an unknown fault, call or number is rejected', async () => {
  const memory = new MemoryStoragePlugin()
  const invalid = { code: 'INVALID_VALUE' }
  for (const fault of [
    { nth: 0, fault: 'never' },
    { nth: 1, fault: 'sometimes' },
    { nth: 1, fault: 'never', on: 'read' },
    { nth: 1 },
  ]) {
    expect(() => faulty(memory, [fault as never])).toThrow(expect.objectContaining(invalid))
  }
  expect(() => faulty(memory, 'never' as never)).toThrow(expect.objectContaining(invalid))
  expect(() => faulty(memory, ['never' as never])).toThrow(
    /^A fault of the plan must be an object such as \{ on: .*; received "never"\.$/,
  )
  expect(() => faulty(memoryManifest as never)).toThrow(
    'faulty() needs a plugin; received an instance of Object. Create one, as new MemoryStoragePlugin() does.',
  )
  await expect((async () => faulty(memory, () => true as never).open('n'))()).rejects.toThrow(
    'received true.',
  )
  await expect((async () => faulty(memory, () => 'x' as never).open('n'))()).rejects.toMatchObject(
    invalid,
  )
})
