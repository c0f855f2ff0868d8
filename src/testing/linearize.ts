// Searches for an order of calls in which each takes effect at one time between its call and its end,
// with the results that were recorded. This is the algorithm of Wing and Gong with Lowe's memory of
// what was tried: the calls done so far and the state of the keys.

import type { Effect, KeyEffect, KeyState } from './call-effects.ts'

/** What the search found. */
export type SearchResult =
  | { readonly outcome: 'possible' | 'undecided' }
  | {
      readonly outcome: 'impossible'
      /** The calls that no order can explain after the longest one that was found; none: the contents. */
      readonly stuck: readonly Effect[]
      /** What the keys can hold then: one list per state, in the order of the keys. */
      readonly states: readonly (readonly (KeyState | undefined)[])[]
    }

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

/** What the keys hold: the number of a state for each. */
type StateVector = readonly number[]

interface Operation {
  readonly effect: Effect
  readonly called: number
  /** `Infinity` if it may take effect after it has settled. */
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
interface Timeline {
  readonly required: Operation[]
  readonly optional: Operation[]
  /** The first required operation that is not done. */
  base: number
}

interface Move {
  readonly operation: Operation
  readonly next: StateVector
}

interface Frame {
  readonly state: StateVector
  readonly moves: readonly Move[]
  nextMove: number
}

const MAX_SHOWN_STATES = 4

/** Searches for an order that explains the effects on some keys. */
export function linearize(input: SearchInput): SearchResult {
  return new Search(input).run()
}

class Search {
  readonly #input: SearchInput
  readonly #timelines: readonly Timeline[]
  readonly #states: (KeyState | undefined)[] = [undefined]
  readonly #stateIds = new Map<string, number>()
  readonly #transitions = new Map<KeyEffect, Map<number, readonly number[]>>()
  readonly #tried = new Set<string>()
  #doneCount = 0
  /** Where the search got furthest. */
  #furthest = -1
  #stuck: readonly Effect[] = []
  #stuckStates: StateVector[] = []

  constructor(input: SearchInput) {
    this.#input = input
    this.#timelines = toTimelines(input)
  }

  run(): SearchResult {
    const stack: Frame[] = []
    const path: Operation[] = []
    let state: StateVector = this.#input.initial.map((each) => this.#idOf(each))
    for (;;) {
      const moves = this.#visit(state)
      if (moves === 'end') return { outcome: 'possible' }
      if (this.#tried.size > this.#input.maxStates) return { outcome: 'undecided' }
      stack.push({ state, moves, nextMove: 0 })
      for (;;) {
        const frame = stack.at(-1)
        if (!frame) return this.#impossible()
        const move = frame.moves[frame.nextMove++]
        if (move) {
          this.#mark(move.operation, true)
          path.push(move.operation)
          state = move.next
          break
        }
        stack.pop()
        const last = path.pop()
        if (last) this.#mark(last, false)
      }
    }
  }

  /** Returns the operations that may come next, none if that was tried before. */
  #visit(state: StateVector): readonly Move[] | 'end' {
    const required: Operation[] = []
    const optional: Operation[] = []
    let tried = state.join()
    for (const timeline of this.#timelines) tried += addCandidates(timeline, required, optional)
    if (this.#tried.has(tried)) return []
    this.#tried.add(tried)
    if (required.length === 0 && this.#isEnd(state)) return 'end'
    this.#noteProgress(state, required)
    required.sort((a, b) => a.settled - b.settled)
    const moves: Move[] = []
    for (const operation of required) {
      const nexts = this.#nextStates(operation, state)
      // A read that fits now changes nothing for the others, so it need not wait.
      const same = operation.isRead ? nexts.find((next) => isEqual(next, state)) : undefined
      if (same) return [{ operation, next: same }]
      for (const next of nexts) moves.push({ operation, next })
    }
    for (const operation of optional) {
      if (operation.twin && !operation.twin.isDone) continue
      for (const next of this.#nextStates(operation, state))
        if (!isEqual(next, state)) moves.push({ operation, next })
    }
    return moves
  }

  #isEnd(state: StateVector): boolean {
    return this.#input.contents.every((contents, index) => {
      return this.#apply(contents, state[index] ?? 0).length > 0
    })
  }

  #mark(operation: Operation, isDone: boolean): void {
    operation.isDone = isDone
    if (!operation.effect.isOptional) this.#doneCount += isDone ? 1 : -1
    const { timeline, position } = operation
    if (!isDone) timeline.base = Math.min(timeline.base, position)
  }

  #nextStates({ choices }: Operation, state: StateVector): StateVector[] {
    const { keys } = this.#input
    const found: StateVector[] = []
    for (const effects of choices) {
      let nexts: StateVector[] = [state]
      for (const effect of effects) {
        const index = keys.indexOf(effect.key)
        nexts = nexts.flatMap((each) =>
          this.#apply(effect, each[index] ?? 0).map((id) => each.with(index, id)),
        )
      }
      found.push(...nexts)
    }
    return found
  }

  /** Returns the numbers of the states that an effect may lead to. */
  #apply(effect: KeyEffect, id: number): readonly number[] {
    let known = this.#transitions.get(effect)
    if (!known) this.#transitions.set(effect, (known = new Map()))
    let nexts = known.get(id)
    if (!nexts) {
      const state = this.#states[id]
      // A value with an expiry may have expired.
      const before = state?.expires ? [state, undefined] : [state]
      const after = before.map((each) => effect.apply(each)).filter((each) => each !== false)
      nexts = [...new Set(after.map((each) => this.#idOf(each)))]
      known.set(id, nexts)
    }
    return nexts
  }

  #idOf(state: KeyState | undefined): number {
    if (!state) return 0
    const name = `${state.expires} ${state.text}`
    const known = this.#stateIds.get(name)
    if (known !== undefined) return known
    this.#stateIds.set(name, this.#states.length)
    return this.#states.push(state) - 1
  }

  #noteProgress(state: StateVector, required: readonly Operation[]): void {
    if (this.#doneCount < this.#furthest) return
    if (this.#doneCount > this.#furthest) {
      this.#furthest = this.#doneCount
      this.#stuck = required.map(({ effect }) => effect)
      this.#stuckStates = []
    }
    if (this.#stuckStates.length < MAX_SHOWN_STATES) this.#stuckStates.push(state)
  }

  #impossible(): SearchResult {
    const states = this.#stuckStates.map((state) => state.map((id) => this.#states[id]))
    return { outcome: 'impossible', stuck: this.#stuck, states }
  }
}

/** Adds the operations that may come next. Returns a text for which operations are done. */
function addCandidates(timeline: Timeline, required: Operation[], optional: Operation[]): string {
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

function toTimelines({ effects, keys }: SearchInput): readonly Timeline[] {
  const timelines = new Map<string, Timeline>()
  const twins = new Map<string, Operation>()
  for (const effect of effects.toSorted((a, b) => a.record.called - b.record.called)) {
    const { record, isOptional } = effect
    const choices = effect.choices.map((choice) => choice.filter(({ key }) => keys.includes(key)))
    if (choices.every((choice) => choice.length === 0)) continue
    const { clock, called, settled = Infinity } = record
    const timeline = timelines.get(clock) ?? { required: [], optional: [], base: 0 }
    timelines.set(clock, timeline)
    const name = JSON.stringify([clock, choices])
    const list = isOptional ? timeline.optional : timeline.required
    const operation: Operation = {
      effect,
      called,
      settled: isOptional ? Infinity : settled,
      choices,
      isRead: choices.every((choice) => choice.every((each) => each.isRead)),
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

function isEqual(a: StateVector, b: StateVector): boolean {
  return a.every((id, index) => id === b[index])
}
