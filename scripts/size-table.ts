// Measures the bundles of .size-limit.json, sets each budget to the measured size, and writes the
// sizes into docs/performance.md, docs/bridges.md and README.md: npm run size:update
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withBytes } from './bridges-table.ts'

interface Bundle {
  readonly name: string
  /** A budget such as `9898 B`. */
  limit: string
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BUDGETS = join(ROOT, '.size-limit.json')
const TABLE = /\| bundle \| bytes \|\n\| --- \| ---: \|\n(?:\|.*\|\n)*/

/** Returns the table of docs/performance.md with these budgets. */
export function sizeTable(bundles: readonly Bundle[]): string {
  const rows = bundles.map(({ name, limit }) => `| ${name} | ${withCommas(limit)} |\n`)
  return `| bundle | bytes |\n| --- | ---: |\n${rows.join('')}`
}

/** Returns README's text with these budgets: it names three of them in one sentence. */
export function withSizes(readme: string, bundles: readonly Bundle[]): string {
  const bytesOf = (name: string): string =>
    withCommas(bundles.find((bundle) => bundle.name === name)?.limit ?? 'missing')
  return readme
    .replace(/(?<=The core takes )[\d,]+(?= bytes)/, bytesOf('core'))
    .replace(/(?<=with IndexedDB )[\d,]+/, bytesOf('core + IndexedDB + idb'))
    .replace(/(?<=with DurableObject )[\d,]+/, bytesOf('core + DurableObject'))
}

function withCommas(limit: string): string {
  return Number(limit.replace(' B', '')).toLocaleString('en')
}

function measure(): ReadonlyMap<string, number> {
  const { stdout } = spawnSync('size-limit', ['--json'], { cwd: ROOT, encoding: 'utf8' })
  const measured = JSON.parse(stdout) as readonly { name: string; size: number }[]
  return new Map(measured.map(({ name, size }) => [name, size]))
}

function rewrite(page: string, change: (text: string) => string): void {
  const file = join(ROOT, page)
  writeFileSync(file, change(readFileSync(file, 'utf8')))
}

if (import.meta.main) {
  const bundles = JSON.parse(readFileSync(BUDGETS, 'utf8')) as Bundle[]
  const sizes = measure()
  for (const bundle of bundles) bundle.limit = `${sizes.get(bundle.name)} B`
  writeFileSync(BUDGETS, `${JSON.stringify(bundles, undefined, 2)}\n`)
  spawnSync('oxfmt', [BUDGETS], { stdio: 'inherit' })
  rewrite('docs/performance.md', (text) => text.replace(TABLE, sizeTable(bundles)))
  rewrite('docs/bridges.md', (text) => withBytes(text, bundles))
  rewrite('README.md', (text) => withSizes(text, bundles))
}
