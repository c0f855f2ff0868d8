// Builds the page as files that any web server can serve, into dist/page or the folder that is named:
// npm run build:page [-- folder]
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { OLDEST_BROWSERS } from './browsers.ts'

const WEB = fileURLToPath(new URL('../worker/web', import.meta.url))
const PAGE = process.argv[2] ?? fileURLToPath(new URL('../dist/page', import.meta.url))
const AS_THEY_ARE = ['index.html', 'icon.svg', '_headers', 'ubuntu-excerpt.txt']

await mkdir(PAGE, { recursive: true })
await Promise.all([
  build({
    entryPoints: [join(WEB, 'page.ts'), join(WEB, 'style.css')],
    outdir: PAGE,
    bundle: true,
    conditions: ['botshelf-source'],
    minify: true,
    // A plain script runs in a sandboxed frame too, where modules are refused.
    format: 'iife',
    target: OLDEST_BROWSERS,
    // Safari does not know it yet, and classes name methods by it.
    banner: { js: "Symbol.asyncDispose ??= Symbol.for('Symbol.asyncDispose');" },
    logLevel: 'warning',
  }),
  ...AS_THEY_ARE.map((name) => cp(join(WEB, name), join(PAGE, name))),
])
