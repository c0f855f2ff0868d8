import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Consumer } from './support/consumer.ts'

/** What a bundle gets that imports one sub-path and nothing else. */
interface Bundle {
  readonly exports: readonly string[]
  /** The packages that it needs, botshelf aside. */
  readonly packages: readonly string[]
  /** What is left for the platform to bring. */
  readonly platform: readonly string[]
  readonly codec: boolean
}

const nothing = { packages: [], platform: [], codec: false }

const PROMISED: Readonly<Record<string, Bundle>> = {
  botshelf: {
    ...nothing,
    exports: [
      'BatchStorageBase',
      'StorageBase',
      'StoragePluginBase',
      'StorageRuntime',
      'StoreError',
      'StoreMixin',
      'isLive',
      'isStoreError',
    ],
  },
  'botshelf/memory': { ...nothing, exports: ['MemoryStoragePlugin', 'memory'] },
  'botshelf/indexeddb': {
    ...nothing,
    exports: ['IndexedDBStoragePlugin', 'indexeddb', 'persist'],
    packages: ['idb'],
  },
  'botshelf/cloudflare-kv': {
    exports: ['CloudflareKVStoragePlugin', 'cloudflareKV'],
    packages: ['devalue'],
    platform: [],
    codec: true,
  },
  'botshelf/durable-object': {
    ...nothing,
    exports: ['DurableObjectStoragePlugin', 'durableObject'],
  },
  'botshelf/storage-object': {
    ...nothing,
    exports: ['StorageObject'],
    platform: ['cloudflare:workers'],
  },
  'botshelf/codec': {
    exports: ['decode', 'encode'],
    packages: ['devalue'],
    platform: [],
    codec: true,
  },
  'botshelf/backup': {
    exports: [
      'BackupError',
      'NamespaceError',
      'byCodeUnit',
      'countEntries',
      'formatEntry',
      'isSameText',
      'listNamespaces',
      'mergeValues',
      'planRestore',
      'readAll',
      'readBackup',
      'readParts',
      'runtimeTarget',
      'splitIntoChunks',
      'writeBackup',
    ],
    packages: ['devalue'],
    platform: [],
    codec: true,
  },
  'botshelf/admin': {
    exports: [
      'AdminError',
      'HttpError',
      'assertKnownFields',
      'bearerToken',
      'callBot',
      'createAdminHandler',
      'errorResponse',
      'isSameSecret',
      'jsonResponse',
      'readJsonObject',
      'readTextField',
      'remoteTarget',
    ],
    packages: ['devalue'],
    platform: [],
    codec: true,
  },
  'botshelf/conformance': {
    exports: ['conformance'],
    packages: ['devalue'],
    platform: [],
    codec: true,
  },
}

let consumer: Consumer
let folder: string

beforeAll(async () => {
  consumer = await Consumer.start()
  folder = await consumer.install('page')
})

afterAll(() => consumer.stop())

/** Bundles a sub-path as for a browser, where an import of a module of Node's is an error. */
async function bundle(subPath: string): Promise<Bundle> {
  const { metafile } = await build({
    stdin: { contents: `export * from '${subPath}'`, resolveDir: folder },
    absWorkingDir: folder,
    outfile: 'bundle.js',
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    external: ['cloudflare:*'],
  })
  // All that is read counts, whether or not it could be shaken off.
  const inputs = Object.keys(metafile.inputs)
  const packages = inputs.flatMap(
    (path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  )
  const { exports, imports } = metafile.outputs['bundle.js'] ?? expect.fail('Nothing was built.')
  return {
    exports: exports.toSorted(),
    packages: [...new Set(packages)].filter((name) => name !== 'botshelf'),
    platform: imports.map(({ path }) => path),
    codec: inputs.some((path) => /\/dist\/src\/(?:codec|value\/serialize)\.js$/.test(path)),
  }
}

test.each(Object.entries(PROMISED))(
  '%s has the names that are promised, and brings nothing that it has no use for',
  async (subPath, promised) => {
    expect(await bundle(subPath)).toEqual(promised)
  },
)

test('the installed package has the sub-paths that are promised, and wants the packages they need', async () => {
  const file = join(folder, 'node_modules', 'botshelf', 'package.json')
  const manifest = JSON.parse(await readFile(file, 'utf8')) as {
    exports: object
    dependencies: object
  }
  const paths = Object.keys(manifest.exports).map((path) => path.replace('.', 'botshelf'))
  expect(paths).toEqual([...Object.keys(PROMISED), 'botshelf/package.json'])
  const needed = new Set(Object.values(PROMISED).flatMap(({ packages }) => packages))
  expect(Object.keys(manifest.dependencies).toSorted()).toEqual([...needed].toSorted())
})
