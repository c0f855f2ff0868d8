/** Milliseconds of each round, by what was measured and by contender. */
export type Samples = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>

/** Compared with. */
const BASE = 'today'

/**
 * A row for each measurement: the median in milliseconds, the middle half of the rounds, and the
 * median of the rounds' ratios to the adapter as it is.
 */
export function table(samples: Samples, contenders: readonly string[]): string {
  const lines = [
    `| ms | ${contenders.join(' | ')} |`,
    `| --- |${contenders.map(() => ' --- |').join('')}`,
  ]
  for (const [what, row] of samples) {
    const cells = contenders.map((id) => cell(row.get(id), row.get(BASE)))
    lines.push(`| ${what} | ${cells.join(' | ')} |`)
  }
  return lines.join('\n')
}

function cell(times: readonly number[] | undefined, base: readonly number[] | undefined): string {
  if (times === undefined || base === undefined) return ''
  const [lower, middle, upper] = [0.25, 0.5, 0.75].map((part) => digits(quantile(times, part)))
  const spread = `${middle} (${lower}–${upper})`
  if (times === base) return spread
  const ratios = times.map((ms, round) => ms / (base[round] ?? Number.NaN))
  return `${spread} **${quantile(ratios, 0.5).toFixed(2)}**`
}

function digits(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : ms.toFixed(0)
}

function quantile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * part
  const [lower = Number.NaN, upper = lower] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return lower + (upper - lower) * (at - Math.floor(at))
}
