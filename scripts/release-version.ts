// Makes the next version of the packages from the changesets: writes its part of CHANGELOG.md, and
// sets it in every file that names the version. npm run release:version
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

/** The manifests and the lock whose own version is that of the release. */
const VERSIONED = ['package.json', 'package-lock.json', 'create-botshelf/package.json']

/** What keeps the version that it was written with, and the changesets, which are gone by then. */
const UNCHANGED = /^(?:CHANGELOG\.md$|\.changeset\/|docs\/decisions\/)/

/** Returns a text with this version in names of tarballs, in dependencies, and where it is printed. */
function withVersion(text: string, version: string): string {
  return text
    .replaceAll(/(?<=\bbotshelf-)\d[\w.-]*?(?=\.tgz\b)/g, version)
    .replaceAll(/(?<="botshelf": *"[\^~]?)\d[\w.-]*(?=")/g, version)
    .replaceAll(/(?<=^export const VERSION = ')\d[\w.-]*(?=')/gm, version)
    .replaceAll(/(?<=^ok +The Worker has botshelf )\d[\w.-]*(?=, )/gm, version)
}

/** Sets the version of a package in its manifest or its lock, which has the version twice. */
function withOwnVersion(path: string, text: string, version: string): string {
  const manifest = JSON.parse(text) as {
    version: string
    packages?: Record<string, { version: string }>
  }
  manifest.version = version
  const [own] = path === 'package-lock.json' ? Object.values(manifest.packages ?? {}) : []
  if (own !== undefined) own.version = version
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/** Sets the version of package.json in the other files of the repository that name it. */
function setVersion(root: string): void {
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  const { version } = JSON.parse(read('package.json')) as { version: string }
  const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  for (const path of tracked.split('\n')) {
    if (!/\.(?:md|json)$|^src\/version\.ts$/.test(path) || UNCHANGED.test(path)) continue
    const text = read(path)
    let next = withVersion(text, version)
    if (VERSIONED.includes(path)) next = withOwnVersion(path, next, version)
    if (next !== text) writeFileSync(join(root, path), next)
  }
  console.log(`Version ${version} is set. Review the changes, and commit them.`)
}

if (import.meta.main) {
  const root = process.cwd()
  // Fails with a message of its own if there is no changeset.
  const { status } = spawnSync('changeset', ['version'], { cwd: root, stdio: 'inherit' })
  if (status === 0) setVersion(root)
  else process.exitCode = 1
}
