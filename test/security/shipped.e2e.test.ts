import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

interface BillOfMaterials {
  readonly bomFormat: string
  readonly components: readonly {
    readonly name: string
    readonly version: string
    readonly hashes: readonly unknown[]
  }[]
}

test('the bill of materials has the dependencies that ship and no other, each with its hash', async () => {
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'sbom'], {
    maxBuffer: 1e8,
    shell: process.platform === 'win32',
  })
  const { bomFormat, components } = JSON.parse(stdout) as BillOfMaterials
  expect(bomFormat).toBe('CycloneDX')
  const { dependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
    dependencies: Record<string, string>
  }
  expect(Object.fromEntries(components.map(({ name, version }) => [name, version]))).toEqual(
    dependencies,
  )
  for (const { hashes } of components) expect(hashes.length).toBeGreaterThan(0)
})
