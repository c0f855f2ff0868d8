import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMPILERS, Consumer, INSTALL_TIMEOUT_MS } from './support/consumer.ts'
import { frameworks } from './support/frameworks.ts'
import { ROOT } from './support/run.ts'

const PLATFORMS: Readonly<Record<string, object>> = {
  node: { lib: ['ES2022'], types: ['node'] },
  page: { lib: ['ES2022', 'DOM'], types: [] },
  worker: { lib: ['ES2022'], types: ['@cloudflare/workers-types'] },
}

const RESOLUTIONS: Readonly<Record<string, object>> = {
  nodenext: { module: 'NodeNext' },
  bundler: { module: 'ESNext', moduleResolution: 'Bundler' },
}

const projects = Object.keys(PLATFORMS).flatMap((platform) =>
  Object.keys(RESOLUTIONS).map((resolution) => ({ platform, resolution })),
)

const TYPES = join(import.meta.dirname, 'types')

let consumer: Consumer
let folder: string

beforeAll(async () => {
  consumer = await Consumer.start()
  const program = await readFile(join(TYPES, 'consumer.ts'), 'utf8')
  const files: Record<string, string> = {}
  for (const { platform, resolution } of projects) {
    const path = `${platform}-${resolution}`
    const compilerOptions = {
      target: 'ES2022',
      skipLibCheck: false,
      ...PLATFORMS[platform],
      ...RESOLUTIONS[resolution],
    }
    files[`${path}/tsconfig.json`] = JSON.stringify({ compilerOptions })
    files[`${path}/consumer.ts`] = program
    if (platform === 'worker')
      files[`${path}/worker.ts`] = "export { StorageObject } from 'botshelf/storage-object'"
  }
  // The frameworks' own declarations do not all compile under the strict flags.
  const options = { target: 'ES2022', skipLibCheck: true, ...PLATFORMS['node'], module: 'NodeNext' }
  files['bridges/tsconfig.json'] = JSON.stringify({ compilerOptions: options })
  files['bridges/bridges.ts'] = await readFile(join(TYPES, 'bridges.ts'), 'utf8')
  const tools = ['@cloudflare/workers-types', '@types/node', '@types/react']
  folder = await consumer.create('types', files, [...tools, ...(await frameworks())])
}, INSTALL_TIMEOUT_MS)

afterAll(() => consumer.stop())

describe.each(COMPILERS)('with %s', (compiler) => {
  test.each(projects)(
    'the declarations compile for $platform with $resolution, strictly and without ESNext.Disposable',
    { timeout: INSTALL_TIMEOUT_MS },
    async ({ platform, resolution }) => {
      await consumer.compile(join(folder, `${platform}-${resolution}`), compiler)
    },
  )

  test(
    "each bridge's result has the type that its framework asks for",
    { timeout: INSTALL_TIMEOUT_MS },
    async () => {
      await consumer.compile(join(folder, 'bridges'), compiler)
    },
  )
})

test('every optional property accepts undefined, except of what only the package creates', async () => {
  const api = await readFile(join(ROOT, 'docs/api.md'), 'utf8')
  const strict = [...api.matchAll(/^(?:export )?interface (\w+)(.*?)^}$/gms)].flatMap(
    ([, name, body = '']) =>
      [...body.matchAll(/^ {4}readonly (\w+)\?: ([^;\n]*\{$.*?^ {4}\}.*?|.*?);$/gms)]
        .filter(([, , type = '']) => !/(?:undefined|^unknown)$/.test(type))
        .map(([, property]) => `${name}.${property}`),
  )
  expect(
    strict.filter((property) => !/^(?:Rpc|WriteRequest|ErrorData|StoreDriver)/.test(property)),
  ).toEqual([
    // A storage returns an entry equal to the one that it received.
    'Entry.expires',
    'OperationRecord.error',
    'StepEffect.change',
    'StoreRecord.expires',
    'StoreRecord.version',
  ])
})
