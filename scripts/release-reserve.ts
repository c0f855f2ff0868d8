// Publishes an empty version 0.0.0 of each package whose name npm does not know yet. npm can only be
// told which workflow may publish a package that exists. Needs `npm login`. Passes arguments on to npm:
// npm run release:reserve
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NAMES = ['botshelf', 'create-botshelf']
const OPTIONS = process.argv.slice(2)

const { license, repository, homepage } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as Record<string, unknown>

function publish(name: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  const description = 'Holds the name until the first release.'
  const manifest = { name, version: '0.0.0', description, license, repository, homepage }
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2))
    writeFileSync(join(folder, 'README.md'), `# ${name}\n\n${description}\n`)
    // npm asks for the second factor on the terminal.
    const { status } = spawnSync('npm', ['publish', '--access', 'public', ...OPTIONS], {
      cwd: folder,
      stdio: 'inherit',
    })
    return status === 0
  } finally {
    rmSync(folder, { recursive: true })
  }
}

for (const name of NAMES) {
  const { status, stdout, stderr } = spawnSync('npm', ['view', name, 'maintainers', ...OPTIONS], {
    encoding: 'utf8',
  })
  if (status === 0) {
    console.log(`${name} exists on npm, with the maintainers ${stdout.trim()}.`)
  } else if (!stderr.includes('E404')) {
    console.error(`npm view ${name} failed: ${stderr}`)
    process.exitCode = 1
  } else if (!publish(name)) {
    process.exitCode = 1
  }
}
