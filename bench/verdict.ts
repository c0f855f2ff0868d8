import { CANDIDATES, labelOf } from './candidates.ts'
import { BEST_PEER, type Goal } from './goals.ts'
import type { Measured } from './rounds.ts'
import { fastest, ratioOf, spreadOf } from './statistics.ts'

/** How a goal came out. */
export interface Verdict {
  readonly goal: Goal
  readonly title: string
  /** What is to hold, and what was measured, in a few words each. */
  readonly says: string
  readonly found: string
  readonly met: boolean
  /** By how much of the goal it is missed, in percent; `undefined` where a count is. */
  readonly missedBy?: number
}

/** Holds a goal against what was measured; `undefined` if it has not been. */
export function judge(goal: Goal, all: readonly Measured[]): Verdict | undefined {
  const measured = all.find(({ workload }) => workload.id === goal.workload)
  if (measured === undefined) return undefined
  const { candidate, holds } = goal
  const base = { goal, title: measured.workload.title }
  switch (holds.kind) {
    case 'ratio':
    case 'faster': {
      const other = holds.against === BEST_PEER ? bestPeer(measured) : holds.against
      const ratio = other && ratioOf(measured, candidate, other)
      if (!other || !ratio) return undefined
      const name =
        holds.against === BEST_PEER ? `the best peer (${labelOf(other)})` : labelOf(other)
      if (holds.kind === 'ratio') {
        const says = `at most ${holds.max} × ${name}`
        return { ...base, says, found: `${digits(ratio)} ×`, ...compare(ratio, holds.max) }
      }
      const says = `at least ${holds.min} × faster than ${name}`
      const found = `${digits(1 / ratio)} × faster`
      return { ...base, says, found, ...compare(ratio, 1 / holds.min) }
    }
    case 'time': {
      const spread = spreadOf(measured, candidate)
      if (spread === undefined) return undefined
      const us = spread.median * 1000
      const says = `at most ${holds.max} µs`
      return { ...base, says, found: `${digits(us)} µs`, ...compare(us, holds.max) }
    }
    case 'calls': {
      if (!measured.counted.has(candidate)) return undefined
      const calls = Object.values(measured.counted.get(candidate)?.calls ?? {})
      const count = calls.reduce((sum, each) => sum + each, 0)
      const says = holds.max === 1 ? '1 call' : `${holds.max} calls`
      return { ...base, says, found: String(count), met: count <= holds.max }
    }
    default: {
      if (!measured.counted.has(candidate)) return undefined
      const samples = [...(measured.samples.get(candidate) ?? []), measured.counted.get(candidate)]
      const lost = samples.reduce((sum, sample) => sum + (sample?.lost ?? 0), 0)
      return { ...base, says: 'no update lost', found: `${lost} lost`, met: lost === 0 }
    }
  }
}

/** The library of others with the lowest median, of those that lose nothing. */
export function bestPeer(measured: Measured): string | undefined {
  const { candidates } = measured.workload
  const peers = candidates.filter((id) => CANDIDATES[id]?.kind === 'peer')
  return fastest(
    measured,
    peers.filter((id) => !measured.counted.get(id)?.lost),
  )
}

/** Three digits that tell something, and no more. */
export function digits(number: number): string {
  if (number >= 100) return Math.round(number).toLocaleString('en')
  return String(Number(number.toPrecision(3)))
}

function compare(found: number, max: number): { met: boolean; missedBy?: number } {
  return found <= max ? { met: true } : { met: false, missedBy: (found / max - 1) * 100 }
}
