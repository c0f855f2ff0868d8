import { inspect } from 'node:util'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { cloudflareKV, CloudflareKVStoragePlugin } from '../../adapters/cloudflare-kv.ts'
import { durableObject, DurableObjectStoragePlugin } from '../../adapters/durable-object.ts'
import { memory, MemoryStoragePlugin } from '../../adapters/memory.ts'
import type { Manifest, StorageRegistry } from '../../src/index.ts'
import { startError } from '../support/start-error.ts'

const registry: StorageRegistry = [memory, cloudflareKV, durableObject]

const method = (): undefined => undefined
const kv = { get: method, getWithMetadata: method, put: method, delete: method, list: method }
const objects = { idFromName: method, get: method }
/** Like the binding of another Worker: it seems to have every method. */
const service = new Proxy({}, { get: () => method })

describe('STORAGE_CONFIG', () => {
  test('may be JSON text, as in an environment variable', async () => {
    const config = {
      STORAGE: 'CloudflareKV',
      STORAGE_CONFIG: '{ "binding": "BOT_KV" }',
      BOT_KV: kv,
    }
    expect(await startError(config, registry)).toMatchObject({ code: 'none' })
    const notJson = { ...config, STORAGE_CONFIG: '{ binding }' }
    expect(await startError(notJson, registry)).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'STORAGE_CONFIG must be an object or its JSON text; received other text.',
    })
    for (const secret of [
      'hunter2',
      "'hunter2'",
      '"hunter2"',
      '{"url":"x:hunter2@y',
      '{hunter2}',
    ]) {
      const error = await startError({ ...config, STORAGE_CONFIG: secret }, registry)
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
      expect(inspect(error) + JSON.stringify(error)).not.toContain('hunter2')
    }
    expect((await startError({ ...config, STORAGE_CONFIG: [] }, registry)).message).toBe(
      'STORAGE_CONFIG must be an object or its JSON text; received an instance of Array.',
    )
  })

  test('names a binding or contains it', async () => {
    for (const binding of ['BOT_KV', kv]) {
      const config = { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding }, BOT_KV: kv }
      expect(await startError(config, registry)).toMatchObject({ code: 'none' })
    }
  })

  test.each([
    [
      'an unknown field',
      { STORAGE: 'Memory', STORAGE_CONFIG: { path: '/' } },
      ['STORAGE_CONFIG.path is not an option here', 'the options are operationTimeout'],
    ],
    [
      'an unknown field',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { bindings: 'BOT_KV' } },
      ['STORAGE_CONFIG.bindings is not', 'the options are binding, prefix, operationTimeout'],
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
        'STORAGE_CONFIG.binding must be set in a Worker, or storage inside an object; received neither.',
        '[[durable_objects.bindings]]\nname = "BOT_STORAGE"\nclass_name = "StorageObject"',
      ],
    ],
    [
      'the name of a binding that the config lacks',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'MY_KV' } },
      ['received "MY_KV", which is undefined', '[[kv_namespaces]]\nbinding = "MY_KV"'],
    ],
    [
      'the name of a binding of another kind',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'DO' }, DO: objects },
      [
        'STORAGE_CONFIG.binding must name the binding (the KV namespace',
        'received "DO", which is an instance of Object',
        '[[kv_namespaces]]\nbinding = "DO"',
      ],
    ],
    [
      'the name of a binding of another kind',
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'KV' }, KV: kv },
      [
        'received "KV", which is an instance of Object',
        '[[durable_objects.bindings]]\nname = "KV"',
      ],
    ],
    [
      'a service in place of a KV namespace',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'S' }, S: service },
      ['STORAGE_CONFIG.binding must name the binding'],
    ],
    [
      'a service in place of a Durable Object namespace',
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'S' }, S: service },
      ['STORAGE_CONFIG.binding must name the binding'],
    ],
    [
      'a number in place of a binding',
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 5 } },
      [
        'STORAGE_CONFIG.binding must be the Durable Object namespace whose class is StorageObject, or the name of its binding; received 5.',
      ],
    ],
    [
      'an object of another kind in place of a storage',
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { storage: {} } },
      [
        'STORAGE_CONFIG.storage must be the ctx.storage of an object whose class is listed under new_sqlite_classes; received an instance of Object.',
      ],
    ],
    [
      'a number in place of a string',
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: kv, prefix: 7 } },
      ['STORAGE_CONFIG.prefix must be a string', 'received 7.'],
    ],
  ])(
    'with %s rejects with CONFIG_INVALID; the message names the field and shows the lines that correct it',
    async (_, config, parts) => {
      const { code, message } = await startError(config, registry)
      expect(code).toBe('CONFIG_INVALID')
      for (const part of parts) expect(message).toContain(part)
    },
  )

  test.each([
    [
      'the misspelt name of a binding',
      { STORAGE_CONFIG: { binding: 'BOT_STORE' }, BOT_STORAGE: objects, OTHER: objects },
      '"BOT_STORAGE", "OTHER"; received "BOT_STORE", which is undefined. Did you mean "BOT_STORAGE"?',
    ],
    [
      'the name of a binding of another kind',
      { STORAGE_CONFIG: { binding: 'BOT_KV' }, BOT_KV: kv, OTHER: objects },
      '"OTHER"; received "BOT_KV", which is an instance of Object.',
    ],
    [
      'the name of a secret',
      { STORAGE_CONFIG: { binding: 'bot_storage' }, BOT_STORAGE: objects, bot_storage: 's3cret' },
      '"BOT_STORAGE"; received "bot_storage", which is a string. Did you mean "BOT_STORAGE"?',
    ],
  ])(
    'with %s rejects with CONFIG_INVALID; the message names the bindings of the right kind, and the most similar one',
    async (_, config, end) => {
      const { message } = await startError({ STORAGE: 'DurableObject', ...config }, registry)
      expect(message).toBe(`STORAGE_CONFIG.binding must be one of ${end}`)
    },
  )

  test('the error for a binding shows no values and no fields of another kind', async () => {
    const config = {
      STORAGE: 'CloudflareKV',
      STORAGE_CONFIG: { binding: 'MY_KV' },
      TOKEN: 'secret-1',
      MY_KV: 'secret-3',
      OPTIONS: { token: 'secret-2' },
      BOT_KV: kv,
      service,
    }
    const { message } = await startError(config, registry)
    expect(message).toMatch(/must be one of "BOT_KV"; .* Did you mean "BOT_KV"\?$/)
    expect(message).not.toMatch(/secret|TOKEN|OPTIONS|service/)
  })

  test('with a string outside oneOf rejects with CONFIG_INVALID; the message shows all strings and the most similar', async () => {
    const manifest: Manifest = {
      ...memory,
      config: { mode: { type: 'string', doc: 'how', oneOf: ['strict', 'relaxed'] } },
    }
    const start = (mode: string): ReturnType<typeof startError> =>
      startError({ STORAGE: 'Memory', STORAGE_CONFIG: { mode } }, [manifest])
    const expected = 'STORAGE_CONFIG.mode must be one of "strict", "relaxed"; received '
    expect(await start('free')).toEqual({
      code: 'CONFIG_INVALID',
      message: `${expected}"free".`,
    })
    expect((await start('strickt')).message).toBe(`${expected}"strickt". Did you mean "strict"?`)
  })

  test('with a wrong field beside a binding shows no lines of wrangler.toml, which would drop the binding', async () => {
    const config = { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: kv, prefix: 7 } }
    expect((await startError(config, registry)).message).not.toContain('wrangler.toml')
  })

  test('errors show lines of wrangler.toml that wrangler accepts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'botshelf-'))
    const header = 'name = "bot"\nmain = "worker.ts"\ncompatibility_date = "2026-10-01"\n'
    for (const config of [
      {},
      { STORAGE: 'CloudflareKV' },
      { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'MINE' } },
      { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'MY_KV' } },
    ]) {
      const { message } = await startError(config, registry)
      const [, lines] = message.split('In wrangler.toml:\n')
      const file = join(folder, 'wrangler.toml')
      await writeFile(file, `${header}${lines ?? '['}`)
      await writeFile(join(folder, 'worker.ts'), '')
      expect(() => unstable_readConfig({ config: file })).not.toThrow()
      expect(Object.keys(unstable_readConfig({ config: file }).vars)).toHaveLength(1)
    }
    await rm(folder, { recursive: true })
  })

  test('is checked by the constructor of a plugin too', () => {
    expect(() => new MemoryStoragePlugin({ STORAGE_CONFIG: { x: 1 } })).toThrow(
      /STORAGE_CONFIG\.x is not an option/,
    )
    expect(() => new MemoryStoragePlugin(null)).not.toThrow()
    expect(() => new CloudflareKVStoragePlugin({})).toThrow(/binding is missing/)
    expect(() => new DurableObjectStoragePlugin({})).toThrow(
      /STORAGE_CONFIG.binding must be set in a Worker, or storage inside an object; received neither/,
    )
    const storage = { kv: {}, transactionSync: method }
    expect(
      () => new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding: objects, storage } }),
    ).toThrow(/received both/)
  })
})
