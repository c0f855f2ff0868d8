import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pack } from './support/pack.ts'
import { ROOT, run } from './support/run.ts'

/** The folders of sources that are published. */
const SOURCES = ['adapters', 'bridges', 'cli', 'src']

/** Where the compiler puts the code of a source, its types, and the map of each. */
const BUILT = ['.js', '.js.map', '.d.ts', '.d.ts.map']

/** What a leaked token or key looks like. */
const SECRET =
  /npm_[A-Za-z0-9]{36}|gh[pousr]_[A-Za-z0-9]{36}|-----BEGIN [A-Z ]*PRIVATE KEY|_authToken/

let folder: string
/** The folder with what the tarball contains. */
let unpacked: string
let packed: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'botshelf-package-'))
  const { filename, files } = await pack(ROOT, folder)
  packed = files.map(({ path }) => path).toSorted()
  await run(folder, 'tar', '-xzf', filename)
  unpacked = join(folder, 'package')
})

afterAll(() => rm(folder, { recursive: true }))

/** Returns the paths of the sources in a folder and of the files that the build makes of them. */
async function packedFiles(source: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, source), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .flatMap(({ parentPath, name }) => {
      const path = relative(ROOT, join(parentPath, name)).split(sep).join('/')
      // The sources are what the export condition `botshelf-source` and the maps name.
      return [path, ...BUILT.map((ending) => `dist/${path.replace(/\.ts$/, ending)}`)]
    })
}

function read(path: string): Promise<string> {
  return readFile(join(unpacked, path), 'utf8')
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

async function manifest(...path: string[]): Promise<Manifest> {
  return JSON.parse(await readFile(join(ROOT, ...path, 'package.json'), 'utf8')) as Manifest
}

test('every example depends on what the tests run it with', async () => {
  const { devDependencies: tested } = await manifest()
  for (const example of await readdir(join(ROOT, 'examples'), { withFileTypes: true })) {
    if (!example.isDirectory()) continue
    const { dependencies, devDependencies } = await manifest('examples', example.name)
    const { botshelf: _, ...frameworks } = dependencies
    for (const [name, range] of Object.entries({ ...frameworks, ...devDependencies })) {
      expect(range, `${example.name}: ${name}`).toBe(`^${tested[name]}`)
    }
  }
})

test('the package has each source, its build and its maps, README and the licence, and nothing else', async () => {
  const sources = await Promise.all(SOURCES.map(packedFiles))
  expect(packed, 'npm run build makes dist from the sources').toEqual(
    ['LICENSE', 'README.md', 'package.json', ...sources.flat()].toSorted(),
  )
})

test('no file of the package is a test, or has a secret or a path of the machine that built it', async () => {
  expect(packed.filter((path) => /\.test\.|(?:^|\/)\.|\.vars$/.test(path))).toEqual([])
  for (const path of packed) {
    const text = await read(path)
    expect(SECRET.exec(text)?.[0], path).toBeUndefined()
    expect(text.includes(ROOT), path).toBe(false)
  }
})

test('every map names sources that are in the package, and leads each export to its declaration', async () => {
  const maps = packed.filter((path) => path.endsWith('.map'))
  let followed = 0
  for (const path of maps) {
    const payload = JSON.parse(await read(path)) as SourceMapPayload
    const sources = payload.sources.map((source) => join(dirname(path), source))
    for (const source of sources) expect(packed, path).toContain(source.split(sep).join('/'))
    const map = new SourceMap(payload)
    const original = (await read(sources[0] ?? '')).split('\n')
    const generated = (await read(path.replace(/\.map$/, ''))).split('\n')
    for (const [line, text] of generated.entries()) {
      const [declaration, name] =
        /^export (?:declare )?(?:abstract )?(?:async )?(?:class|function|const|interface|type) (\w+)/.exec(
          text,
        ) ?? []
      if (declaration === undefined || name === undefined) continue
      const entry = map.findEntry(line, declaration.length - name.length)
      const position =
        'originalLine' in entry
          ? original[entry.originalLine]?.slice(entry.originalColumn)
          : undefined
      expect(position?.startsWith(name), `${path}: ${name}`).toBe(true)
      followed += 1
    }
  }
  expect(followed).toBeGreaterThan(maps.length)
})

test('a stack trace of the package names the lines of its sources', async () => {
  const program = `
    import { StorageRuntime } from '${join(unpacked, 'dist/src/index.js')}'
    await StorageRuntime.start({ STORAGE: 'Tape' }, []).catch(({ stack }) => console.log(stack))`
  const stack = await run(
    folder,
    'node',
    '--enable-source-maps',
    '--input-type=module',
    '-e',
    program,
  )
  const frames = [...stack.matchAll(/\(?(?:file:\/\/)?([^\s(]+\.[jt]s):(\d+):\d+/g)]
  expect(frames.length).toBeGreaterThan(0)
  const [, file = '', line = ''] = frames[0] ?? []
  expect(relative(unpacked, file)).toMatch(/^src\/.*\.ts$/)
  expect((await readFile(file, 'utf8')).split('\n')[Number(line) - 1]).toMatch(/new StoreError\(/)
})
