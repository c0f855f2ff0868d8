import { describe, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type Change,
  type StorageBase,
  StorageRuntime,
  StoreError,
  type StoragePluginBase,
} from '../../src/index.ts'
import { errorOf, never } from '../support/promises.ts'

/** Memory with some methods replaced. */
function faulty(methods: object): StoragePluginBase {
  return new (class extends MemoryStoragePlugin {
    override async open(namespace: string): Promise<StorageBase> {
      return Object.assign(await super.open(namespace), { transact: undefined }, methods)
    }
  })()
}

async function* listOf<T>(...items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function collect<T>(list: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of list) items.push(item)
  return items
}

const WRONG_ENTRIES = [
  null,
  5,
  'text',
  [],
  {},
  { value: 1 },
  { value: 1, version: 7 },
  { value: 1, version: 'v', expires: 'soon' },
  { value: 1, version: 'v', expires: null },
]

describe.each(WRONG_ENTRIES)('the entry %j of a backend', (entry) => {
  test('is CORRUPT in every read, never a missing key; other keys are read', async () => {
    const good = { value: 2, version: 'w' }
    const entries: Record<string, unknown> = { bad: entry, good }
    const plugin = faulty({
      getMany: async (keys: readonly string[]) => new Map(keys.map((key) => [key, entries[key]])),
      entries: () => listOf(['bad', entry]),
    })
    const store = await new StorageRuntime(plugin).open<Record<string, number>>('n')
    const calls = [
      store.get('bad'),
      store.has('bad'),
      store.record('bad'),
      store.getMany(['bad']),
      store.update('bad', (n = 0) => n + 1),
      store.increment('bad'),
      store.insert('bad', 1),
      store.pop('bad'),
      store.transaction(['bad', 'good'], (tx) => tx.get('good')),
      collect(store.entries()),
    ]
    const other = store.get('good')
    for (const call of calls) {
      expect(await errorOf(call)).toMatchObject({
        code: 'CORRUPT',
        key: 'bad',
        namespace: 'n',
        outcome: 'not-applied',
      })
    }
    expect(await other).toBe(2)
  })
})

test.each([undefined, null, 5, [], {}, 'text'])(
  'getMany() that returns %j rejects with BACKEND_ERROR, not-applied',
  async (reply) => {
    const store = await new StorageRuntime(faulty({ getMany: async () => reply })).open('n')
    for (const call of [store.get('k'), store.update('k', () => 1)]) {
      expect(await errorOf(call)).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'not-applied' })
    }
  },
)

test.each([undefined, null, 5, 'applied', {}, [], [1, 2], new TypeError('torn')])(
  'a step whose result of perform() is %s rejects with BACKEND_ERROR, unknown',
  async (result) => {
    const plugin = faulty({ perform: async () => [result] })
    const store = await new StorageRuntime(plugin).open<Record<string, number>>('n')
    const error = await errorOf(store.increment('k'))
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'unknown', namespace: 'n' })
    await store.close()
  },
)

test.each([undefined, null, -1, 0.5, NaN, '3', Infinity])(
  'size() rejects with BACKEND_ERROR if the backend counts %s',
  async (count) => {
    const store = await new StorageRuntime(faulty({ liveLen: async () => count })).open('n')
    const error = await errorOf(store.size())
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'not-applied', namespace: 'n' })
  },
)

test.each([undefined, null, 5, {}])('a listing of %j rejects with BACKEND_ERROR', async (item) => {
  const plugin = faulty({ liveKeys: () => listOf(item), entries: () => listOf(item) })
  const store = await new StorageRuntime(plugin).open('n')
  for (const listing of [store.keys(), store.values(), store.entries(), store.records()]) {
    expect(await errorOf(collect<unknown>(listing))).toMatchObject({
      code: 'BACKEND_ERROR',
      outcome: 'not-applied',
      namespace: 'n',
    })
  }
})

test.each([undefined, null, 5, {}, new Map(), () => {}])(
  'open() of a plugin that resolves to %s rejects with BACKEND_ERROR, not-applied',
  async (storage) => {
    const plugin = { open: async () => storage } as unknown as StoragePluginBase
    const error = await errorOf(new StorageRuntime(plugin).open('n'))
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'not-applied', namespace: 'n' })
    expect(error.message).toContain('StorageBase')
  },
)

test('open() and namespaces() that fail are not-applied', async () => {
  const plugin = Object.assign(new MemoryStoragePlugin(), {
    open: () => throwIt(new Error('no disk')),
    namespaces: () => throwIt(new Error('no disk')),
  })
  const runtime = new StorageRuntime(plugin)
  for (const call of [runtime.open('n'), collect(runtime.namespaces())]) {
    expect(await errorOf(call)).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'not-applied' })
  }
})

test('namespaces() rejects with BACKEND_ERROR if the backend lists what is no string', async () => {
  const plugin = Object.assign(new MemoryStoragePlugin(), {
    namespaces: () => listOf<unknown>('a', 5),
  })
  const error = await errorOf(
    collect(new StorageRuntime(plugin as unknown as StoragePluginBase).namespaces()),
  )
  expect(error).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'not-applied' })
})

test('watch() of a backend whose watch throws or is no function throws a StoreError', async () => {
  for (const watch of [() => throwIt(Object.create(null)), 5]) {
    const store = await new StorageRuntime(faulty({ watch })).open('n')
    const call = (async () => store.watch())()
    expect(await errorOf(call)).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'not-applied' })
    await store.close()
  }
})

test.each([
  ['an object without a prototype', Object.create(null)],
  ['a symbol', Symbol('s')],
  [
    'an error whose message cannot be converted',
    Object.assign(new Error(), { message: Object.create(null) }),
  ],
  ['a revoked proxy', revokedProxy()],
  ['an error whose getters throw', unreadableError('name')],
  ['an error like a StoreError whose getters throw', unreadableError('namespace')],
  ['an error like a StoreError whose toJSON throws', unreadableError('toJSON')],
])('%s that a backend throws becomes the cause of a BACKEND_ERROR', async (_, thrown: unknown) => {
  const fail = (): never => throwIt(thrown)
  const plugin = faulty({ getMany: fail, commit: fail, liveLen: fail, liveKeys: fail, clear: fail })
  const store = await new StorageRuntime(plugin).open<Record<string, number>>('n')
  const calls = [
    store.get('k'),
    store.set('k', 1),
    store.update('k', () => 1),
    store.size(),
    store.clear(),
    collect(store.keys()),
  ]
  for (const call of calls) {
    const error = await errorOf(call)
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', namespace: 'n' })
    expect(Object.is(error.cause, thrown)).toBe(true)
    expect(StoreError.from(structuredClone(error.toJSON())).message).toBe(error.message)
  }
})

test('a result of a group that cannot be read rejects its write, and later calls go on', async () => {
  const commit = vi.fn(async () => [unreadableError('namespace')])
  const store = await new StorageRuntime(faulty({ commit })).open('n')
  for (const call of [store.set('k', 1), store.update('k', () => 1)]) {
    expect(await errorOf(call)).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'unknown' })
  }
  expect(await store.get('k')).toBeUndefined()
  await store.close()
})

test('drop() that throws rejects with BACKEND_ERROR, unknown', async () => {
  const plugin = Object.assign(new MemoryStoragePlugin(), { drop: () => throwIt(null) })
  const runtime = new StorageRuntime(plugin)
  const error = await errorOf(runtime.drop('n'))
  expect(error).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'unknown', namespace: 'n' })
  await (await runtime.open('n')).close()
})

test('an onTimeout() that throws ends no process', async () => {
  const plugin = faulty({ commit: never, onTimeout: () => throwIt(new Error('gone')) })
  const store = await new StorageRuntime(plugin, { operationTimeout: 10 }).open('n')
  expect(await errorOf(store.set('k', 1))).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
  expect(await store.get('k')).toBeUndefined()
  await store.close()
})

test.each([undefined, null, 5, {}, { release: 5 }, { release: () => throwIt(null) }])(
  'updates go on if the backend grants %s as a turn',
  async (turn) => {
    let lost = 0
    const memory = await new MemoryStoragePlugin().open('n')
    const plugin = faulty({
      turns: { hasContention: false, isContended: () => false, request: async () => turn },
      commit: async (groups: readonly (readonly Change[])[]) =>
        lost++ % 2 === 0 ? groups.map(() => 'conflict') : memory.commit(groups),
      getMany: (keys: readonly string[]) => memory.getMany(keys),
    })
    const store = await new StorageRuntime(plugin).open<Record<string, number>>('n')
    const results = await Promise.all([
      store.update('k', (n = 0) => n + 1),
      store.transaction(['k', 'j'], (tx) => tx.set('j', 1)),
      store.update('k', async (n = 0) => n + 1),
    ])
    expect(results).toEqual([1, undefined, 2])
    await store.update('k', (n = 0) => n + 1)
    expect(await store.get('k')).toBe(3)
    await store.close()
  },
)

function throwIt(thrown: unknown): never {
  throw thrown
}

/** An error like a StoreError, of which one property cannot be read. */
function unreadableError(name: string): Error {
  const error = Object.assign(new Error('torn'), {
    name: 'StoreError',
    code: 'CONFLICT',
    toJSON() {},
  })
  return Object.defineProperty(error, name, { get: () => throwIt(new Error('unreadable')) })
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
