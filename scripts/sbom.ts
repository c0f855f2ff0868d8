// Prints the bill of materials of what ships, in CycloneDX: npm run --silent sbom
//
// `npm sbom --omit dev` of npm 11 also omits what a development dependency needs too, such as
// @clack/prompts. So it runs on a lock from which the entries that npm marks are removed.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

interface LockEntry {
  readonly dev?: boolean
  readonly peer?: boolean
  readonly optional?: boolean
  readonly devOptional?: boolean
}

const lock = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
  readonly packages: Readonly<Record<string, LockEntry>>
}
const manifest = JSON.parse(await readFile('package.json', 'utf8')) as object
const NOT_SHIPPED = ['devDependencies', 'peerDependencies', 'peerDependenciesMeta', 'overrides']
const shipped = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !NOT_SHIPPED.includes(name)))
const packages = Object.entries(lock.packages)
  .filter(([, { dev, peer, optional, devOptional }]) => !(dev || peer || optional || devOptional))
  .map(([path, entry]) => [path, path === '' ? shipped(entry) : entry])

const temporary = await mkdtemp(join(tmpdir(), 'botshelf-sbom-'))
// npm takes the name of the component from the folder.
const folder = join(temporary, 'botshelf')
try {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify(shipped(manifest)))
  const text = JSON.stringify({ ...lock, packages: Object.fromEntries(packages) as object })
  await writeFile(join(folder, 'package-lock.json'), text)
  const options = ['--package-lock-only', '--sbom-format', 'cyclonedx']
  const { stdout } = await promisify(execFile)('npm', ['sbom', ...options], {
    cwd: folder,
    maxBuffer: 1e8,
    shell: process.platform === 'win32',
  })
  process.stdout.write(stdout)
} finally {
  await rm(temporary, { recursive: true })
}
