import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import process from 'node:process'
import { publint } from 'publint'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pack } from '../package/support/pack.ts'
import { ROOT } from '../package/support/run.ts'

const STARTER = join(ROOT, 'create-botshelf')

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'create-botshelf-'))
})

afterEach(() => rm(folder, { recursive: true }))

/** Runs the command without a terminal. */
function create(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = [join(STARTER, 'dist/index.js'), ...args]
  return spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8', timeout: 30_000 })
}

test('without a terminal and without arguments, it creates a Worker in my-bot', async () => {
  const { status, stdout, stderr } = create()
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toBe(
    'Created my-bot (worker). Next:\n\n  cd my-bot\n  npm install\n  npm test\n  npm start\n\n',
  )
  expect(await readFile(join(folder, 'my-bot/package.json'), 'utf8')).toContain('"name": "my-bot"')
})

test('a folder with a space is quoted in the command that changes to it', () => {
  expect(create('my bots/my-bot').stdout).toContain('\n  cd "my bots/my-bot"\n')
})

test.each([
  { args: ['--yess'], sentence: "Unknown option '--yess' (Did you mean --yes?).\n" },
  {
    args: ['My-Bot'],
    sentence:
      '"My-Bot" cannot name a project: use 1 to 63 lower-case letters and digits, with single hyphens between them.\n',
  },
  {
    args: ['con'],
    sentence: '"con" cannot name a project: Windows has no folder of this name.\n',
  },
  {
    args: ['full'],
    sentence: 'The folder full is not empty: choose another one.\n',
  },
])(
  'wrong arguments, as in $args, are one sentence and exit code 2, and nothing is written',
  async ({ args, sentence }) => {
    await mkdir(join(folder, 'full/of'), { recursive: true })
    expect(create(...args)).toMatchObject({ status: 2, stdout: '', stderr: sentence })
    expect(await readdir(folder, { recursive: true })).toEqual(['full', join('full', 'of')])
  },
)

/** Returns the paths of the files below a folder of the package. */
async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(join(STARTER, path), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(STARTER, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

test('the package has the build of each source, the templates, README and the licence', async () => {
  const { files, filename } = await pack(STARTER, folder)
  const sources = await filesBelow('src')
  const built = sources.map((path) => path.replace(/^src\/(.*)\.ts$/, 'dist/$1.js'))
  const texts = ['LICENSE', 'README.md', 'package.json']
  expect(files.map(({ path }) => path).toSorted(), 'tsc -b makes dist from the sources').toEqual(
    [...texts, ...built, ...(await filesBelow('templates'))].toSorted(),
  )
  const tarball = new Uint8Array(await readFile(join(folder, filename))).buffer
  const { messages } = await publint({ strict: true, pack: { tarball } })
  expect(messages).toEqual([])
})
