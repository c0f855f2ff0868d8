// Prints the notes of a release from CHANGELOG.md, after it has checked that the release is ready:
// npm run --silent release:notes -- v0.1.0
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

/** The folders of the packages that are published, each with the same version. */
export const PACKAGES: readonly string[] = ['.', 'create-botshelf']

/** Returns what CHANGELOG.md says about a version, without its heading. */
export function notesOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1)
  const section = sections.find((text) => text.split('\n', 1)[0] === version)
  return section?.slice(version.length).trim()
}

/**
 * Returns the notes of the release with this tag.
 *
 * @throws Error if the tag is not that of every package's version, a changeset is not in the
 *   changelog yet, or the changelog does not have the version
 */
export function releaseNotes(root: string, tag: string): string {
  for (const folder of PACKAGES) {
    const file = join(root, folder, 'package.json')
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
    if (tag !== `v${version}`) {
      throw new Error(
        `The tag is ${tag}, but ${name} has version ${version}. Tag the commit of npm run release:version with v${version}.`,
      )
    }
  }
  const changesets = join(root, '.changeset')
  const [pending] = (existsSync(changesets) ? readdirSync(changesets) : []).filter(
    (file) => file.endsWith('.md') && file !== 'README.md',
  )
  if (pending !== undefined) {
    throw new Error(
      `.changeset/${pending} is not in the changelog. Run npm run release:version first.`,
    )
  }
  const version = tag.slice(1)
  const notes = notesOf(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version)
  if (!notes) throw new Error(`CHANGELOG.md has no section "## ${version}" with notes.`)
  return notes
}

if (import.meta.main) {
  try {
    console.log(releaseNotes(process.cwd(), process.argv[2] ?? 'missing'))
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
