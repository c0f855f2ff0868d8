import type { Effect } from './call-effects.ts'
import type { KeyEffect, KeyState } from './key-effect.ts'

/** What to search. */
export interface SearchInput {
  readonly effects: readonly Effect[]
  /** The keys to look at; effects on other keys are left out. */
  readonly keys: readonly string[]
  /** What each key holds at the start, and at the end. */
  readonly initial: readonly (KeyState | undefined)[]
  readonly contents: readonly KeyEffect[]
  /** The most states to try. */
  readonly maxStates: number
}

/** An effect on the keys of a search. */
export interface Operation {
  readonly effect: Effect
  readonly called: number
  /** An optional operation may take effect after it has settled, or never. */
  readonly settled: number
  readonly choices: readonly (readonly KeyEffect[])[]
  readonly isRead: boolean
  /** An optional operation with the same effect that was called before; do that one first. */
  readonly twin: Operation | undefined
  readonly timeline: Timeline
  /** Its place among the required operations of the timeline. */
  readonly position: number
  isDone: boolean
}

/** The operations of one clock, in the order in which they were called. */
export interface Timeline {
  readonly required: Operation[]
  readonly optional: Operation[]
  /** The first required operation that is not done. */
  base: number
}

/** Adds the operations that may come next. Returns a text for which operations are done. */
export function addCandidates(
  timeline: Timeline,
  required: Operation[],
  optional: Operation[],
): string {
  while (timeline.required[timeline.base]?.isDone === true) timeline.base++
  let done = `|${timeline.base}:`
  // No operation may come before one that had settled when it was called.
  let firstSettled = Infinity
  for (let index = timeline.base; index < timeline.required.length; index++) {
    const operation = timeline.required[index] as Operation
    if (operation.called > firstSettled) break
    done += operation.isDone ? 1 : 0
    if (operation.isDone) continue
    required.push(operation)
    firstSettled = Math.min(firstSettled, operation.settled)
  }
  done += ':'
  for (const operation of timeline.optional) {
    if (operation.called > firstSettled) break
    done += operation.isDone ? 1 : 0
    if (!operation.isDone) optional.push(operation)
  }
  return done
}

/** Sorts the effects of a search by clock. */
export function toTimelines({ effects, keys }: SearchInput): readonly Timeline[] {
  const timelines = new Map<string, Timeline>()
  const twins = new Map<string, Operation>()
  for (const effect of effects.toSorted((a, b) => a.record.called - b.record.called)) {
    const { record, isOptional } = effect
    const choices = effect.choices.map((choice) => choice.filter(({ key }) => keys.includes(key)))
    if (choices.every((choice) => choice.length === 0)) continue
    const { clock, called, settled = Infinity } = record
    const timeline = timelines.get(clock) ?? { required: [], optional: [], base: 0 }
    timelines.set(clock, timeline)
    const name = isOptional ? JSON.stringify([clock, choices]) : ''
    const list = isOptional ? timeline.optional : timeline.required
    const operation: Operation = {
      effect,
      called,
      settled,
      choices,
      isRead: choices.every((choice) => choice.every(isRead)),
      twin: isOptional ? twins.get(name) : undefined,
      timeline,
      position: list.length,
      isDone: false,
    }
    if (isOptional) twins.set(name, operation)
    list.push(operation)
  }
  return [...timelines.values()]
}

function isRead({ makes, changesExpiry }: KeyEffect): boolean {
  return makes?.length === 0 && !changesExpiry
}
