import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { DurableObjectStoragePlugin } from '../../../../adapters/durable-object.ts'
import type { RpcObjectStorage } from '../../../../adapters/durable-object/rpc-object-storage.ts'
import type { ChangeColumns } from '../../../../adapters/durable-object/tuples.ts'
import type { StorageObject } from '../../../../adapters/storage-object.ts'
import {
  type Change,
  type RuntimeOptions,
  type Step,
  type StepChange,
  StorageRuntime,
  type Store,
} from '../../../../src/index.ts'
import { createEntry } from '../../../../src/entry.ts'

let count = 0

/** Returns a name that no other test uses. */
export function uniqueName(): string {
  return `n${count++}-${crypto.randomUUID()}`
}

/** Creates a plugin that reaches its objects from a Worker. */
export function createPlugin(
  binding: object = env.BOT_STORAGE,
  prefix?: string,
): DurableObjectStoragePlugin {
  return new DurableObjectStoragePlugin({
    STORAGE_CONFIG: { binding, ...(prefix === undefined ? {} : { prefix }) },
  })
}

/** Opens a namespace from a Worker. */
export async function open(
  namespace: string,
  options?: RuntimeOptions,
  binding?: object,
): Promise<Store> {
  return new StorageRuntime(createPlugin(binding), options).open(namespace)
}

/** Opens a namespace from a Worker, without a runtime. */
export async function openStorage(namespace: string, binding?: object): Promise<RpcObjectStorage> {
  return (await createPlugin(binding).open(namespace)) as RpcObjectStorage
}

/** Resets the object of a namespace, so that it loses its memory. */
export async function reset(namespace: string): Promise<void> {
  const stub = objectOf(namespace)
  await runInDurableObject(stub, (_, state) => state.abort('reset for the test')).catch(() => {})
}

/** Returns the object of a namespace. */
export function objectOf(namespace: string): DurableObjectStub<StorageObject> {
  return env.BOT_STORAGE.getByName(`botshelf/${namespace}`)
}

/** Lists the namespaces of a runtime or a plugin. */
export async function listNamespaces(source: {
  namespaces(): AsyncIterable<string>
}): Promise<string[]> {
  const names: string[] = []
  for await (const name of source.namespaces()) names.push(name)
  return names
}

interface Message {
  readonly type: string
  readonly turn?: string
  sentAt?: number
  readonly changes?: ChangeColumns
}

interface RecordedBinding {
  readonly binding: object
  /** The types of the requests, in order. */
  readonly calls: string[]
}

/** Wraps the binding to record the type of each request; `intercept` can replace its result. */
export function recordCalls(
  intercept: (message: Message, call: () => Promise<unknown>) => Promise<unknown> = (_, call) =>
    call(),
): RecordedBinding {
  const calls: string[] = []
  const binding = {
    idFromName: (name: string) => env.BOT_STORAGE.idFromName(name),
    get: (id: DurableObjectId) => ({
      call: (message: Message) => {
        calls.push(message.type)
        // A new stub for each delivery: a stub whose object was reset fails forever.
        return intercept(message, () => env.BOT_STORAGE.get(id).call(message as never))
      },
    }),
  }
  return { binding, calls }
}

/** Records the arguments of a method of an object's `ctx.storage.kv` from now on. */
export async function recordReads(namespace: string, method: 'get' | 'list'): Promise<unknown[]> {
  const reads: unknown[] = []
  await runInDurableObject(objectOf(namespace), (_, { storage }) => {
    const original = storage.kv[method].bind(storage.kv) as (argument: never) => unknown
    Object.defineProperty(storage.kv, method, {
      value: (argument: never) => {
        reads.push(argument)
        return original(argument)
      },
    })
  })
  return reads
}

/** Collects what a listing yields. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** Creates a group with one step. */
export function stepGroup(key: string, step: Step, version = uniqueName()): StepChange[] {
  return [{ key, step, version, bytes: 16 }]
}

/** Creates a group that stores a value. */
export function setGroup(
  key: string,
  value: unknown,
  options: { ifVersion?: string | null; version?: string; expires?: number } = {},
): Change[] {
  const { ifVersion, version = uniqueName(), expires } = options
  return [
    {
      key,
      entry: createEntry(value, version, expires),
      bytes: 16,
      ...(ifVersion !== undefined && { ifVersion }),
    },
  ]
}

/** Returns a group of changes that claim to take 1,900,000 bytes each. */
export function largeGroup(name: string, length: number): Change[] {
  return Array.from({ length }, (_, i) => ({
    key: `${name}${i}`,
    entry: { value: i, version: `${name}${i}` },
    bytes: 1_900_000,
  }))
}
