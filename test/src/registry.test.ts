import { describe, expect, test } from 'vitest'
import { cloudflareKV } from '../../adapters/cloudflare-kv.ts'
import { durableObject } from '../../adapters/durable-object.ts'
import { memory, MemoryStoragePlugin } from '../../adapters/memory.ts'
import {
  type Manifest,
  StoragePluginBase,
  type StorageRegistry,
  StorageRuntime,
} from '../../src/index.ts'
import { minimal } from '../support/minimal-plugin.ts'
import { startError } from '../support/start-error.ts'

const registry: StorageRegistry = [memory, cloudflareKV, durableObject]

describe('STORAGE', () => {
  test('selects a plugin of the registry by name', async () => {
    const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, registry)
    const store = await runtime.open('core')
    await store.set('k', 1)
    expect(await store.get('k')).toBe(1)
  })

  test('with an unknown name rejects with PLUGIN_NOT_FOUND; the message lists all names and the most similar', async () => {
    expect(await startError({ STORAGE: 'DurableObjects' }, registry)).toEqual({
      code: 'PLUGIN_NOT_FOUND',
      message:
        'STORAGE must be one of "Memory", "CloudflareKV", "DurableObject"; received "DurableObjects". Did you mean "DurableObject"?',
    })
    const message = async (name: unknown): Promise<string> =>
      (await startError({ STORAGE: name }, registry)).message
    expect(await message('memory')).toContain('Did you mean "Memory"?')
    expect(await message('Redis')).not.toContain('Did you mean')
    expect((await startError({ STORAGE: '__proto__' }, registry)).code).toBe('PLUGIN_NOT_FOUND')
    expect((await startError({ STORAGE: 5 }, registry)).code).toBe('PLUGIN_NOT_FOUND')
    expect((await startError({ STORAGE: 'x' }, [])).message).toBe(
      'start() needs a manifest, such as memory; received none.',
    )
  })

  test.each([
    ['Memroy', 'Memory'],
    ['Mem', 'Memory'],
    ['cloudflare_kv', 'CloudflareKV'],
    ['ClodflareKV', 'CloudflareKV'],
    ['Durable', 'DurableObject'],
    ['DurabelObject', 'DurableObject'],
  ])('with a typo gets a suggestion: %s', async (typo, suggestion) => {
    const { message } = await startError({ STORAGE: typo }, registry)
    expect(message).toContain(`Did you mean "${suggestion}"?`)
  })

  test.each(['Postgres', 'SQLite', 'Shelf', '', '5'])(
    'with a name like no other gets no suggestion: %j',
    async (name) => {
      const { message } = await startError({ STORAGE: name }, registry)
      expect(message).not.toContain('Did you mean')
    },
  )

  test('is required: without it CONFIG_INVALID shows the line that sets it', async () => {
    const { code, message } = await startError({}, registry)
    expect(code).toBe('CONFIG_INVALID')
    expect(message).toBe(
      'STORAGE must be one of "Memory", "CloudflareKV", "DurableObject"; received undefined. Set it in the config: { STORAGE: "Memory" }. In wrangler.toml:\n\n[vars]\nSTORAGE = "Memory"',
    )
    expect(await startError(undefined as never, registry)).toEqual({ code, message })
  })
})

describe('manifests', () => {
  test.each([
    ['a manifest', memory, 'an instance of Object'],
    ['nothing', undefined, 'undefined'],
    ['text', 'Memory', '"Memory"'],
  ])(
    'reject with CONFIG_INVALID if start() gets %s instead of a list',
    async (_, given, received) => {
      expect(await startError({ STORAGE: 'Memory' }, given as never)).toEqual({
        code: 'CONFIG_INVALID',
        message: `The second argument of start() must be an array of manifests, such as [memory]; received ${received}.`,
      })
    },
  )

  test.each([
    ['a manifest', memory, 'an instance of Object'],
    ['a class', MemoryStoragePlugin, 'a function'],
    ['nothing', undefined, 'undefined'],
  ])(
    'belong to start(): new StorageRuntime() throws CONFIG_INVALID for %s',
    (_, given, received) => {
      expect(() => new StorageRuntime(given as never)).toThrow(
        expect.objectContaining({
          code: 'CONFIG_INVALID',
          message: `new StorageRuntime() needs a plugin; received ${received}. For manifests call StorageRuntime.start().`,
        }),
      )
    },
  )

  test('in BOT_EXTRA_STORAGE_PLUGINS are searched too', async () => {
    const config = {
      STORAGE: 'Minimal',
      BOT_EXTRA_STORAGE_PLUGINS: [minimal],
      STORAGE_CONFIG: { any: 'thing' },
    }
    expect(await (await StorageRuntime.start(config, registry)).open('n')).toBeDefined()
    const notAnArray = { STORAGE: 'Minimal', BOT_EXTRA_STORAGE_PLUGINS: minimal }
    expect((await startError(notAnArray, registry)).code).toBe('CONFIG_INVALID')
  })

  test('with the same name reject with CONFIG_INVALID, in the registry or in BOT_EXTRA_STORAGE_PLUGINS', async () => {
    const duplicate = {
      code: 'CONFIG_INVALID',
      message: 'Two manifests have the name "Memory"; rename or remove one.',
    }
    expect(await startError({ STORAGE: 'Memory' }, [memory, memory])).toEqual(duplicate)
    const config = { STORAGE: 'CloudflareKV', BOT_EXTRA_STORAGE_PLUGINS: [memory] }
    expect(await startError(config, registry)).toEqual(duplicate)
  })

  test('that STORAGE does not select are not loaded', async () => {
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

  test('with a config give their plugin defaults and bindings', async () => {
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

  test('without a name or load() reject with CONFIG_INVALID; the message says which one', async () => {
    for (const broken of [null, {}, { name: 'X' }, 'X']) {
      const { code, message } = await startError({ STORAGE: 'X' }, [memory, broken as never])
      expect(code).toBe('CONFIG_INVALID')
      expect(message).toContain('Manifest 2 must have a name and a function load()')
    }
    expect((await startError(null, registry)).code).toBe('CONFIG_INVALID')
  })

  test('that load no class reject with CONFIG_INVALID', async () => {
    const broken = {
      name: 'Broken',
      description: '',
      load: () => Promise.resolve(undefined as never),
    }
    const { message } = await startError({ STORAGE: 'Broken' }, [broken])
    expect(message).toBe(
      'load() of the manifest "Broken" must return a plugin class; received undefined.',
    )
  })
})
