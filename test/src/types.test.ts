import { expectTypeOf, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type BotConfig,
  type Manifest,
  StorageBase,
  StorageRuntime,
  type Store,
  StoreMixin,
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
