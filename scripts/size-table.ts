// Measures the bundles of .size-limit.json, sets each budget to what was measured, and writes them
// into README's table: npm run build && node scripts/size-table.ts
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Bundle {
  readonly name: string
  limit: string
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BUDGETS = join(ROOT, '.size-limit.json')
const README = join(ROOT, 'README.md')
const TABLE = /\| bundle \| bytes \|\n\| --- \| ---: \|\n(?:\|.*\|\n)*/

/** The table of README, as the budgets say. */
export function sizeTable(bundles: readonly Bundle[]): string {
  const rows = bundles.map(({ name, limit }) => `| ${name} | ${withCommas(limit)} |\n`)
  return `| bundle | bytes |\n| --- | ---: |\n${rows.join('')}`
}

function withCommas(limit: string): string {
  return Number(limit.replace(' B', '')).toLocaleString('en')
}

function measure(): ReadonlyMap<string, number> {
  const { stdout } = spawnSync('size-limit', ['--json'], { cwd: ROOT, encoding: 'utf8' })
  const measured = JSON.parse(stdout) as readonly { name: string; size: number }[]
  return new Map(measured.map(({ name, size }) => [name, size]))
}

if (import.meta.main) {
  const bundles = JSON.parse(readFileSync(BUDGETS, 'utf8')) as Bundle[]
  const sizes = measure()
  for (const bundle of bundles) bundle.limit = `${sizes.get(bundle.name)} B`
  writeFileSync(BUDGETS, `${JSON.stringify(bundles, undefined, 2)}\n`)
  spawnSync('oxfmt', [BUDGETS], { stdio: 'inherit' })
  const readme = readFileSync(README, 'utf8')
  writeFileSync(README, readme.replace(TABLE, sizeTable(bundles)))
}
