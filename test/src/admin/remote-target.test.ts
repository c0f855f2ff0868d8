import { afterEach, describe, expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import {
  AdminError,
  type AdminHandlerOptions,
  bearerAuth,
  createAdminHandler,
  HttpError,
  remoteTarget,
} from '../../../src/admin/index.ts'
import { planRestore, readAll, runtimeTarget } from '../../../src/backup/index.ts'
import { encode } from '../../../src/codec.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { StorageRuntime, StoreError } from '../../../src/index.ts'

const URL_OF_BOT = 'https://bot.example.com/bots/one/'
function damaged(): never {
  throw new StoreError('CORRUPT', 'damaged')
}

const ACCESS = { url: URL_OF_BOT, token: 'a token' }

afterEach(() => vi.unstubAllGlobals())

/** Serves a handler over Memory to `fetch`, below the path of the bot; returns its plugin and calls. */
function serve(options: Partial<AdminHandlerOptions> = {}): {
  readonly plugin: MemoryStoragePlugin
  readonly calls: URL[]
} {
  const plugin = new MemoryStoragePlugin()
  const calls: URL[] = []
  const handle = createAdminHandler({
    open: () => new StorageRuntime(plugin),
    authorize: bearerAuth('a token'),
    secret: 'a secret',
    basePath: '/bots/one/admin',
    onError: () => {},
    ...options,
  })
  vi.stubGlobal('fetch', async (url: URL, init: RequestInit) => {
    calls.push(url)
    return (await handle(new Request(url, init))) ?? Response.json({}, { status: 404 })
  })
  return { plugin, calls }
}

describe('remoteTarget()', () => {
  test('reads and restores what the runtime behind the handler stores', async () => {
    const { plugin } = serve()
    const entries = VALID_VALUES.map(({ name, make }) => [name, { value: encode(make()) }] as const)
    const contents = new Map([
      ['.', new Map([['..', { value: encode(1), expires: Date.now() + 60_000 }]])],
      ['values', new Map(entries)],
    ])
    const remote = remoteTarget(ACCESS)
    await remote.apply([{ namespace: 'old', key: 'k', value: encode(1) }])
    await remote.apply(planRestore(contents, await readAll(remote), 'replace').changes)
    expect(await readAll(remote)).toEqual(contents)
    expect(await readAll(runtimeTarget(new StorageRuntime(plugin)))).toEqual(contents)
  })
  test('names the storage in each call if it has one', async () => {
    const { calls } = serve()
    const change = { namespace: 'n', key: 'k', value: encode(1) }
    for (const storage of [undefined, 'A & B']) {
      calls.splice(0)
      const target = remoteTarget({ ...ACCESS, storage })
      await target.namespaces()
      await target.entries('n')
      await target.apply([change])
      expect(calls.map(({ searchParams }) => searchParams.get('storage') ?? undefined)).toEqual([
        storage,
        storage,
        storage,
      ])
    }
  })
  test('calls paths below basePath, relative to the URL of the bot', async () => {
    const { calls } = serve({ basePath: '/bots/one/operator' })
    expect(await remoteTarget({ ...ACCESS, basePath: '/operator' }).namespaces()).toEqual([])
    expect(calls.map(({ pathname }) => pathname)).toEqual(['/bots/one/operator/namespaces'])
  })
})

describe('readAll() of a remote target', () => {
  test('rejects with NamespaceError if the storage cannot read a namespace', async () => {
    const { plugin } = serve()
    await remoteTarget(ACCESS).apply([{ namespace: 'n', key: 'k', value: encode(1) }])
    const open = plugin.open.bind(plugin)
    plugin.open = async (namespace) => {
      const storage = await open(namespace)
      return Object.assign(storage, { entries: damaged, getMany: damaged })
    }
    await expect(readAll(remoteTarget(ACCESS))).rejects.toMatchObject({
      name: 'NamespaceError',
      namespaces: ['n'],
      cause: { name: 'AdminError', status: 500, scope: 'namespace' },
    })
  })
  test.each([401, 429, 503])('rejects with the AdminError of status %i', async (status) => {
    serve({
      limit: () => {
        throw new HttpError(status, 'Not now.')
      },
    })
    const target = { ...remoteTarget(ACCESS), namespaces: async () => ['n'] }
    const error: unknown = await readAll(target).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(AdminError)
    expect(error).toMatchObject({ status, scope: 'target' })
  })
})
