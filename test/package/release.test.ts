import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { notesOf, releaseNotes } from '../../scripts/release-notes.ts'
import { ROOT, run } from './support/run.ts'

const CONFIG = '.changeset/config.json'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly private?: boolean
  readonly repository?: { readonly url: string; readonly directory?: string }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(read(join(folder, 'package.json'))) as Manifest
}

const own = manifestIn('.')

/** The packages of this repository that are published: its root, and the starter beside it. */
const PUBLISHED = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name.startsWith('create-'))
  .map(({ name }) => ({ folder: name, manifest: manifestIn(name) }))

describe('the repository', () => {
  test('names one version of the package: in manifests, dependencies and names of tarballs', () => {
    const files = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' })
      .split('\n')
      .filter((path) => /\.(?:md|json)$/.test(path))
      .filter((path) => !/^(?:CHANGELOG\.md|docs\/decisions\/)/.test(path))
    const named = files.flatMap((path) =>
      [...read(path).matchAll(/botshelf-(\d[\w.-]*)\.tgz|"botshelf": *"[\^~]?(\d[^"]*)"/g)].map(
        ([, tarball, dependency]) => `${path}: ${tarball ?? dependency}`,
      ),
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((line) => !line.endsWith(`: ${own.version}`))).toEqual([])
    const lock = JSON.parse(read('package-lock.json')) as {
      version: string
      packages: Record<string, { version: string }>
    }
    expect([lock.version, lock.packages['']?.version]).toEqual([own.version, own.version])
  })

  test('has the notes of its version in the changelog', () => {
    expect(notesOf(read('CHANGELOG.md'), own.version)).toMatch(/^- /m)
  })

  test.each(PUBLISHED)(
    '$folder has the version, licence and repository of botshelf, only its dependencies, and is linted before each release',
    ({ folder, manifest }) => {
      expect(manifest.version).toBe(own.version)
      expect(manifest.license).toBe(own.license)
      // npm compares it with the repository of the workflow that publishes.
      expect(manifest.repository).toEqual({ ...own.repository, directory: folder })
      expect(own.dependencies).toMatchObject(manifest.dependencies ?? {})
      expect(own.scripts['publish:check']).toContain(`publint --strict ${folder}`)
    },
  )
})

describe('release:version', () => {
  let folder: string

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'botshelf-release-'))
    const packages = { '': { version: '0.1.0' }, 'node_modules/idb': { version: '0.1.0' } }
    write('package.json', '{ "name": "botshelf", "version": "0.1.0" }')
    write('package-lock.json', JSON.stringify({ version: '0.1.0', packages }))
    write('create-botshelf/package.json', '{ "name": "create-botshelf", "version": "0.1.0" }')
    write('examples/page/package.json', '{ "dependencies": { "botshelf": "^0.1.0" } }')
    write('README.md', 'npm install /path/to/botshelf-0.1.0.tgz')
    write('docs/cli.md', 'ok  The Worker has botshelf 0.1.0, like this command.')
    write('src/version.ts', "export const VERSION = '0.1.0'\n")
    write('bench/RESULTS.md', 'botshelf 0.1.0, idb 8.0.4')
    write('test/a.test.ts', "'botshelf-0.1.0.tgz'")
    write('CHANGELOG.md', '# Changelog\n\n## 0.1.0\n\n- Everything.\n')
    write('.changeset/calm-cats.md', '---\nbotshelf: minor\n---\n\nReads take a signal.\n')
    write('.changeset/tame-dogs.md', '---\nbotshelf: patch\n---\n\nA dropped listing ends.\n')
    cpSync(join(ROOT, CONFIG), join(folder, CONFIG))
    execFileSync('git', ['init', '--quiet'], { cwd: folder })
    execFileSync('git', ['add', '.'], { cwd: folder })
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  const readNew = (path: string): string => readFileSync(join(folder, path), 'utf8')

  test('puts the changesets into the changelog, and the next version into every file that names it', async () => {
    expect(() => releaseNotes(folder, 'v0.1.0')).toThrow('calm-cats.md is not in the changelog')
    await run(folder, 'node', join(ROOT, 'scripts/release-version.ts'))

    expect(readNew('CHANGELOG.md')).toBe(
      '# Changelog\n\n## 0.2.0\n\n### Minor Changes\n\n- Reads take a signal.\n\n### Patch Changes\n\n' +
        '- A dropped listing ends.\n\n## 0.1.0\n\n- Everything.\n',
    )
    expect(readdirSync(join(folder, '.changeset'))).toEqual(['config.json'])
    const versions = ['package.json', 'create-botshelf/package.json', 'package-lock.json'].map(
      (path) => (JSON.parse(readNew(path)) as Manifest).version,
    )
    expect(versions).toEqual(['0.2.0', '0.2.0', '0.2.0'])
    expect((JSON.parse(readNew('package-lock.json')) as { packages: unknown }).packages).toEqual({
      '': { version: '0.2.0' },
      'node_modules/idb': { version: '0.1.0' },
    })
    expect(readNew('examples/page/package.json')).toContain('"botshelf": "^0.2.0"')
    expect(readNew('README.md')).toBe('npm install /path/to/botshelf-0.2.0.tgz')
    expect(readNew('docs/cli.md')).toContain('botshelf 0.2.0, like')
    expect(readNew('src/version.ts')).toBe("export const VERSION = '0.2.0'\n")
    // Figures keep the version that they were measured with, and so do tests.
    expect(readNew('bench/RESULTS.md')).toBe('botshelf 0.1.0, idb 8.0.4')
    expect(readNew('test/a.test.ts')).toBe("'botshelf-0.1.0.tgz'")
    expect(releaseNotes(folder, 'v0.2.0')).toBe(
      '### Minor Changes\n\n- Reads take a signal.\n\n### Patch Changes\n\n- A dropped listing ends.',
    )
  })

  test('fails without a changeset, and release:notes refuses another tag and a version without notes', async () => {
    rmSync(join(folder, '.changeset/calm-cats.md'))
    rmSync(join(folder, '.changeset/tame-dogs.md'))
    await expect(run(folder, 'node', join(ROOT, 'scripts/release-version.ts'))).rejects.toThrow(
      'No unreleased changesets',
    )
    expect(() => releaseNotes(folder, 'v0.2.0')).toThrow(
      'The tag is v0.2.0, but botshelf has version 0.1.0.',
    )
    write('create-botshelf/package.json', '{ "name": "create-botshelf", "version": "0.0.9" }')
    expect(() => releaseNotes(folder, 'v0.1.0')).toThrow('create-botshelf has version 0.0.9')
    write('create-botshelf/package.json', '{ "name": "create-botshelf", "version": "0.1.0" }')
    write('CHANGELOG.md', '# Changelog\n\n## 0.1.0\n\n## 0.0.9\n\n- Something.\n')
    expect(() => releaseNotes(folder, 'v0.1.0')).toThrow('no section "## 0.1.0" with notes')
  })
})
