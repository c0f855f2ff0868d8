import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Consumer, INSTALL_TIMEOUT_MS } from './support/consumer.ts'
import { ROOT } from './support/run.ts'

const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
}

let consumer: Consumer

beforeAll(async () => {
  consumer = await Consumer.start()
})

afterAll(() => consumer.stop())

/** Installs the package in a project that has these frameworks, of which only the version is real. */
function installBeside(name: string, versions: Readonly<Record<string, string>>): Promise<string> {
  const names = Object.keys(versions)
  const dependencies = Object.fromEntries(names.map((each) => [each, `file:./frameworks/${each}`]))
  const frameworks = names.map((each) => [
    `frameworks/${each}/package.json`,
    JSON.stringify({ name: each, version: versions[each] }),
  ])
  return consumer.create(
    name,
    {
      'package.json': JSON.stringify({ name: 'project', private: true, dependencies }),
      ...Object.fromEntries(frameworks),
    },
    [],
  )
}

const refused = Object.entries(manifest.peerDependencies).flatMap(([peer, range]) => {
  // The range of the Workers types has no end.
  const versions = peer === '@cloudflare/workers-types' ? ['0.0.1'] : ['0.0.1', '999.0.0']
  return versions.map((version) => ({ peer, range, version }))
})

test.concurrent.each(refused)(
  'npm refuses $peer $version, and names the range $range',
  { timeout: INSTALL_TIMEOUT_MS },
  async ({ peer, range, version }) => {
    const folder = `${peer.replaceAll('/', '-')}-${version}`
    const result = await installBeside(folder, { [peer]: version }).catch(String)
    expect(result).toContain('ERESOLVE')
    expect(result).toContain(`peerOptional ${peer}@"${range}" from botshelf@`)
  },
)

test(
  'npm installs the package beside the versions of its peers that the tests run',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const peers = Object.keys(manifest.peerDependencies)
    const versions = peers.map((peer) => [peer, manifest.devDependencies[peer] ?? 'missing'])
    await expect(installBeside('peers', Object.fromEntries(versions))).resolves.toBeDefined()
  },
)

test('every peer is optional', () => {
  const optional = Object.entries(manifest.peerDependenciesMeta).filter(([, meta]) => meta.optional)
  expect(optional.map(([name]) => name)).toEqual(Object.keys(manifest.peerDependencies))
})
