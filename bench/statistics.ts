import type { Measured } from './rounds.ts'
import { median } from './task.ts'

/** The middle of what was measured, and where its middle half lies. */
export interface Spread {
  readonly median: number
  readonly lower: number
  readonly upper: number
}

/** The milliseconds of a candidate, over all rounds; `undefined` if it has not taken part. */
export function spreadOf({ samples }: Measured, candidate: string): Spread | undefined {
  const times = samples.get(candidate)?.map(({ ms }) => ms) ?? []
  if (times.length === 0) return undefined
  return { median: median(times), lower: quantile(times, 0.25), upper: quantile(times, 0.75) }
}

/** How much longer one takes than another: the median of the rounds' ratios. */
export function ratioOf(
  { samples }: Measured,
  candidate: string,
  against: string,
): number | undefined {
  const others = samples.get(against) ?? []
  const ratios = (samples.get(candidate) ?? []).flatMap(({ ms }, round) => {
    const other = others[round]
    return other === undefined || other.ms === 0 ? [] : [ms / other.ms]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

/** The one of them whose median is the lowest. */
export function fastest(measured: Measured, among: readonly string[]): string | undefined {
  let best: { readonly id: string; readonly time: number } | undefined
  for (const id of among) {
    const time = spreadOf(measured, id)?.median
    if (time !== undefined && (best === undefined || time < best.time)) best = { id, time }
  }
  return best?.id
}

function quantile(numbers: readonly number[], q: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * q
  const below = sorted[Math.floor(place)] ?? 0
  const above = sorted[Math.ceil(place)] ?? below
  return below + (above - below) * (place - Math.floor(place))
}
