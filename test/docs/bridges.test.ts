import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bridgeNames, bytesAdded, testedWith } from '../../scripts/bridges-table.ts'
import { ROOT } from '../package/support/run.ts'

const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8')

const manifest = JSON.parse(await read('package.json')) as Parameters<typeof bridgeNames>[0] & {
  readonly peerDependencies: object
}
const budgets = JSON.parse(await read('.size-limit.json')) as Parameters<typeof bytesAdded>[1]
const page = await read('docs/bridges.md')

/** Returns the cells of the rows of a bridge, without the first, which names it. */
function rowsOf(bridge: string): string[][] {
  const rows = page.split('\n').filter((line) => line.startsWith(`| [${bridge}](bridges/`))
  return rows.map((row) => row.split(' | ').slice(1))
}

describe.each(bridgeNames(manifest))('%s', (bridge) => {
  test('is in the table of docs/bridges.md with a row for Memory and one for a Durable Object', () => {
    const backends = rowsOf(bridge).map(([, backend]) => backend)
    expect(backends, 'npm run bridges writes it').toEqual(
      expect.arrayContaining(['Memory', 'Durable Object']),
    )
  })

  test('is in the table with the versions of package.json and the bytes of .size-limit.json', () => {
    for (const [versions, , , , , bytes] of rowsOf(bridge)) {
      expect(versions, 'npm run bridges writes it').toBe(testedWith(bridge, manifest))
      expect(bytes, 'npm run bridges writes it').toBe(`${bytesAdded(bridge, budgets)} |`)
    }
  })

  test('loses no update, in a test that sees the framework lose some', () => {
    for (const [, backend, , ours = '', theirs = ''] of rowsOf(bridge)) {
      const counts = [ours, theirs].map((cell) => cell.split('<br>').map((each) => each.trim()))
      // A bridge need not be counted on every backend.
      if (backend === 'IndexedDB' && ours === '–') continue
      expect(counts[0]?.filter((each) => !/^0 of \d+$/.test(each))).toEqual([])
      expect(counts[1]?.filter((each) => !/^[1-9]\d* of \d+: ./.test(each))).toEqual([])
    }
  })

  test('has a page, which docs/bridges.md and docs/README.md link', async () => {
    expect(await read(`docs/bridges/${bridge}.md`)).toContain(`npm install botshelf`)
    const link = `](bridges/${bridge}.md)`
    expect(page.split('## Tested')[0]).toContain(link)
    expect(await read('docs/README.md')).toContain(link)
  })
})

test('there are bridges, and no row is of another', () => {
  const bridges = bridgeNames(manifest)
  expect(bridges).not.toEqual([])
  const named = page.matchAll(/^\| \[([\w-]+)\]\(bridges\//gm)
  expect([...new Set(Array.from(named, ([, name]) => name))]).toEqual(bridges)
})
