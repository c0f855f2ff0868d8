import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../package/support/run.ts'
import { readColumn } from './support/costs.ts'
import { countIn, page as performancePage, rowOf } from './support/prices.ts'

const page = await readFile(join(ROOT, 'docs/choosing.md'), 'utf8')

/** The columns of docs/performance.md, by those of this page. */
const COLUMNS = {
  '`DurableObject` from a Worker': 'an object, from a Worker',
  '`DurableObject` inside an object': 'inside an object',
  '`CloudflareKV`': 'Workers KV',
}

/** What a call is billed by: the words of its count, and those of its price. */
const BILLED: readonly (readonly [unit: RegExp, price: string])[] = [
  [/request/, 'requests ('],
  [/rows? read/, '| rows read'],
  [/rows? written/, '| rows written'],
  [/get/, 'reads, also'],
  [/(?:put|delete|list)/, '| writes, deletions'],
]

const OPERATIONS = ['`get`', '`set`', '`delete`', '`increment`', '`update`', '`keys` of 500']

function costOfMillion(column: string, operation: string): string {
  if (readColumn(performancePage, column)[operation] === '–') return '–'
  const prices = BILLED.map(
    ([unit, price]) => countIn(column, operation, unit) * rowOf(price).perMillion,
  )
  return `$${prices.reduce((sum, price) => sum + price, 0).toFixed(2)}`
}

/** Returns what a million `increment` of a key cost in ticks of 500. */
function joined(unit: RegExp): string {
  const column = COLUMNS['`DurableObject` from a Worker']
  const count = countIn(column, '500 `increment` of a key at once', unit)
  return ((1e6 / 500) * count).toLocaleString('en')
}

test.each(OPERATIONS)(
  'docs/choosing.md computes what a million calls cost from docs/performance.md: %s',
  (operation) => {
    const cells = Object.values(COLUMNS).map((column) => costOfMillion(column, operation))
    expect(page).toContain(`\n| a million of | ${Object.keys(COLUMNS).join(' | ')} |\n`)
    expect(page).toContain(`\n| ${[operation, ...cells].join(' | ')} |\n`)
  },
)

test('docs/choosing.md computes the sums in its sentences from docs/performance.md', () => {
  const gigabyteSeconds = 1e6 * 0.01 * 0.128
  const duration = (gigabyteSeconds / 1e6) * rowOf('| duration').perMillion
  expect(page).toContain(
    `at 10 ms for each request, a million requests add $${duration.toFixed(2)}`,
  )
  expect(page).toContain(
    `are ${joined(/request/)} requests to an object, which write ${joined(/rows? written/)} rows`,
  )
  const included = ['requests (', '| rows written', 'reads, also', '| writes, deletions'].map(
    (label) => rowOf(label).included / 1e6,
  )
  const [requests, rows, reads, writes] = included
  expect(page).toContain(
    `${requests} million requests and ${rows} million written rows of objects, and ${reads} million reads and ${writes} million writes of KV`,
  )
  const [, extra] = /\| an object, from a Worker \|.*\| (\$[\d.]+) \|/.exec(performancePage) ?? []
  expect(page).toContain(`pays ${extra} beyond them from a Worker`)
})

test('docs/choosing.md dates its prices as docs/performance.md does', () => {
  const [, year] = /as Cloudflare documents it in (\d{4})/.exec(performancePage) ?? []
  expect(page).toContain(`at Cloudflare's prices of ${year}`)
})
