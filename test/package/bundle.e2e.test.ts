import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Consumer } from './support/consumer.ts'
import { frameworks } from './support/frameworks.ts'

/** A bundle of one sub-path and nothing else. */
interface Bundle {
  readonly exports: readonly string[]
  /** The packages that it contains besides botshelf. */
  readonly packages: readonly string[]
  /** The modules that it imports from the platform or a framework. */
  readonly imports: readonly string[]
  readonly hasCodec: boolean
}

const coreOnly = { packages: [], imports: [], hasCodec: false }

const EXPECTED: Readonly<Record<string, Bundle>> = {
  botshelf: {
    ...coreOnly,
    exports: [
      'BatchStorageBase',
      'LocalTurns',
      'StorageBase',
      'StoragePluginBase',
      'StorageRuntime',
      'StoreError',
      'StoreMixin',
      'SyncAccess',
      'createWatch',
      'isLive',
      'isStoreError',
      'keepStamp',
      'listPages',
      'runStep',
    ],
  },
  'botshelf/memory': { ...coreOnly, exports: ['MemoryStoragePlugin', 'memory'] },
  'botshelf/indexeddb': {
    ...coreOnly,
    exports: ['IndexedDBStoragePlugin', 'indexeddb', 'persist'],
    packages: ['idb'],
  },
  'botshelf/cloudflare-kv': {
    exports: ['CloudflareKVStoragePlugin', 'cloudflareKV'],
    packages: ['devalue'],
    imports: [],
    hasCodec: true,
  },
  'botshelf/durable-object': {
    ...coreOnly,
    exports: ['DurableObjectStoragePlugin', 'durableObject'],
  },
  'botshelf/storage-object': {
    ...coreOnly,
    exports: ['StorageObject'],
    imports: ['cloudflare:workers'],
  },
  'botshelf/chaos-storage-object': {
    ...coreOnly,
    exports: ['ChaosStorageObject'],
    imports: ['cloudflare:workers'],
  },
  'botshelf/live': { ...coreOnly, exports: ['live'] },
  'botshelf/codec': {
    exports: ['decode', 'encode'],
    packages: ['devalue'],
    imports: [],
    hasCodec: true,
  },
  'botshelf/backup': {
    exports: [
      'BackupError',
      'NamespaceError',
      'byCodeUnit',
      'countEntries',
      'formatBackup',
      'formatEntry',
      'isSameStoredValue',
      'listNamespaces',
      'mergeValues',
      'parseBackup',
      'planRestore',
      'readAll',
      'readParts',
      'runtimeTarget',
      'splitIntoChunks',
    ],
    packages: ['devalue'],
    imports: [],
    hasCodec: true,
  },
  'botshelf/admin': {
    exports: [
      'AdminError',
      'HttpError',
      'assertKnownFields',
      'bearerAuth',
      'callBot',
      'createAdminHandler',
      'errorResponse',
      'isSameSecret',
      'jsonResponse',
      'parseTextField',
      'readJsonObject',
      'remoteTarget',
    ],
    packages: ['devalue'],
    imports: [],
    hasCodec: true,
  },
  'botshelf/testing': {
    exports: [
      'CallHistory',
      'blockedIndexedDB',
      'checkHistory',
      'closedIndexedDB',
      'deafIndexedDB',
      'eachFault',
      'faulty',
      'fullIndexedDB',
      'ledger',
      'recordOutcomes',
      'staleKV',
      'testClock',
    ],
    packages: ['devalue'],
    imports: [],
    hasCodec: true,
  },
  'botshelf/conformance': {
    exports: ['conformance'],
    packages: ['devalue'],
    imports: [],
    hasCodec: true,
  },
  // The bridges. A framework is a peer: it is imported where its types are not enough.
  'botshelf/better-auth': { ...coreOnly, exports: ['secondaryStorage'] },
  'botshelf/chat-sdk': { ...coreOnly, exports: ['chatState'] },
  'botshelf/grammy': { ...coreOnly, exports: ['pure', 'session', 'storageAdapter'] },
  'botshelf/keyv': { ...coreOnly, exports: ['keyvStore'] },
  'botshelf/langgraph': {
    ...coreOnly,
    exports: ['CheckpointSaver'],
    imports: ['@langchain/langgraph-checkpoint'],
  },
  'botshelf/openai-agents': { ...coreOnly, exports: ['agentSession'] },
  'botshelf/unstorage': {
    exports: ['UnstorageStoragePlugin', 'unstorage', 'unstorageDriver'],
    packages: ['devalue'],
    imports: [],
    hasCodec: true,
  },
  'botshelf/web-storage': { ...coreOnly, exports: ['webStorage'] },
}

let consumer: Consumer
let folder: string

beforeAll(async () => {
  consumer = await Consumer.start()
  folder = await consumer.install('page')
})

afterAll(() => consumer.stop())

/** Bundles a sub-path for a browser, where an import of a Node module is an error. */
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
    external: ['cloudflare:*', ...(await frameworks())],
  })
  // Every module that is read counts, also if tree shaking removes it.
  const inputs = Object.keys(metafile.inputs)
  const packages = inputs.flatMap(
    (path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  )
  const { exports, imports } = metafile.outputs['bundle.js'] ?? expect.fail('Nothing was built.')
  return {
    exports: exports.toSorted(),
    packages: [...new Set(packages)].filter((name) => name !== 'botshelf'),
    imports: [...new Set(imports.map(({ path }) => path))],
    hasCodec: inputs.some((path) => /\/dist\/src\/(?:codec|value\/serialize)\.js$/.test(path)),
  }
}

test.each(Object.entries(EXPECTED))(
  '%s exports the expected names and bundles nothing that it does not need',
  async (subPath, expected) => {
    expect(await bundle(subPath)).toEqual(expected)
  },
)

/** Returns the packages that the command `botshelf` imports. */
async function cliPackages(): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: [join(folder, 'node_modules', 'botshelf', 'dist', 'cli', 'main.js')],
    outfile: 'cli.js',
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  const { imports } = metafile.outputs['cli.js'] ?? expect.fail('Nothing was built.')
  return imports.map(({ path }) => path).filter((path) => !path.startsWith('node:'))
}

test('the installed package has the expected sub-paths, and depends on what they and the command import', async () => {
  const file = join(folder, 'node_modules', 'botshelf', 'package.json')
  const manifest = JSON.parse(await readFile(file, 'utf8')) as {
    exports: object
    dependencies: object
  }
  const paths = Object.keys(manifest.exports).map((path) => path.replace('.', 'botshelf'))
  expect(paths).toEqual([...Object.keys(EXPECTED), 'botshelf/package.json'])
  const imported = new Set(Object.values(EXPECTED).flatMap(({ packages }) => packages))
  for (const name of await cliPackages()) imported.add(name)
  expect(Object.keys(manifest.dependencies).toSorted()).toEqual([...imported].toSorted())
})
