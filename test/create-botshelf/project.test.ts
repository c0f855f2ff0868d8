import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Choices,
  type Framework,
  FRAMEWORKS,
  UsageError,
} from '../../create-botshelf/src/choices.ts'
import { checkFolder, createProject } from '../../create-botshelf/src/project.ts'

const ROOT = new URL('../../', import.meta.url)

interface Manifest {
  readonly name: string
  readonly version: string
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

async function readManifest(path: string | URL): Promise<Manifest> {
  return JSON.parse(await readFile(path, 'utf8')) as Manifest
}

const root = await readManifest(new URL('package.json', ROOT))
const starter = await readManifest(new URL('create-botshelf/package.json', ROOT))

let parent: string

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'create-botshelf-'))
})

afterEach(() => rm(parent, { recursive: true }))

const KINDS: readonly Omit<Choices, 'folder'>[] = [
  ...FRAMEWORKS.map((framework: Framework) => ({ template: 'worker', framework }) as const),
  { template: 'page', framework: 'none' },
]

/** Creates a project and returns its files by path. */
async function create(kind: Omit<Choices, 'folder'>): Promise<Map<string, string>> {
  const folder = join(parent, 'some-bot')
  createProject({ folder, ...kind }, '1.2.3')
  const files = new Map<string, string>()
  for (const path of (await readdir(folder, { recursive: true })).toSorted()) {
    if ((await stat(join(folder, path))).isFile()) {
      files.set(path.replaceAll('\\', '/'), await readFile(join(folder, path), 'utf8'))
    }
  }
  return files
}

/** Returns the packages that the code imports. */
function importedPackages(code: string): string[] {
  return [...code.matchAll(/ from '((?:@[\w-]+\/)?[\w-]+)(?:\/[\w-]+)*'/g)].map(([, name]) => name!)
}

describe('the starter', () => {
  test('has the version of botshelf, and its libraries in the versions of botshelf', () => {
    expect(starter.version).toBe(root.version)
    for (const [name, version] of Object.entries(starter.dependencies)) {
      expect(version, name).toBe(root.dependencies[name])
    }
  })

  test('declares what it imports', async () => {
    const folder = new URL('create-botshelf/src/', ROOT)
    const files = await readdir(folder)
    const code = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')))
    expect([...new Set(importedPackages(code.join('\n')))].toSorted()).toEqual(
      Object.keys(starter.dependencies).toSorted(),
    )
  })

  test('has the licence of botshelf', async () => {
    const [own, ours] = await Promise.all(
      ['create-botshelf/LICENSE', 'LICENSE'].map((path) => readFile(new URL(path, ROOT), 'utf8')),
    )
    expect(own).toBe(ours)
  })
})

describe.each(KINDS)('a project of $template with the framework $framework', (kind) => {
  test('has the files of its kind only, with its name', async () => {
    const files = await create(kind)
    const common = ['.gitignore', 'README.md', 'package.json', 'tsconfig.json']
    const worker = [
      'wrangler.toml',
      '.dev.vars',
      'src/storage.ts',
      'src/worker.ts',
      'test/worker.test.ts',
    ]
    const kinds: Readonly<Record<string, readonly string[]>> = {
      page: ['index.html', 'src/karma.ts', 'src/page.ts', 'test/karma.test.ts'],
      none: [...worker, 'src/karma.ts', 'test/karma.test.ts'],
      grammy: [...worker, 'src/bot.ts'],
      'chat-sdk': [...worker, 'src/bot.ts', 'src/json-adapter.ts'],
    }
    const own = kinds[kind.template === 'page' ? 'page' : kind.framework]!
    expect([...files.keys()].toSorted()).toEqual([...common, ...own].toSorted())
    expect(files.get('README.md')).toMatch(/^# some-bot\n/)
    expect(JSON.parse(files.get('package.json')!)).toMatchObject({ name: 'some-bot' })
    expect([...files.values()].join('')).not.toContain('{{')
  })

  test('depends on this version of botshelf, and exactly on what botshelf is tested with', async () => {
    const files = await create(kind)
    const { dependencies, devDependencies } = JSON.parse(files.get('package.json')!) as Manifest
    const { botshelf, ...others } = { ...dependencies, ...devDependencies }
    expect(botshelf).toBe('1.2.3')
    for (const [name, version] of Object.entries(others)) {
      expect(version, name).toBe(root.devDependencies[name])
    }
  })

  test('declares what it imports and what its scripts run', async () => {
    const files = await create(kind)
    const { scripts, dependencies, devDependencies } = JSON.parse(
      files.get('package.json')!,
    ) as Manifest
    const code = [...files].filter(([path]) => path.endsWith('.ts')).map(([, text]) => text)
    const commands = Object.values(scripts).flatMap((script) => script.match(/(?<=^|&& )\w+/g)!)
    const used = new Set([
      ...importedPackages(code.join('\n')).filter((name) => name !== 'node'),
      ...commands.map((command) => (command === 'tsc' ? 'typescript' : command)),
      '@types/node',
      ...(kind.template === 'worker' ? ['@cloudflare/workers-types'] : []),
    ])
    expect(Object.keys({ ...dependencies, ...devDependencies }).toSorted()).toEqual(
      [...used].toSorted(),
    )
  })
})

test('every page of the docs that a README of the starter links to exists', async () => {
  const folder = new URL('create-botshelf/', ROOT)
  const paths = (await readdir(folder, { recursive: true })).filter((path) =>
    path.endsWith('README.md'),
  )
  const texts = await Promise.all(paths.map((path) => readFile(new URL(path, folder), 'utf8')))
  const pages = [...texts.join('').matchAll(/\/botshelf\/blob\/main\/([^)#]+)/g)]
  expect(pages.length).toBeGreaterThan(5)
  for (const [, page] of pages) {
    expect((await stat(new URL(page!, ROOT))).isFile(), page).toBe(true)
  }
})

describe('the folder of a project', () => {
  test.each(['My-Bot', 'my_bot', 'my bot', '-bot', 'bot-', 'a--b', 'b.t', 'ö', 'a'.repeat(64)])(
    'cannot have the name %j',
    async (name) => {
      expect(() => checkFolder(join(parent, name))).toThrow(UsageError)
      expect(await readdir(parent)).toEqual([])
    },
  )

  test.each(['my-bot', 'bot2', '2', 'a'.repeat(63)])('can have the name %j', (name) => {
    expect(checkFolder(join(parent, name))).toBe(name)
  })

  test('may be below folders that do not exist, and may be a new git repository', async () => {
    const folder = join(parent, 'deep/er/some-bot')
    const kind = { template: 'page', framework: 'none' } as const
    createProject({ folder, ...kind }, '1.2.3')
    const repository = join(parent, 'repository')
    await mkdir(join(repository, '.git'), { recursive: true })
    createProject({ folder: repository, ...kind }, '1.2.3')
    expect(await readdir(repository)).toEqual(expect.arrayContaining(await readdir(folder)))
  })

  test('must be empty', async () => {
    await mkdir(join(parent, 'some-bot'))
    await writeFile(join(parent, 'some-bot/notes.txt'), '')
    await writeFile(join(parent, 'file'), '')
    await expect(create(KINDS[0]!)).rejects.toThrow(/some-bot is not empty: choose another one\.$/)
    expect(() => checkFolder(join(parent, 'file'))).toThrow(/cannot be read as a folder/)
    expect(await readdir(join(parent, 'some-bot'))).toEqual(['notes.txt'])
  })

  test.each([
    { state: 'absent', exists: false },
    { state: 'empty', exists: true },
  ])('stays $state if a file cannot be written', async ({ exists }) => {
    // Linux has paths of at most 4,095 bytes: there is room for README.md, but not for src/worker.ts.
    const room = 4_095 - '/src/worker.ts'.length - parent.length + 1
    const parts = Array.from({ length: Math.floor(room / 61) }, () => 'x'.repeat(60))
    const folder = join(parent, ...parts, 'x'.repeat((room % 61) - 1))
    if (exists) await mkdir(folder, { recursive: true })
    expect(() => createProject({ folder, ...KINDS[0]! }, '1.2.3')).toThrow(/ENAMETOOLONG/)
    expect(await readdir(exists ? folder : parent)).toEqual([])
  })
})
