import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { cloudflareKV, CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { durableObject, DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { memory, MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type BotConfig,
  type Manifest,
  StoragePluginBase,
  type StorageRegistry,
  StorageRuntime,
} from '../../src/index.ts'
import { minimal } from '../support/minimal-plugin.ts'

const registry: StorageRegistry = [memory, cloudflareKV, durableObject]

async function failure(
  config: object,
  from: StorageRegistry = registry,
): Promise<{ code: string; message: string }> {
  return StorageRuntime.start(config as BotConfig, from).then(
    () => ({ code: 'none', message: 'it started' }),
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  )
}

const method = (): undefined => undefined
const kv = { get: method, getWithMetadata: method, put: method, delete: method, list: method }
const objects = { idFromName: method, get: method }
const service = new Proxy({}, { get: () => method })

describe('registry', () => {
  test('STORAGE names a plugin of the registry, and a namespace opens', async () => {
    const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, registry)
    const store = await runtime.open('core')
    await store.set('k', 1)
    expect(await store.get('k')).toBe(1)
  })

  test('an unknown name is PLUGIN_NOT_FOUND with the names there are and the nearest', async () => {
    expect(await failure({ STORAGE: 'DurableObjects' })).toEqual({
      code: 'PLUGIN_NOT_FOUND',
      message:
        'There is no storage plugin "DurableObjects". Did you mean "DurableObject"? There are: "Memory", "CloudflareKV", "DurableObject".',
    })
    expect((await failure({ STORAGE: 'memory' })).message).toContain('Did you mean "Memory"?')
    expect((await failure({ STORAGE: 'Redis' })).message).not.toContain('Did you mean')
    expect((await failure({ STORAGE: '__proto__' })).code).toBe('PLUGIN_NOT_FOUND')
    expect((await failure({ STORAGE: 5 })).code).toBe('PLUGIN_NOT_FOUND')
    expect((await failure({ STORAGE: 'x' }, [])).message).toContain('There are: none')
  })

  test.each([
    ['Memroy', 'Memory'],
    ['Mem', 'Memory'],
    ['cloudflare_kv', 'CloudflareKV'],
    ['ClodflareKV', 'CloudflareKV'],
    ['Durable', 'DurableObject'],
    ['DurabelObject', 'DurableObject'],
  ])('a slip in a name is recognised: %s', async (slip, meant) => {
    expect((await failure({ STORAGE: slip })).message).toContain(`Did you mean "${meant}"?`)
  })

  test.each(['Postgres', 'SQLite', 'Shelf', '', '5'])('no name is made up for %j', async (name) => {
    expect((await failure({ STORAGE: name })).message).not.toContain('Did you mean')
  })

  test('no STORAGE at all is CONFIG_INVALID with the line that sets it', async () => {
    const { code, message } = await failure({})
    expect(code).toBe('CONFIG_INVALID')
    expect(message).toContain('[vars]\nSTORAGE = "Memory"')
  })

  test("BOT_EXTRA_STORAGE_PLUGINS adds manifests, a third party's literal for one", async () => {
    const config = {
      STORAGE: 'Minimal',
      BOT_EXTRA_STORAGE_PLUGINS: [minimal],
      STORAGE_CONFIG: { any: 'thing' },
    }
    expect(await (await StorageRuntime.start(config, registry)).open('n')).toBeDefined()
    expect((await failure({ STORAGE: 'Minimal', BOT_EXTRA_STORAGE_PLUGINS: minimal })).code).toBe(
      'CONFIG_INVALID',
    )
  })

  test('two manifests of one name are an error at start, wherever they stand', async () => {
    const twice = { code: 'CONFIG_INVALID', message: 'Two manifests have the name "Memory".' }
    expect(await failure({ STORAGE: 'Memory' }, [memory, memory])).toEqual(twice)
    expect(await failure({ STORAGE: 'CloudflareKV', BOT_EXTRA_STORAGE_PLUGINS: [memory] })).toEqual(
      twice,
    )
  })

  test('a plugin that is not chosen is not loaded', async () => {
    const lazy: Manifest = {
      name: 'Lazy',
      description: '',
      load: () => Promise.reject(new Error('loaded')),
    }
    await StorageRuntime.start({ STORAGE: 'Memory' }, [memory, lazy])
    await expect(StorageRuntime.start({ STORAGE: 'Lazy' }, [memory, lazy])).rejects.toThrow(
      'loaded',
    )
  })

  test("a manifest's config gives its plugin defaults and bindings", async () => {
    let seen: unknown
    class Redis extends StoragePluginBase {
      async open(): Promise<never> {
        seen = this.storageConfig
        throw new Error('seen')
      }
    }
    const manifest: Manifest = {
      name: 'Redis',
      description: '',
      config: {
        binding: { type: 'binding', doc: 'the client' },
        prefix: { type: 'string', doc: 'a prefix', default: 'bot' },
      },
      load: () => Redis,
    }
    const client = {}
    const config = { STORAGE: 'Redis', STORAGE_CONFIG: { binding: 'DB' }, DB: client }
    const runtime = await StorageRuntime.start(config, [manifest])
    await expect(runtime.open('n')).rejects.toThrow('seen')
    expect(seen).toEqual({ binding: client, prefix: 'bot' })
  })

  test('garbage for a manifest is CONFIG_INVALID', async () => {
    for (const garbage of [null, {}, { name: 'X' }, 'X']) {
      expect((await failure({ STORAGE: 'X' }, [garbage as never])).code).toBe('CONFIG_INVALID')
    }
    expect((await failure(null as never)).code).toBe('CONFIG_INVALID')
  })

  test('a manifest that loads no class is CONFIG_INVALID', async () => {
    const broken = {
      name: 'Broken',
      description: '',
      load: () => Promise.resolve(undefined as never),
    }
    expect((await failure({ STORAGE: 'Broken' }, [broken])).message).toContain(
      'loads no plugin class',
    )
  })
})

describe('STORAGE_CONFIG', () => {
  test('it may be JSON text, as a variable of the environment has it', async () => {
    const config = {
      STORAGE: 'CloudflareKV',
      STORAGE_CONFIG: '{ "binding": "BOT_KV" }',
      BOT_KV: kv,
    }
    expect(await failure(config)).toMatchObject({ code: 'none' })
    expect(await failure({ ...config, STORAGE_CONFIG: '{ binding }' })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'STORAGE_CONFIG is text, but not JSON.',
    })
    expect((await failure({ ...config, STORAGE_CONFIG: [] })).message).toContain(
      'must be a table of settings',
    )
  })

  test('a binding is named, or handed over itself', async () => {
    for (const binding of ['BOT_KV', kv]) {
      expect(
        await failure({ STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding }, BOT_KV: kv }),
      ).toMatchObject({ code: 'none' })
    }
  })

  test.each([
    [
      'a field nobody knows',
      { STORAGE: 'Memory', STORAGE_CONFIG: { path: '/' } },
      ['"path"', 'Known: none'],
    ],
    [
      'a field nobody knows',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { bindings: 'BOT_KV' } },
      ['"bindings"', 'Known: binding, prefix'],
    ],
    [
      'no binding',
      { STORAGE: 'CloudflareKV' },
      [
        'STORAGE_CONFIG.binding is missing',
        '[vars]\nSTORAGE_CONFIG = { binding = "BOT_KV" }',
        '[[kv_namespaces]]\nbinding = "BOT_KV"',
      ],
    ],
    [
      'no binding',
      { STORAGE: 'DurableObject' },
      [
        'STORAGE_CONFIG.binding is missing',
        '[[durable_objects.bindings]]\nname = "BOT_STORAGE"\nclass_name = "StorageObject"',
      ],
    ],
    [
      'a binding that is not there',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'MY_KV' } },
      ['names "MY_KV"', '[[kv_namespaces]]\nbinding = "MY_KV"'],
    ],
    [
      'a binding of the wrong kind',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'DO' }, DO: objects },
      ['STORAGE_CONFIG.binding is of the wrong kind', '[[kv_namespaces]]\nbinding = "DO"'],
    ],
    [
      'a binding of the wrong kind',
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'KV' }, KV: kv },
      ['of the wrong kind', '[[durable_objects.bindings]]\nname = "KV"'],
    ],
    [
      'a service for a KV namespace',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'S' }, S: service },
      ['of the wrong kind'],
    ],
    [
      'a service for objects',
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'S' }, S: service },
      ['of the wrong kind'],
    ],
    [
      'a binding that is a number',
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 5 } },
      ['STORAGE_CONFIG.binding must be', 'it is a number'],
    ],
    [
      'a storage that is none',
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { storage: {} } },
      ['STORAGE_CONFIG.storage is of the wrong kind', 'new_sqlite_classes'],
    ],
    [
      'a prefix that is no text',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: kv, prefix: 7 } },
      ['STORAGE_CONFIG.prefix must be a string'],
    ],
  ])(
    '%s is CONFIG_INVALID, names the field and shows the line that mends it',
    async (_, config, parts) => {
      const { code, message } = await failure(config)
      expect(code).toBe('CONFIG_INVALID')
      for (const part of parts) expect(message).toContain(part)
    },
  )

  test('a text that is none of those there are is CONFIG_INVALID with all of them, and a line that is right', async () => {
    const manifest: Manifest = {
      ...memory,
      config: { mode: { type: 'string', doc: 'how', oneOf: ['strict', 'relaxed'] } },
    }
    const config = { STORAGE: 'Memory', STORAGE_CONFIG: { mode: 'lax' } }
    expect(await failure(config, [manifest])).toEqual({
      code: 'CONFIG_INVALID',
      message:
        'STORAGE_CONFIG.mode must be one of "strict", "relaxed"; it is "lax". In wrangler.toml:\n\n[vars]\nSTORAGE_CONFIG = { mode = "strict" }',
    })
  })

  test('the lines that a message shows are a wrangler.toml that wrangler reads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'botshelf-'))
    const begin = 'name = "bot"\nmain = "worker.ts"\ncompatibility_date = "2026-10-01"\n'
    for (const config of [
      {},
      { STORAGE: 'CloudflareKV' },
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'MINE' } },
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'MY_KV', prefix: 7 } },
    ]) {
      const [, lines] = (await failure(config)).message.split('In wrangler.toml:\n')
      const file = join(folder, 'wrangler.toml')
      await writeFile(file, `${begin}${lines ?? '['}`)
      await writeFile(join(folder, 'worker.ts'), '')
      expect(() => unstable_readConfig({ config: file })).not.toThrow()
      expect(Object.keys(unstable_readConfig({ config: file }).vars)).toHaveLength(1)
    }
    await rm(folder, { recursive: true })
  })

  test('a plugin that is made without the registry checks the same', () => {
    expect(() => new MemoryStoragePlugin({ STORAGE_CONFIG: { x: 1 } })).toThrow(/"x"/)
    expect(() => new MemoryStoragePlugin(null)).not.toThrow()
    expect(() => new CloudflareKVStoragePlugin({})).toThrow(/binding is missing/)
    expect(() => new DurableObjectStoragePlugin({})).toThrow(/binding is missing/)
    const storage = { kv: {}, transactionSync: method }
    expect(
      () => new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: objects, storage } }),
    ).toThrow(/both binding and storage/)
  })
})
