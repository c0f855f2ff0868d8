import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type InferOutput,
  type StandardSchema,
  StorageRuntime,
  type Store,
  StoreMixin,
} from '../../src/index.ts'
import { convertWith, createSchema, positive } from '../support/schemas.ts'

// `tsc -b` tests this file: every `@ts-expect-error` must suppress an error.

interface User {
  name: string
  age: number
}

interface Shape {
  count: number
  notes: string[]
}

const runtime = new StorageRuntime(new MemoryStoragePlugin())
const user = createSchema<User>((value) => ({ value: value as User }))

test('the output of a schema is the type of the values', async () => {
  const numbers = await runtime.open('numbers', { schema: positive })
  expectTypeOf(numbers).toEqualTypeOf<Store<Record<string, number>>>()
  const users = await runtime.open('users', {
    schema: user,
    version: 2,
    checkReads: true,
    migrate: (value, fromVersion, key) => {
      expectTypeOf(value).toEqualTypeOf<unknown>()
      expectTypeOf(fromVersion).toEqualTypeOf<number>()
      expectTypeOf(key).toEqualTypeOf<string>()
      return { name: key, age: fromVersion }
    },
  })
  expectTypeOf(users.get('ann')).resolves.toEqualTypeOf<User | undefined>()
})

test('a schema of Zod is a StandardSchema', async () => {
  const schema = z.object({ name: z.string(), age: z.string().transform(Number) })
  expectTypeOf<InferOutput<typeof schema>>().toEqualTypeOf<User>()
  expectTypeOf(schema).toExtend<StandardSchema>()
  const users = await runtime.open('zod', { schema })
  expectTypeOf(users).toEqualTypeOf<Store<Record<string, User>>>()
})

test('a schema without declared types has the type that validate() returns', async () => {
  const schema = {
    '~standard': { version: 1, vendor: 'mine', validate: (value: unknown) => ({ value: [value] }) },
  } as const
  const lists = await runtime.open('lists', { schema })
  expectTypeOf(lists).toEqualTypeOf<Store<Record<string, unknown[]>>>()
})

test('an explicit type of the store works with every option', async () => {
  const karma = await runtime.open<Record<string, number>>('karma', {
    version: 1,
    migrate: (value) => Number(value),
  })
  expectTypeOf(karma).toEqualTypeOf<Store<Record<string, number>>>()
  const shape = await runtime.open<Shape>('shape', {
    version: 1,
    schema: convertWith((value) => value as number | string[]),
    migrate: (value, _, key) => {
      expectTypeOf(key).toEqualTypeOf<'count' | 'notes'>()
      return key === 'count' ? Number(value) : [String(value)]
    },
  })
  expectTypeOf(shape).toEqualTypeOf<Store<Shape>>()
  expectTypeOf(runtime.open('any')).resolves.toEqualTypeOf<Store>()
  expectTypeOf(runtime.open('any', { version: 1 })).resolves.toEqualTypeOf<Store>()
})

test('openStorage() of a StoreMixin takes options for the type of its store', async () => {
  class Users extends StoreMixin<Record<string, User>>()(Object) {}
  const users = new Users()
  await users.openStorage(runtime, 'mixed', {
    schema: user,
    version: 1,
    migrate: (_, fromVersion, key) => ({ name: key, age: fromVersion }),
  })
  await users.closeStorage()
  // @ts-expect-error -- the schema is one of other values
  const reopen = (): Promise<void> => users.openStorage(runtime, 'mixed', { schema: positive })
  expectTypeOf(reopen).toBeFunction()
})

const loadUser = async (): Promise<User> => ({ name: 'Ann', age: 20 })

/** Never called. Each line must be a compile error. */
async function wrong(users: Store<Record<string, User>>): Promise<void> {
  // @ts-expect-error -- the age of a user is a number
  await users.set('ann', { name: 'Ann', age: '20' })
  // @ts-expect-error -- no schema
  await runtime.open('ns', { schema: {} })
  // @ts-expect-error -- a version is a number
  await runtime.open('ns', { version: '1' })
  // @ts-expect-error -- no such option
  await runtime.open('ns', { schemas: user })
  // @ts-expect-error -- migrate() returns a user
  await runtime.open('ns', { schema: user, version: 1, migrate: () => 5 })
  await runtime.open('ns', {
    schema: user,
    version: 1,
    // @ts-expect-error -- the compiler blames migrate(), not the schema
    migrate: () => ({ name: 'Ann', age: '20' }),
  })
  await runtime.open('ns', {
    schema: user,
    // @ts-expect-error -- the compiler blames the unknown option, not the schema
    versions: 1,
  })
  // @ts-expect-error -- the type is that of the whole dictionary
  await runtime.open<User>('ns', { schema: user })
  // @ts-expect-error -- migrate() is synchronous
  await runtime.open('ns', { schema: user, version: 1, migrate: loadUser })
  // @ts-expect-error -- the schema is one of other values
  await runtime.open<Record<string, string>>('ns', { schema: user })
  // @ts-expect-error -- a step keeps the version of an entry
  await users.touch('ann', { ttl: 1, version: 1 })
}

test('options and values of other types are compile errors', () => {
  expectTypeOf(wrong).parameter(0).toEqualTypeOf<Store<Record<string, User>>>()
})
