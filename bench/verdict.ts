import { CANDIDATES, labelOf } from './candidates.ts'
import { BEST_PEER, type Goal } from './goal.ts'
import type { Measured } from './rounds.ts'
import type { Sample } from './task.ts'
import { fastestOf, ratioOf, spreadOf } from './statistics.ts'

/** Whether a goal is met. */
export interface Verdict {
  readonly goal: Goal
  /** The title of the workload. */
  readonly title: string
  /** The limit and the measured figure, as the report shows them. */
  readonly expected: string
  readonly measured: string
  /** The measured figure in the unit of the limit. */
  readonly figure: number
  readonly isMet: boolean
  /** By how many percent of the limit the goal is missed; `undefined` where the figure is a count. */
  readonly missedBy?: number
}

/** Compares a goal with the results; returns `undefined` if its workload was not measured. */
export function judge(goal: Goal, results: readonly Measured[]): Verdict | undefined {
  const measured = results.find(({ workload }) => workload.id === goal.workload)
  if (measured === undefined) return undefined
  const { candidate, limit } = goal
  const base = { goal, title: measured.workload.title }
  switch (limit.kind) {
    case 'ratio':
    case 'faster': {
      const isBestPeer = limit.against === BEST_PEER
      const other = isBestPeer ? bestPeer(measured) : limit.against
      const ratio = other && ratioOf(measured, candidate, other)
      if (!other || !ratio) return undefined
      const name = isBestPeer ? `the best peer (${labelOf(other)})` : labelOf(other)
      if (limit.kind === 'ratio') {
        const expected = `at most ${limit.max} × ${name}`
        return { ...base, expected, measured: `${digits(ratio)} ×`, ...compare(ratio, limit.max) }
      }
      return {
        ...base,
        expected: `at least ${limit.min} × faster than ${name}`,
        measured: `${digits(1 / ratio)} × faster`,
        ...compareSpeed(1 / ratio, limit.min),
      }
    }
    case 'time': {
      const spread = spreadOf(measured, candidate)
      if (spread === undefined) return undefined
      const us = spread.median * 1000
      const expected = `at most ${limit.max} µs`
      return { ...base, expected, measured: `${digits(us)} µs`, ...compare(us, limit.max) }
    }
    case 'calls': {
      if (!measured.counted.has(candidate)) return undefined
      const perClient = samplesOf(measured, candidate).flatMap((each) => each.callsPerClient ?? [])
      if (perClient.length > 0) {
        const max = Math.max(...perClient.map((each) => each.max))
        const expected = `at most ${limit.max} ${limit.max === 1 ? 'call' : 'calls'} per client`
        return { ...base, expected, measured: String(max), figure: max, isMet: max <= limit.max }
      }
      const calls = Object.values(measured.counted.get(candidate)?.calls ?? {})
      const count = calls.reduce((sum, each) => sum + each, 0)
      const expected = ['no call', 'at most 1 call'][limit.max] ?? `at most ${limit.max} calls`
      return {
        ...base,
        expected,
        measured: String(count),
        figure: count,
        isMet: count <= limit.max,
      }
    }
    case 'bytes': {
      const bytes = measured.counted.get(candidate)?.bytes
      if (bytes === undefined) return undefined
      const expected = `at most ${digits(limit.max)} bytes`
      return { ...base, expected, measured: digits(bytes), ...compare(bytes, limit.max) }
    }
    default: {
      if (!measured.counted.has(candidate)) return undefined
      const { kind } = limit
      const count = samplesOf(measured, candidate).reduce((sum, each) => sum + (each[kind] ?? 0), 0)
      const [expected, unit] =
        kind === 'lost' ? ['no update lost', 'lost'] : ['no CONFLICT', 'CONFLICT']
      return {
        ...base,
        expected,
        measured: `${count} ${unit}`,
        figure: count,
        isMet: count === 0,
      }
    }
  }
}

/** Returns all samples of a candidate, with the one that is not timed. */
function samplesOf({ samples, counted }: Measured, candidate: string): readonly Sample[] {
  return [...(samples.get(candidate) ?? []), counted.get(candidate) ?? []].flat()
}

/** Returns the other library with the lowest median, among those that lose no update. */
export function bestPeer(measured: Measured): string | undefined {
  const peers = measured.workload.candidates.filter((id) => CANDIDATES[id]?.kind === 'peer')
  return fastestOf(
    measured,
    peers.filter((id) => !measured.counted.get(id)?.lost),
  )
}

/** Smaller differences are within noise. */
export const NOISE_PERCENT = 15

/** Returns whether a goal about time is missed by less than the noise. */
export function isWithinNoise({ goal, missedBy = Number.POSITIVE_INFINITY }: Verdict): boolean {
  return missedBy < NOISE_PERCENT && ['ratio', 'faster', 'time'].includes(goal.limit.kind)
}

/** Formats a number with three significant digits, or as an integer from 100 on. */
export function digits(number: number): string {
  if (number >= 100) return Math.round(number).toLocaleString('en')
  return String(Number(number.toPrecision(3)))
}

function compareSpeed(figure: number, min: number): Pick<Verdict, 'figure' | 'isMet' | 'missedBy'> {
  if (figure >= min) return { figure, isMet: true }
  return { figure, isMet: false, missedBy: (1 - figure / min) * 100 }
}

function compare(figure: number, max: number): Pick<Verdict, 'figure' | 'isMet' | 'missedBy'> {
  if (figure <= max) return { figure, isMet: true }
  return { figure, isMet: false, missedBy: (figure / max - 1) * 100 }
}
