import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pack } from './pack.ts'
import { LocalRegistry } from './registry.ts'
import { ROOT, run } from './run.ts'

/** The flags beside `strict` by which a user's project may ask more of the package's types. */
const STRICTEST = [
  'strict',
  'declaration',
  'exactOptionalPropertyTypes',
  'noImplicitOverride',
  'noPropertyAccessFromIndexSignature',
  'noUncheckedIndexedAccess',
  'verbatimModuleSyntax',
]

/** The oldest compiler that the package supports and the newest, by the names of their packages. */
export const COMPILERS = ['typescript-5.4', 'typescript'] as const
type Compiler = (typeof COMPILERS)[number]

/** Files that a developer who tried an example left in its folder. */
const NOT_COPIED = ['node_modules', 'package-lock.json', 'dist', '.wrangler']

/** The time limit of a test that installs, builds and runs an example. */
export const INSTALL_TIMEOUT_MS = 120_000

/** A user's machine: it has the packed package and the tools, and no network. */
export class Consumer {
  readonly #folder: string
  readonly #tarballs: readonly string[]
  readonly #registry: LocalRegistry

  /** @param others the folders of packages that are installed beside botshelf */
  static async start(...others: readonly string[]): Promise<Consumer> {
    // Outside the project: its node_modules would hide a dependency that the package misses.
    const folder = await mkdtemp(join(tmpdir(), 'botshelf-package-'))
    const packed = await Promise.all([ROOT, ...others].map((source) => pack(source, folder)))
    const tarballs = packed.map(({ filename }) => join(folder, filename))
    return new Consumer(folder, tarballs, await LocalRegistry.start(folder))
  }

  private constructor(folder: string, tarballs: readonly string[], registry: LocalRegistry) {
    this.#folder = folder
    this.#tarballs = tarballs
    this.#registry = registry
  }

  /** Copies an example, installs the packed package in it, and resolves to its folder. */
  async install(example: string): Promise<string> {
    const folder = join(this.#folder, example)
    await cp(join(ROOT, 'examples', example), folder, {
      recursive: true,
      filter: (path) => !NOT_COPIED.includes(basename(path)),
    })
    const file = join(folder, 'package.json')
    const text = await readFile(file, 'utf8')
    const { dependencies, devDependencies, ...rest } = JSON.parse(text) as Record<string, object>
    await writeFile(file, JSON.stringify(rest))
    const tools = Object.keys({ ...dependencies, ...devDependencies })
    await this.#installPackage(
      folder,
      tools.filter((name) => name !== 'botshelf'),
    )
    await writeFile(file, text)
    return folder
  }

  /**
   * Writes a project of these files by path, installs the packed package in it, and resolves to its
   * folder.
   *
   * @param tools packages that the project uses beside this one, by name
   */
  async create(
    name: string,
    files: Readonly<Record<string, string>>,
    tools: readonly string[],
  ): Promise<string> {
    const folder = join(this.#folder, name)
    for (const [path, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    await this.#installPackage(folder, tools)
    return folder
  }

  /** Compiles a project under its own settings and every strict flag that the compiler has. */
  async compile(folder: string, compiler: Compiler = 'typescript'): Promise<void> {
    const newer = compiler === 'typescript' ? ['erasableSyntaxOnly'] : []
    const flags = [...STRICTEST, ...newer].flatMap((flag) => [`--${flag}`, 'true'])
    const tsc = join(ROOT, 'node_modules', compiler, 'bin', 'tsc')
    await run(folder, 'node', tsc, '--noEmit', '--pretty', 'false', ...flags)
  }

  async stop(): Promise<void> {
    await this.#registry.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #installPackage(folder: string, tools: readonly string[]): Promise<void> {
    await run(
      folder,
      'npm',
      'install',
      ...this.#tarballs,
      `--registry=${this.#registry.url}`,
      `--cache=${join(this.#folder, 'cache')}`,
      // Files that do not exist: the settings of this machine are not part of the test.
      `--userconfig=${join(this.#folder, 'npmrc-of-the-user')}`,
      `--globalconfig=${join(this.#folder, 'npmrc-of-the-machine')}`,
      '--noproxy=127.0.0.1',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
    )
    // The tools and frameworks are those of the project, so that they need not be downloaded.
    for (const tool of tools) {
      const link = join(folder, 'node_modules', tool)
      await mkdir(dirname(link), { recursive: true })
      await symlink(join(ROOT, 'node_modules', tool), link, 'junction')
    }
  }
}
