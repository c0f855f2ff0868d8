import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { expect, test } from 'vitest'
import { pack } from './support/pack.ts'
import { ROOT } from './support/run.ts'

/** Returns the paths of the sources in a folder and of the files that the build makes of them. */
async function packedFiles(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .flatMap(({ parentPath, name }) => {
      const path = relative(ROOT, join(parentPath, name)).split(sep).join('/')
      // The sources are what the export condition `botshelf-source` names.
      return [path, ...['.js', '.d.ts'].map((ending) => `dist/${path.replace(/\.ts$/, ending)}`)]
    })
}

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

async function manifest(...path: string[]): Promise<Manifest> {
  return JSON.parse(await readFile(join(ROOT, ...path, 'package.json'), 'utf8')) as Manifest
}

test('every example depends on this version of the package, and on what the tests run it with', async () => {
  const { version, devDependencies: tested } = await manifest()
  for (const folder of await readdir(join(ROOT, 'examples'), { withFileTypes: true })) {
    if (!folder.isDirectory()) continue
    const { dependencies, devDependencies } = await manifest('examples', folder.name)
    const { botshelf, ...frameworks } = dependencies
    expect(botshelf, folder.name).toBe(`^${version}`)
    for (const [name, range] of Object.entries({ ...frameworks, ...devDependencies })) {
      expect(range, `${folder.name}: ${name}`).toBe(`^${tested[name]}`)
    }
  }
})

test('the package has each source and its build, README and the licence, and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-package-'))
  try {
    const { files } = await pack(ROOT, folder)
    const sources = await Promise.all(['src', 'adapters', 'bridges'].map(packedFiles))
    const packed = files.map(({ path }) => path).toSorted()
    expect(packed, 'npm run build makes dist from the sources').toEqual(
      ['LICENSE', 'README.md', 'package.json', ...sources.flat()].toSorted(),
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})
