import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../../package/support/run.ts'
import { readColumn } from './costs.ts'

/** The text of docs/performance.md. */
export const page: string = await readFile(join(ROOT, 'docs/performance.md'), 'utf8')

/** Returns a count in the table of costs, such as that of `rows read`. */
export function countIn(column: string, operation: string, unit: RegExp): number {
  const cell = readColumn(page, column)[operation] ?? ''
  return parse(new RegExp(`([\\d,]+) ${unit.source}`).exec(cell)?.[1] ?? '0')
}

/** Returns the price of what is used beyond what is included. */
export function priceOf(label: string, used = 0): number {
  const { included, perMillion } = rowOf(label)
  return (Math.max(0, used - included) / 1e6) * perMillion
}

/** Returns a row of the table of prices. */
export function rowOf(label: string): { included: number; perMillion: number } {
  const line = page.split('\n').find((row) => row.startsWith('|') && row.includes(label)) ?? ''
  const [included = '', price = ''] = line.split('|').slice(2)
  return { included: parse(included), perMillion: parse(price.replace(/ per.*/, '')) }
}

function parse(number: string): number {
  const [, digits = '', unit] = /([\d,.]+) ?(million|billion)?/.exec(number) ?? []
  const factor = { million: 1e6, billion: 1e9 }[unit as 'million'] ?? 1
  return Number(digits.replaceAll(',', '')) * factor
}
