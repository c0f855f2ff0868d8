// Writes the generated files of the site into docs: the API reference, and the playground with the
// headers that it needs. npm run docs:build and docs:dev run it.
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { writeApiPages } from './docs-api.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** VitePress copies this folder to the root of the site. */
const PUBLIC = join(ROOT, 'docs', 'public')
const PLAYGROUND = join(PUBLIC, 'playground')
const DOCUMENTATION = 'https://github.com/botshelf/botshelf/blob/main/docs/README.md'

await rm(PUBLIC, { recursive: true, force: true })
await Promise.all([writeApiPages(), writePlayground()])

async function writePlayground(): Promise<void> {
  await promisify(execFile)(process.execPath, ['scripts/build-page.ts', PLAYGROUND], { cwd: ROOT })
  const page = join(PLAYGROUND, 'index.html')
  const html = await readFile(page, 'utf8')
  if (!html.includes(DOCUMENTATION)) throw new Error('The page has no link to the documentation.')
  await writeFile(page, html.replace(DOCUMENTATION, '../'))
  // What the page asks a Worker for: without this file, the browser would log a missing one.
  await mkdir(join(PLAYGROUND, 'api'))
  await writeFile(join(PLAYGROUND, 'api', 'storages'), '{"storages":[],"admin":false}')
  await copyFile(join(PLAYGROUND, 'icon.svg'), join(PUBLIC, 'icon.svg'))
  // Hosts read the headers of all pages from the root of the site.
  const headers = await readFile(join(PLAYGROUND, '_headers'), 'utf8')
  const base = process.env['DOCS_BASE'] ?? '/'
  await writeFile(join(PUBLIC, '_headers'), headers.replace(/^\//, `${base}playground/`))
  await rm(join(PLAYGROUND, '_headers'))
}
