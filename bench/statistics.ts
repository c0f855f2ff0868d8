import type { Measured } from './rounds.ts'
import { median } from './task.ts'

/** The median of the samples, and the bounds of their middle half, in milliseconds. */
export interface Spread {
  readonly median: number
  readonly lower: number
  readonly upper: number
}

/** Returns the spread of a candidate's times; `undefined` if it was not measured. */
export function spreadOf({ samples }: Measured, candidate: string): Spread | undefined {
  const times = samples.get(candidate)?.map(({ ms }) => ms) ?? []
  if (times.length === 0) return undefined
  return { median: median(times), lower: quantile(times, 0.25), upper: quantile(times, 0.75) }
}

/** Returns how many times as long one candidate takes as another: the median over the rounds. */
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

/** Returns the candidate with the lowest median. */
export function fastestOf(measured: Measured, candidates: readonly string[]): string | undefined {
  let best: { readonly id: string; readonly time: number } | undefined
  for (const id of candidates) {
    const time = spreadOf(measured, id)?.median
    if (time !== undefined && (best === undefined || time < best.time)) best = { id, time }
  }
  return best?.id
}

function quantile(numbers: readonly number[], q: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * q
  const below = sorted[Math.floor(position)] ?? 0
  const above = sorted[Math.ceil(position)] ?? below
  return below + (above - below) * (position - Math.floor(position))
}
