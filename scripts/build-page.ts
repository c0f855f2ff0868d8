// Builds the page as static files, into dist/page or the folder given:
// npm run build:page [-- folder]
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { OLDEST_BROWSERS } from './browsers.ts'

const WEB = fileURLToPath(new URL('../worker/web', import.meta.url))
const OUT_DIR = process.argv[2] ?? fileURLToPath(new URL('../dist/page', import.meta.url))
const STATIC_FILES = ['index.html', 'icon.svg', '_headers', 'ubuntu-excerpt.txt']

await mkdir(OUT_DIR, { recursive: true })
await Promise.all([
  build({
    entryPoints: [join(WEB, 'page.ts'), join(WEB, 'style.css')],
    outdir: OUT_DIR,
    bundle: true,
    conditions: ['botshelf-source'],
    minify: true,
    // A sandboxed frame runs plain scripts, but no modules.
    format: 'iife',
    target: OLDEST_BROWSERS,
    // Safari lacks this symbol, which names methods of classes.
    banner: { js: "Symbol.asyncDispose ??= Symbol.for('Symbol.asyncDispose');" },
    logLevel: 'warning',
  }),
  ...STATIC_FILES.map((name) => cp(join(WEB, name), join(OUT_DIR, name))),
])
