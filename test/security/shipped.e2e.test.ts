import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

interface BillOfMaterials {
  readonly bomFormat: string
  readonly metadata: { readonly component: { readonly name: string } }
  readonly components: readonly {
    readonly name: string
    readonly version: string
    readonly hashes: readonly unknown[]
  }[]
}

interface Manifest {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
}

async function manifestIn(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** Returns the versions of the installed packages that the package depends on, also indirectly. */
async function shippedPackages(): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>()
  const open = Object.keys((await manifestIn('.')).dependencies ?? {})
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (versions.has(name)) continue
    const { version, dependencies = {} } = await manifestIn(join('node_modules', name))
    versions.set(name, version)
    open.push(...Object.keys(dependencies))
  }
  return versions
}

test('the bill of materials has the dependencies that ship and no other, each with its hash', async () => {
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'sbom'], {
    maxBuffer: 1e8,
    shell: process.platform === 'win32',
  })
  const { bomFormat, metadata, components } = JSON.parse(stdout) as BillOfMaterials
  expect(bomFormat).toBe('CycloneDX')
  expect(metadata.component.name).toBe('botshelf')
  expect(Object.fromEntries(components.map(({ name, version }) => [name, version]))).toEqual(
    Object.fromEntries(await shippedPackages()),
  )
  for (const { hashes } of components) expect(hashes.length).toBeGreaterThan(0)
})
