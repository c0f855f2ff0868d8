import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pack } from './pack.ts'
import { LocalRegistry } from './registry.ts'
import { ROOT, run } from './run.ts'

/** Every flag by which a user may ask more of the package's types than `strict` does. */
const STRICTEST = [
  'strict',
  'declaration',
  'erasableSyntaxOnly',
  'exactOptionalPropertyTypes',
  'noImplicitOverride',
  'noPropertyAccessFromIndexSignature',
  'noUncheckedIndexedAccess',
  'verbatimModuleSyntax',
]

/** What is in a sample of somebody who has tried it. */
const LEFT_BEHIND = ['node_modules', 'package-lock.json', 'dist', '.wrangler']

/** How long a test that installs, builds and runs a sample may take, in milliseconds. */
export const WITHIN = 120_000

/** Somebody who has the packed package, this machine, and no network. */
export class Consumer {
  readonly #folder: string
  readonly #tarball: string
  readonly #registry: LocalRegistry

  static async start(): Promise<Consumer> {
    // Outside of the project, whose own modules would stand in for what an install has left out.
    const folder = await mkdtemp(join(tmpdir(), 'botshelf-package-'))
    const { filename } = await pack(ROOT, folder)
    return new Consumer(folder, join(folder, filename), await LocalRegistry.start(folder))
  }

  private constructor(folder: string, tarball: string, registry: LocalRegistry) {
    this.#folder = folder
    this.#tarball = tarball
    this.#registry = registry
  }

  /** Copies a sample, installs the packed package in it, and resolves to its folder. */
  async install(sample: string): Promise<string> {
    const folder = join(this.#folder, sample)
    await cp(join(ROOT, 'samples', sample), folder, {
      recursive: true,
      filter: (path) => !LEFT_BEHIND.includes(basename(path)),
    })
    const file = join(folder, 'package.json')
    const manifest = JSON.parse(await readFile(file, 'utf8')) as {
      devDependencies: Record<string, string>
    }
    // The tools are those of the project, so that they need not be fetched.
    const { devDependencies: tools, ...rest } = manifest
    await writeFile(file, JSON.stringify(rest))
    await run(
      folder,
      'npm',
      'install',
      this.#tarball,
      `--registry=${this.#registry.url}`,
      `--cache=${join(this.#folder, 'cache')}`,
      // There are no such files: what this machine has set is no part of the package.
      `--userconfig=${join(this.#folder, 'npmrc-of-the-user')}`,
      `--globalconfig=${join(this.#folder, 'npmrc-of-the-machine')}`,
      '--noproxy=127.0.0.1',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
    )
    for (const tool of Object.keys(tools)) {
      const link = join(folder, 'node_modules', tool)
      await mkdir(dirname(link), { recursive: true })
      await symlink(join(ROOT, 'node_modules', tool), link, 'junction')
    }
    await writeFile(file, JSON.stringify({ ...rest, devDependencies: tools }))
    return folder
  }

  /** Compiles a sample under its own settings and every strict flag. */
  async compile(folder: string): Promise<void> {
    const flags = STRICTEST.flatMap((flag) => [`--${flag}`, 'true'])
    await run(folder, 'tsc', '--noEmit', '--pretty', 'false', ...flags)
  }

  async stop(): Promise<void> {
    await this.#registry.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
