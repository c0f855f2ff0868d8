import { expectTypeOf, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type BotConfig,
  type ItemOf,
  type ListKeyOf,
  type Manifest,
  StorageBase,
  StorageRuntime,
  type Store,
  StoreMixin,
  type StoreRecord,
  type StoreTransaction,
} from '../../src/index.ts'

// `tsc -b` tests this file: every `@ts-expect-error` must suppress an error.

interface Shape {
  count: number
  notes: string[]
  since?: Date
}

const runtime = new StorageRuntime(new MemoryStoragePlugin())

test('the type of a store gives each key its type of value', async () => {
  await using store = await runtime.open<Shape>('typed')
  expectTypeOf(store.get('count')).resolves.toEqualTypeOf<number | undefined>()
  expectTypeOf(store.get('notes')).resolves.toEqualTypeOf<string[] | undefined>()
  expectTypeOf(store.update('count', (n = 0) => n + 1)).resolves.toEqualTypeOf<number | undefined>()
  expectTypeOf(store.mutable('notes', (list) => list.push('x'), [])).resolves.toEqualTypeOf<
    string[]
  >()
  expectTypeOf(store.mutable('notes', (list) => list?.push('x'))).resolves.toEqualTypeOf<
    string[] | undefined
  >()
  expectTypeOf(store.getOrInsert('count', 1)).resolves.toEqualTypeOf<number>()
  expectTypeOf(store.pop('notes')).resolves.toEqualTypeOf<string[] | undefined>()
  for await (const [key, value] of store) {
    expectTypeOf(key).toEqualTypeOf<'count' | 'notes' | 'since'>()
    expectTypeOf(value).toEqualTypeOf<number | string[] | Date | undefined>()
  }
  await store.setMany({ count: 1 })
  await store.setMany(new Map([['count', 2] as const]))
})

test('increment() takes keys with numbers, append() takes keys with lists and their items', async () => {
  interface Counts extends Shape {
    maybe?: number
    mixed: number | string
    tuple: readonly [string, ...string[]]
    either: string | number[]
  }
  await using store = await runtime.open<Counts>('counts')
  expectTypeOf(store.increment('count')).resolves.toEqualTypeOf<number>()
  const options = { max: 5, ttl: 5, onInsert: true }
  expectTypeOf(store.append('notes', 'x', options)).resolves.toEqualTypeOf<number>()
  type IncrementKey = Parameters<Store<Counts>['increment']>[0]
  expectTypeOf<IncrementKey>().toEqualTypeOf<'count' | 'maybe' | 'mixed'>()
  expectTypeOf<ListKeyOf<Counts>>().toEqualTypeOf<'notes' | 'tuple' | 'either'>()
  expectTypeOf<ItemOf<Counts['tuple']>>().toEqualTypeOf<string>()
  expectTypeOf<ItemOf<Counts['either']>>().toEqualTypeOf<number>()
  const anything = await runtime.open('anything')
  await anything.increment('any')
  await anything.append('list', { any: 'item' })
})

test('insert(), touch(), getMany() and deleteMany() have the types of their keys', async () => {
  await using store = await runtime.open<Shape>('typed')
  expectTypeOf(store.insert('count', 1, { ttl: 5 })).resolves.toEqualTypeOf<boolean>()
  expectTypeOf(store.touch('since', { expires: null })).resolves.toEqualTypeOf<boolean>()
  const both = store.getMany(['count', 'notes'])
  expectTypeOf(both).resolves.toEqualTypeOf<Map<'count' | 'notes', number | string[]>>()
  expectTypeOf(store.getMany(new Set(['count'] as const))).resolves.toEqualTypeOf<
    Map<'count', number>
  >()
  expectTypeOf(store.deleteMany(['count', 'since'])).resolves.toEqualTypeOf<void>()
})

test('a transaction has the keys that it names, and the type of its result', async () => {
  await using store = await runtime.open<Shape>('typed')
  await store.set('count', 1)
  const length = store.transaction(['count', 'notes'], async (tx) => {
    expectTypeOf(tx).toEqualTypeOf<StoreTransaction<Shape, 'count' | 'notes'>>()
    expectTypeOf(tx.get('count')).toEqualTypeOf<number | undefined>()
    expectTypeOf(tx.record('notes')).toEqualTypeOf<StoreRecord<string[]> | undefined>()
    tx.set('notes', ['x'], { ttl: 5 })
    tx.delete('count')
    return tx.has('count') ? 0 : 1
  })
  expectTypeOf(length).resolves.toEqualTypeOf<0 | 1>()
  const karma = await runtime.open<Record<string, number>>('karma')
  const from: string = 'ann'
  const rest = karma.transaction([from, 'bob'], (tx) => tx.get(from) ?? 0, { ttl: 5 })
  expectTypeOf(rest).resolves.toEqualTypeOf<number>()
})

/** Never called. Each line must be a compile error. */
async function wrongSteps(store: Store<Shape>): Promise<void> {
  // @ts-expect-error -- notes is a list
  await store.increment('notes')
  // @ts-expect-error -- by is a number
  await store.increment('count', '1')
  // @ts-expect-error -- count is no list
  await store.append('count', 1)
  // @ts-expect-error -- an item of notes is a string
  await store.append('notes', 5)
  // @ts-expect-error -- max is a number
  await store.append('notes', 'x', { max: '5' })
  // @ts-expect-error -- increment() has no max
  await store.increment('count', 1, { max: 5 })
  // @ts-expect-error -- the value of count is a number
  await store.insert('count', 'one')
  // @ts-expect-error -- insert() has no onInsert
  await store.insert('count', 1, { ttl: 5, onInsert: true })
  // @ts-expect-error -- touch() needs options
  await store.touch('count')
  // @ts-expect-error -- expires is a number or null
  await store.set('count', 1, { expires: new Date() })
  // @ts-expect-error -- Shape has no such key
  await store.getMany(['missing'])
  // @ts-expect-error -- Shape has no such key
  await store.deleteMany(['count', 'missing'])
  // @ts-expect-error -- the transaction did not name notes
  await store.transaction(['count'], (tx) => tx.get('notes'))
  // @ts-expect-error -- the value of count is a number
  await store.transaction(['count'], (tx) => tx.set('count', 'one'))
  // @ts-expect-error -- Shape has no such key
  await store.transaction(['missing'], () => 1)
  // @ts-expect-error -- keys() has no ttl
  store.keys({ ttl: 5 })
  // @ts-expect-error -- limit is a number
  store.keys({ limit: '5' })
  // @ts-expect-error -- clear() has no limit
  await store.clear({ limit: 5 })
}

test('a step with a key, an item or an option of another type is a compile error', () => {
  expectTypeOf(wrongSteps).parameter(0).toEqualTypeOf<Store<Shape>>()
})

/** Never called. Each line must be a compile error. */
async function wrong(store: Store<Shape>): Promise<void> {
  // @ts-expect-error -- Shape has no such key
  await store.get('missing')
  // @ts-expect-error -- count is a number
  await store.set('count', 'one')
  // @ts-expect-error -- set() needs a value
  await store.set('count')
  // @ts-expect-error -- the updater of a number returns a string
  await store.update('count', () => 'one')
  // @ts-expect-error -- without `initial` the draft may be undefined
  await store.mutable('notes', (list) => list.push('x'))
  // @ts-expect-error -- `initial` has another type
  await store.mutable('notes', (list) => list.push('x'), 5)
  // @ts-expect-error -- the value has another type
  await store.setMany({ count: 'one' })
  // @ts-expect-error -- keys are strings
  await store.delete(5)
  // @ts-expect-error -- ttl is a number
  await store.set('count', 1, { ttl: '5m' })
}

test('a key or a value that the type of a store lacks is a compile error', () => {
  expectTypeOf(wrong).parameter(0).toEqualTypeOf<Store<Shape>>()
})

test('a dictionary accepts any key, and a store without a type returns unknown', async () => {
  const karma = await runtime.open<Record<string, number>>('karma')
  expectTypeOf(karma.get('ann')).resolves.toEqualTypeOf<number | undefined>()
  const anything = await runtime.open('anything')
  expectTypeOf(anything.get('k')).resolves.toEqualTypeOf<unknown>()
})

test('StoreMixin keeps the members of its base and adds a typed store', async () => {
  class Plugin {
    readonly name: string
    constructor(name: string) {
      this.name = name
    }
  }
  class Karma extends StoreMixin<Record<string, number>>()(Plugin) {
    async raise(nick: string): Promise<number | undefined> {
      return this.update(nick, (n = 0) => n + 1)
    }
  }
  const karma = new Karma('karma')
  await karma.openStorage(runtime, 'mixed')
  expectTypeOf(karma.name).toEqualTypeOf<string>()
  expectTypeOf(karma.get('ann')).resolves.toEqualTypeOf<number | undefined>()
  // @ts-expect-error -- the base requires a name
  const nameless = (): Karma => new Karma()
  expectTypeOf(nameless).toBeFunction()
})

test('an incomplete manifest or storage is a compile error', () => {
  // @ts-expect-error -- load is missing
  const empty: Manifest = { name: 'Empty', description: '' }
  expectTypeOf(empty).toEqualTypeOf<Manifest>()
  // @ts-expect-error -- five methods are missing
  class Short extends StorageBase {
    async get(): Promise<undefined> {
      return undefined
    }
  }
  expectTypeOf(Short).not.toBeAny()
})

interface Env {
  STORAGE: 'Memory'
  STORAGE_CONFIG: { binding: 'X' }
  X: object
}

test('an Env interface that wrangler generates is a BotConfig', () => {
  expectTypeOf<Env>().toExtend<BotConfig>()
})
