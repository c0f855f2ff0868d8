import { expect, test } from 'vitest'
import { memory, MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type AdminHandlerOptions,
  callBot,
  createAdminHandler,
  remoteTarget,
} from '../../src/admin/index.ts'
import { planRestore, readAll, readParts, runtimeTarget } from '../../src/backup/index.ts'
import { conformance, type ConformanceOptions } from '../../src/conformance.ts'
import { type OperationRecord, StorageRuntime, type Store, StoreMixin } from '../../src/index.ts'
import { live } from '../../src/live.ts'

type Call = (options: object, store: Store, runtime: StorageRuntime) => unknown

const ADMIN: AdminHandlerOptions = {
  open: () => new StorageRuntime(new MemoryStoragePlugin()),
  authorize: () => true,
  secret: 'secret',
}
const CONFORMANCE: ConformanceOptions = { plugin: () => new MemoryStoragePlugin() }
const ACCESS = { url: 'https://bot.example.com/' }
const none = new Map<string, never>()

class Bot extends StoreMixin()(Object) {}

/** Reads the first item of a listing. */
function first(listing: AsyncIterableIterator<unknown>): Promise<unknown> {
  return listing.next()
}

/** Every function that takes options: a misspelt name, the name that was meant, and a call. */
const CALLS: Readonly<Record<string, readonly [misspelt: string, meant: string, call: Call]>> = {
  set: ['tll', 'ttl', (options, store) => store.set('k', 1, options)],
  setMany: ['expire', 'expires', (options, store) => store.setMany({ k: 1 }, options)],
  'setMany, of an entry': ['Ttl', 'ttl', (options, store) => store.setMany([['k', 1, options]])],
  insert: ['versions', 'version', (options, store) => store.insert('k', 1, options)],
  increment: ['oninsert', 'onInsert', (options, store) => store.increment('k', 1, options)],
  append: ['maxi', 'max', (options, store) => store.append('k', 1, options)],
  touch: ['exipres', 'expires', (options, store) => store.touch('k', options)],
  update: ['onInserts', 'onInsert', (options, store) => store.update('k', () => 1, options)],
  mutable: ['on_insert', 'onInsert', (options, store) => store.mutable('k', () => {}, 1, options)],
  getOrInsert: ['TTL', 'ttl', (options, store) => store.getOrInsert('k', 1, options)],
  transaction: ['tl', 'ttl', (options, store) => store.transaction(['k'], () => 1, options)],
  'transaction, of a set': [
    'ttls',
    'ttl',
    (options, store) => store.transaction(['k'], (tx) => tx.set('k', 1, options)),
  ],
  clear: ['prefx', 'prefix', (options, store) => store.clear(options)],
  keys: ['limt', 'limit', (options, store) => first(store.keys(options))],
  values: ['revers', 'reverse', (options, store) => first(store.values(options))],
  entries: ['afters', 'after', (options, store) => first(store.entries(options))],
  records: ['pre', 'prefix', (options, store) => first(store.records(options))],
  watch: ['intial', 'initial', (options, store) => store.watch(options)],
  open: ['migrat', 'migrate', (options, _, runtime) => runtime.open('other', options)],
  openStorage: [
    'shema',
    'schema',
    (options, _, runtime) => new Bot().openStorage(runtime, 'other', options),
  ],
  'new StorageRuntime': [
    'allowLostUpdate',
    'allowLostUpdates',
    (options) => new StorageRuntime(new MemoryStoragePlugin(), options),
  ],
  'StorageRuntime.start': [
    'onEvents',
    'onEvent',
    (options) => StorageRuntime.start({ STORAGE: 'Memory' }, [memory], options),
  ],
  live: ['prefixes', 'prefix', (options, store) => live(store, options)],
  createAdminHandler: [
    'authorise',
    'authorize',
    (options) => createAdminHandler({ ...ADMIN, ...options }),
  ],
  callBot: ['timeout', 'timeoutMs', (options) => callBot(ACCESS, 'admin', options)],
  remoteTarget: ['basepath', 'basePath', (options) => remoteTarget({ ...ACCESS, ...options })],
  readAll: [
    'onprogres',
    'onProgress',
    (options, _, runtime) => readAll(runtimeTarget(runtime), options),
  ],
  planRestore: [
    'excludeNamespaces',
    'excludedNamespaces',
    (options) => planRestore(none, none, 'merge', options),
  ],
  readParts: [
    'exclude',
    'excludedNamespaces',
    (options, _, runtime) => first(readParts(runtime, options)),
  ],
  conformance: ['skips', 'skip', (options) => conformance({ ...CONFORMANCE, ...options })],
}

/** Calls a function with options; resolves to its error and to the backend's calls. */
async function failureOf(
  call: Call,
  options: object,
): Promise<{ error: unknown; records: readonly OperationRecord[] }> {
  const records: OperationRecord[] = []
  const runtime = new StorageRuntime(new MemoryStoragePlugin(), {
    onOperation: (record) => records.push(record),
  })
  const store = await runtime.open('ns')
  const error: unknown = await (async () => call(options, store, runtime))().then(
    () => expect.fail('It accepted the options.'),
    (reason: unknown) => reason,
  )
  return { error, records: records.filter(({ kind }) => kind !== 'open') }
}

/** A transaction reads its keys before it runs its function. */
function expectedCalls(name: string): readonly string[] {
  return name === 'transaction, of a set' ? ['transact'] : []
}

test.each(Object.entries(CALLS))(
  '%s names the nearest option when a name is misspelt, before any I/O',
  async (name, [misspelt, meant, call]) => {
    const { error, records } = await failureOf(call, { [misspelt]: 1 })
    expect(error).toMatchObject({
      code: 'INVALID_VALUE',
      message: expect.stringMatching(
        `options\\.${misspelt} is not an option here; .* Did you mean "${meant}"\\?`,
      ) as unknown,
    })
    expect(records.map(({ kind }) => kind)).toEqual(expectedCalls(name))
  },
)

// The others merge the options with required ones.
const WHOLE = Object.entries(CALLS).filter(([, [, , call]]) => !String(call).includes('...options'))
WHOLE.push(
  ['createAdminHandler', ['', '', (options) => createAdminHandler(options as AdminHandlerOptions)]],
  ['remoteTarget', ['', '', (options) => remoteTarget(options as typeof ACCESS)]],
  ['conformance', ['', '', (options) => conformance(options as ConformanceOptions)]],
)

test.each(WHOLE)('%s rejects options that are no object', async (name, [, , call]) => {
  for (const options of [5, 'ttl', null, [], () => {}]) {
    const { error, records } = await failureOf(call, options as object)
    expect(error).toMatchObject({
      code: 'INVALID_VALUE',
      message: expect.stringContaining('options must be a plain object; received') as unknown,
    })
    expect(records.map(({ kind }) => kind)).toEqual(expectedCalls(name))
  }
})

test.each([
  ['open', () => createAdminHandler({ ...ADMIN, open: undefined as never })],
  ['authorize', () => createAdminHandler({ open: ADMIN.open } as AdminHandlerOptions)],
  ['url', () => remoteTarget({} as typeof ACCESS)],
  ['plugin', () => conformance(undefined as never)],
])('a required option that is missing is named: %s', (name, call) => {
  expect(call).toThrow(
    new RegExp(`^options\\.${name} must be a (?:function|string); received undefined`),
  )
})
