import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bridgeNames, bytesAdded, SEPARATOR, testedWith } from '../../scripts/bridges-table.ts'
import { ROOT } from '../package/support/run.ts'

const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8')

const manifest = JSON.parse(await read('package.json')) as Parameters<typeof bridgeNames>[0] & {
  readonly peerDependencies: Readonly<Record<string, string>>
}
const budgets = JSON.parse(await read('.size-limit.json')) as Parameters<typeof bytesAdded>[1]
const page = await read('docs/bridges.md')

/** Returns the cells of the row of a bridge in the table of results, without the first. */
function resultsOf(bridge: string): string[] {
  const row = page.split('\n').find((line) => line.startsWith(`| [${bridge}](bridges/`)) ?? ''
  return row.replace(/ \|$/, '').split(' | ').slice(1)
}

/** Writes a range as the page does, for a regular expression: a cell cannot contain `||`. */
function toPattern(range: string): string {
  return range.replaceAll('||', 'or').replaceAll(/[.^]/g, '\\$&')
}

const HINT = 'npm run bridges writes it'
const BACKEND_COUNT = 3

/** Returns the figures of a cell: for Memory, for a Durable Object and for IndexedDB. */
function figuresOf(cell: string | undefined): string[] {
  const figures = cell?.split(SEPARATOR) ?? []
  expect(figures, HINT).toHaveLength(BACKEND_COUNT)
  return figures
}

describe.each(bridgeNames(manifest))('%s', (bridge) => {
  test('is in the table of docs/bridges.md with its cases on each backend', () => {
    for (const cases of figuresOf(resultsOf(bridge)[0])) expect(cases, HINT).toMatch(/^[1-9]\d*$/)
  })

  test('is in the tables with the versions of package.json and the bytes of .size-limit.json', () => {
    expect(resultsOf(bridge)[4], HINT).toBe(bytesAdded(bridge, budgets))
    expect(page, HINT).toContain(`\n| ${bridge} | ${testedWith(bridge, manifest)} |\n`)
  })

  test('loses no update, in a test that sees the framework lose some', () => {
    const [, ours, theirs, theirName] = resultsOf(bridge)
    const lost = figuresOf(ours)
    const lostByFramework = figuresOf(theirs)
    // A bridge need not be counted on IndexedDB.
    const counted = lost[2] === '–' && lostByFramework[2] === '–' ? 2 : BACKEND_COUNT
    for (const figure of lost.slice(0, counted)) expect(figure).toBe('0')
    for (const figure of lostByFramework.slice(0, counted))
      expect(figure).toMatch(/^[1-9]\d*(?:, [1-9]\d*)*$/)
    expect(theirName).toMatch(/\w/)
  })

  test('has a page, which docs/bridges.md and docs/README.md link', async () => {
    expect(await read(`docs/bridges/${bridge}.md`)).toContain(`npm install botshelf`)
    const link = `](bridges/${bridge}.md)`
    expect(page.split('## Tested')[0]).toContain(link)
    expect(await read('docs/README.md')).toContain(link)
  })
})

test('docs/bridges.md names the versions of each peer that npm accepts', () => {
  const [table] = page.split('## Use one')
  for (const [peer, range] of Object.entries(manifest.peerDependencies)) {
    if (peer !== '@cloudflare/workers-types')
      expect(table).toMatch(new RegExp(`\`${peer}\` ${toPattern(range)}(?= \\||,)`))
  }
})

test('README names the version of @cloudflare/workers-types that npm accepts', async () => {
  const range = manifest.peerDependencies['@cloudflare/workers-types']
  const [, version] = /^>=(\d+)$/.exec(range ?? '') ?? []
  expect(await read('README.md')).toContain(`| \`@cloudflare/workers-types\` | ${version}, `)
})

test('there are bridges, and no row is of another', () => {
  const bridges = bridgeNames(manifest)
  expect(bridges).not.toEqual([])
  const named = page.matchAll(/^\| \[([\w-]+)\]\(bridges\//gm)
  expect([...new Set(Array.from(named, ([, name]) => name))]).toEqual(bridges)
})
