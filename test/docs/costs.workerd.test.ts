import { env } from 'cloudflare:workers'
import { runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { StorageRuntime } from '../../src/index.ts'
import page from '../../docs/performance.md?raw'
import { cellOf, countOf, ENTRIES, OPERATIONS, readColumn } from './support/costs.ts'

/** Calls of the platform by name since the last `take`. */
class Counter {
  #counts: Record<string, number> = {}

  add(name: string, count = 1): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + count
  }

  take(): (name: string) => number {
    const counts = this.#counts
    this.#counts = {}
    return (name) => counts[name] ?? 0
  }
}

type Method = (...args: unknown[]) => unknown

const counter = new Counter()

/** Returns an object whose methods call `onCall` first. Results of methods may be replaced. */
function intercept<T extends object>(
  target: T,
  onCall: (name: string, args: readonly unknown[], result: unknown) => unknown,
): T {
  return new Proxy(target, {
    get(object, name) {
      const member: unknown = Reflect.get(object, name)
      if (typeof member !== 'function' || typeof name !== 'string') return member
      return (...args: unknown[]): unknown =>
        onCall(name, args, Reflect.apply(member, object, args) as unknown)
    },
  })
}

/** Counts rows as Cloudflare bills them: a `get` reads one, a `list` each that it returns. */
function countRows(kv: SyncKvStorage): SyncKvStorage {
  return intercept(kv, (name, _args, result) => {
    if (name === 'get') counter.add('read')
    if (name === 'put' || name === 'delete') counter.add('written')
    return name === 'list' ? countListed(result as Iterable<unknown>) : result
  })
}

function* countListed(rows: Iterable<unknown>): Iterable<unknown> {
  for (const row of rows) {
    counter.add('read')
    yield row
  }
}

/** Opens a store, runs each operation on it, and formats what it cost. */
async function measure(
  plugin: ConstructorParameters<typeof StorageRuntime>[0],
  format: (count: (name: string) => number) => readonly string[],
  options?: ConstructorParameters<typeof StorageRuntime>[1],
): Promise<Readonly<Record<string, string>>> {
  await using runtime = new StorageRuntime(plugin, options)
  const measured: Record<string, string> = {}
  const store = await runtime.open<Record<string, number>>(crypto.randomUUID())
  // The page says that opening a store costs nothing.
  expect(cellOf(format(counter.take()))).toBe('none')
  await Promise.all(ENTRIES.map(([key, value]) => store.set(key, value)))
  for (const [name, run] of Object.entries(OPERATIONS)) {
    // An operation must not find the end of the one before it still queued.
    await new Promise((resolve) => setTimeout(resolve))
    counter.take()
    const error: unknown = await run(store).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (error !== undefined) expect(error).toMatchObject({ code: 'NOT_ATOMIC' })
    const cell = cellOf(format(counter.take()))
    measured[name] = error === undefined ? cell : '–'
  }
  return measured
}

const formatRows = (count: (name: string) => number): readonly string[] => [
  countOf(count('read'), 'row read', 'rows read'),
  countOf(count('written'), 'row written', 'rows written'),
]

test('docs/performance.md names the rows that each operation reads and writes inside an object', async () => {
  const stub = env.HOST.getByName(crypto.randomUUID())
  const measured = await runInDurableObject(stub, (_instance, { storage }) => {
    const counted = new Proxy(storage, {
      get(object, name) {
        if (name === 'kv') return countRows(object.kv)
        const member: unknown = Reflect.get(object, name)
        return typeof member === 'function' ? (member.bind(object) as unknown) : member
      },
    })
    return measure(
      new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage: counted } }),
      formatRows,
    )
  })
  expect(readColumn(page, 'inside an object')).toEqual(measured)
})

test('docs/performance.md names the requests and rows of each operation from a Worker', async () => {
  // The objects run in the isolate of the test and share this prototype.
  const prototype = await runInDurableObject(
    env.BOT_STORAGE.getByName(crypto.randomUUID()),
    (_instance, { storage }) => Object.getPrototypeOf(storage.kv) as SyncKvStorage,
  )
  const originals = methodsOf(prototype)
  for (const [name, original] of Object.entries(originals)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value(this: SyncKvStorage, ...args: unknown[]) {
        const bound = { [name]: original.bind(this) } as unknown as SyncKvStorage
        const counted = countRows(bound) as unknown as Record<string, (...a: unknown[]) => unknown>
        return counted[name]?.(...args)
      },
    })
  }
  try {
    const binding = intercept(env.BOT_STORAGE, (name, _args, stub) =>
      name !== 'get' && name !== 'getByName'
        ? stub
        : intercept(stub as object, (_method, _arguments, result) => {
            counter.add('request')
            return result
          }),
    )
    const measured = await measure(
      new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding } }),
      (count) => [countOf(count('request'), 'request'), ...formatRows(count)],
    )
    expect(readColumn(page, 'an object, from a Worker')).toEqual(measured)
  } finally {
    for (const [name, value] of Object.entries(originals)) {
      Object.defineProperty(prototype, name, { configurable: true, writable: true, value })
    }
  }
})

/** Returns the methods of an object's synchronous storage. */
function methodsOf(prototype: SyncKvStorage): Readonly<Record<string, Method>> {
  const names = ['get', 'put', 'delete', 'list'] as const
  return Object.fromEntries(names.map((name) => [name, Reflect.get(prototype, name) as Method]))
}

/** Measures KV operations. */
function measureKV(
  options?: ConstructorParameters<typeof StorageRuntime>[1],
): Promise<Readonly<Record<string, string>>> {
  const binding = intercept(env.BOT_KV, (name, [key], result) => {
    counter.add(name === 'getWithMetadata' ? 'get' : name)
    if (name.startsWith('get')) counter.add('key', Array.isArray(key) ? key.length : 1)
    return result
  })
  return measure(
    new CloudflareKVStoragePlugin({ STORAGE_CONFIG: { binding } }),
    (count) => [
      countOf(count('list'), 'list'),
      count('key') === count('get')
        ? countOf(count('get'), 'get')
        : `${countOf(count('get'), 'get')} of ${count('key')} keys`,
      countOf(count('put'), 'put'),
      countOf(count('delete'), 'delete'),
    ],
    options,
  )
}

test('docs/performance.md names the KV operations of each operation', async () => {
  expect(readColumn(page, 'Workers KV')).toEqual(await measureKV())
})

test('with allowLostUpdates, each operation that KV cannot make atomic is a get and a put', async () => {
  const measured = await measureKV({ allowLostUpdates: true })
  const column = readColumn(page, 'Workers KV')
  const expected = Object.entries(column).map(([name, cell]) => [
    name,
    cell === '–' ? '1 get, 1 put' : cell,
  ])
  expect(measured).toEqual(Object.fromEntries(expected))
})

test('a deletion or an expiry sets the alarm of an object, unless it is set to an earlier time', async () => {
  const prototype = await runInDurableObject(
    env.BOT_STORAGE.getByName(crypto.randomUUID()),
    (_instance, { storage }) => Object.getPrototypeOf(storage) as DurableObjectStorage,
  )
  const original = Reflect.get(prototype, 'setAlarm') as Method
  const define = (value: unknown): void => {
    Object.defineProperty(prototype, 'setAlarm', { configurable: true, writable: true, value })
  }
  define(function setAlarm(this: DurableObjectStorage, ...args: unknown[]) {
    counter.add('alarm')
    return Reflect.apply(original, this, args)
  })
  try {
    await using runtime = new StorageRuntime(
      new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: env.BOT_STORAGE } }),
    )
    const store = await runtime.open<Record<string, number>>(crypto.randomUUID())
    const countAlarms = async (write: Promise<unknown>): Promise<number> => {
      counter.take()
      await write
      return counter.take()('alarm')
    }
    expect(await countAlarms(store.setMany({ a: 1, b: 2 }))).toBe(0)
    expect(await countAlarms(store.delete('a'))).toBe(1)
    expect(await countAlarms(store.delete('b'))).toBe(0)
    expect(await countAlarms(store.set('c', 1, { ttl: 3_600_000 }))).toBe(0)
    expect(await countAlarms(store.set('d', 1, { ttl: 60_000 }))).toBe(1)
  } finally {
    define(original)
  }
})
