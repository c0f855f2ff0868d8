// The program of a user. `types.e2e.test.ts` compiles it against the packed package with the oldest and
// the newest compiler, and never runs it. Every `@ts-expect-error` must suppress an error.

import {
  type AppendOptions,
  type BotConfig,
  type ClearOptions,
  type CommitOptions,
  type ConfigField,
  type ExpiryOptions,
  type InferOutput,
  type KeysOptions,
  LocalTurns,
  type Manifest,
  type OpenOptions,
  type RemoveChange,
  type RuntimeOptions,
  type SetChange,
  type StandardSchema,
  type StepOptions,
  StorageBase,
  StoragePluginBase,
  StorageRuntime,
  type Store,
  type StoreErrorDetails,
  StoreMixin,
  type StoreRecord,
  type StoreValueChange,
  type Turn,
  type Turns,
  type WatchOptions,
  type WriteOptions,
} from 'botshelf'
import {
  type AdminAccess,
  type AdminErrorDetails,
  type AdminHandlerOptions,
  type BotCallOptions,
  callBot,
  createAdminHandler,
  type ErrorResponseOptions,
  type RemoteTargetOptions,
} from 'botshelf/admin'
import {
  type ExcludeOptions,
  type PlanOptions,
  readAll,
  type ReadAllOptions,
  runtimeTarget,
  type StoredValue,
} from 'botshelf/backup'
import { cloudflareKV } from 'botshelf/cloudflare-kv'
import { decode, encode } from 'botshelf/codec'
import { conformance, type ConformanceOptions } from 'botshelf/conformance'
import { durableObject } from 'botshelf/durable-object'
import { indexeddb } from 'botshelf/indexeddb'
import { live, type LiveOptions } from 'botshelf/live'
import { memory, MemoryStoragePlugin } from 'botshelf/memory'

/** What users and authors of adapters create. */
type Inputs = [
  AdminAccess,
  AdminErrorDetails,
  AdminHandlerOptions,
  AppendOptions,
  BotCallOptions,
  BotConfig,
  ClearOptions,
  CommitOptions,
  ConfigField,
  ConformanceOptions,
  ErrorResponseOptions,
  ExcludeOptions,
  ExpiryOptions,
  KeysOptions,
  LiveOptions,
  Manifest,
  OpenOptions,
  PlanOptions,
  ReadAllOptions,
  RemoteTargetOptions,
  RemoveChange,
  RuntimeOptions,
  SetChange,
  StepOptions,
  StoredValue,
  StoreErrorDetails,
  Turn,
  WatchOptions,
  WriteOptions,
]

/** The same type with `undefined` for each optional property. */
type WithUndefined<T> = {
  [K in keyof T]: Partial<Pick<T, K>> extends Pick<T, K> ? T[K] | undefined : T[K]
}

type AllWithUndefined<T> = { [I in keyof T]: WithUndefined<T[I]> }

export const accept = (given: AllWithUndefined<Inputs>): Inputs => given

interface Shape {
  count: number
  notes: string[]
}

export abstract class Storage extends StorageBase {
  override readonly turns: Turns | undefined = new LocalTurns()
}

export abstract class Plugin extends StoragePluginBase {
  override readonly openTimeout: number | undefined = this.operationTimeout
}

export async function useStores(maybe: string | undefined, ttl: number | undefined): Promise<void> {
  const config: BotConfig = { STORAGE: maybe, STORAGE_CONFIG: maybe }
  const registry = [memory, indexeddb, cloudflareKV, durableObject]
  await using runtime = await StorageRuntime.start(config, registry, { now: undefined })
  await using store = await runtime.open<Shape>('typed', { schema: undefined })
  await store.set('count', 1, { ttl })
  await store.update('count', (count = 0) => count + 1, { ttl, onInsert: undefined })
  const count: number = await store.increment('count', 1, { ttl })
  const notes: string[] | undefined = await store.get('notes')
  await store.append('notes', 'text', { max: count, ttl })
  await store.transaction(['count', 'notes'], (tx) => tx.set('notes', notes ?? [], { ttl }))
  for await (const [key, value] of store.entries({ prefix: maybe })) {
    const pair: ['count' | 'notes', number | string[]] = [key, value]
    await store.set(...pair)
  }
  for await (const change of store.watch({ values: true, signal: undefined })) {
    const typed: StoreValueChange<Shape> = change
    if (typed.kind === 'set') await store.set(typed.key, typed.value, { expires: typed.expires })
  }
  const iterator: AsyncIterator<unknown> = store.watch({ prefix: maybe })[Symbol.asyncIterator]()
  await iterator.return?.()

  // @ts-expect-error -- no such key
  await store.get('cuont')
  // @ts-expect-error -- no such option
  await store.set('count', 1, { tll: 5 })
  // @ts-expect-error -- no such option
  store.keys({ limt: 1 })
  // @ts-expect-error -- no such option
  store.watch({ value: true })
  // @ts-expect-error -- no such option
  await runtime.open('typed', { schemas: undefined })
  // @ts-expect-error -- no such option
  await StorageRuntime.start(config, registry, { onEvents: () => {} })
  // @ts-expect-error -- no such option
  live(store, { after: 'a' })
}

export async function useSchemas(
  schema: StandardSchema<unknown, number>,
  runtime: StorageRuntime,
): Promise<Store<Record<string, number>>> {
  const output: InferOutput<typeof schema> = 1
  const numbers = await runtime.open('numbers', {
    schema,
    version: 1,
    migrate: (value) => Number(value),
  })
  await numbers.set('one', output)
  // @ts-expect-error -- no number
  await numbers.set('two', 'two')
  return numbers
}

export class Bot extends StoreMixin<Shape>()(Plugin) {
  open(): never {
    throw new Error('not called')
  }
}

export async function useBot(bot: Bot, runtime: StorageRuntime): Promise<void> {
  await bot.openStorage(runtime, 'bot', { version: undefined })
  const record: StoreRecord<number> | undefined = await bot.record('count')
  await bot.set('count', record?.value ?? 0, { expires: record?.expires })
  live(bot, { prefix: undefined }).subscribe(({ entries }) => encode(entries))
}

const plugin = (): MemoryStoragePlugin => new MemoryStoragePlugin()

export async function useTools(
  runtime: StorageRuntime,
  token: string | undefined,
): Promise<unknown> {
  const contents = await readAll(runtimeTarget(runtime), { excludedNamespaces: undefined })
  await conformance({ plugin, skip: undefined })[0]?.run()
  createAdminHandler({
    open: () => runtime,
    authorize: () => true,
    secret: '',
    basePath: undefined,
  })
  await callBot({ url: '', token }, 'admin', { timeoutMs: undefined })
  return decode(encode(contents))
}
