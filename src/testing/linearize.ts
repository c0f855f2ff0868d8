// Searches for an order of calls in which each takes effect at one time between its call and its end,
// with the results that were recorded. This is the algorithm of Wing and Gong with Lowe's memory of
// what was tried: the calls done so far and the state of the keys.

import type { Effect } from './call-effects.ts'
import type { KeyEffect, KeyState } from './key-effect.ts'
import { Demand } from './demand.ts'
import {
  addCandidates,
  type Operation,
  type SearchInput,
  type Timeline,
  toTimelines,
} from './timeline.ts'

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

/** What the keys hold: the number of a state for each. */
type StateVector = readonly number[]

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
const MAX_EXPLAINING_STATES = 20_000

/** Searches for an order that explains the effects on some keys. */
export function linearize(input: SearchInput): SearchResult {
  const result = new Search(input, true).run()
  if (result.outcome !== 'impossible') return result
  // Without looking ahead, the search gets closer to the call that cannot be explained.
  const maxStates = Math.min(input.maxStates, MAX_EXPLAINING_STATES)
  const explaining = new Search({ ...input, maxStates }, false)
  explaining.run()
  return explaining.explain()
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
  /** What the operations that are not done need and make; absent: the search does not look ahead. */
  readonly #demand: Demand | undefined

  constructor(input: SearchInput, looksAhead: boolean) {
    this.#input = input
    this.#timelines = toTimelines(input)
    if (looksAhead) this.#demand = new Demand(input, this.#timelines)
  }

  run(): SearchResult {
    const stack: Frame[] = []
    const path: Operation[] = []
    let state: StateVector = this.#input.initial.map((each) => this.#idOf(each))
    const texts = state.map((id) => this.#textOf(id))
    if (this.#demand?.isUnmet(texts) === true) return this.explain()
    for (;;) {
      const moves = this.#visit(state)
      if (moves === 'end') return { outcome: 'possible' }
      if (this.#tried.size > this.#input.maxStates) return { outcome: 'undecided' }
      stack.push({ state, moves, nextMove: 0 })
      for (;;) {
        const frame = stack.at(-1)
        if (!frame) return this.explain()
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
    let tried = this.#demand
      ? state.map((id, index) => this.#equivalent(index, id)).join()
      : state.join()
    for (const timeline of this.#timelines) tried += addCandidates(timeline, required, optional)
    if (this.#tried.has(tried)) return []
    this.#tried.add(tried)
    if (required.length === 0 && this.#isEnd(state)) return 'end'
    required.sort((a, b) => a.settled - b.settled)
    this.#noteProgress(state, required)
    const moves: Move[] = []
    for (const operation of required) {
      const nexts = this.#nextStates(operation, state)
      // A read that fits now changes nothing for the others, so it need not wait.
      const same = operation.isRead && nexts.find((next) => isEqual(next, state))
      if (same) return [{ operation, next: same }]
      for (const next of nexts)
        if (!this.#isDeadEnd(operation, state, next)) moves.push({ operation, next })
    }
    for (const operation of optional) {
      if (operation.twin && !operation.twin.isDone) continue
      for (const next of this.#nextStates(operation, state))
        if (!isEqual(next, state) && !this.#isDeadEnd(operation, state, next))
          moves.push({ operation, next })
    }
    return moves
  }

  /** Whether a move replaces a value that another operation must still see, and that none makes. */
  #isDeadEnd(operation: Operation, state: StateVector, next: StateVector): boolean {
    const demand = this.#demand
    return (
      demand !== undefined &&
      state.some((id, index) => {
        const text = this.#textOf(id)
        return text !== this.#textOf(next[index] ?? 0) && demand.isNeeded(index, text, operation)
      })
    )
  }

  /** Returns the same for states between which no operation that is not done can tell. */
  #equivalent(index: number, id: number): number | string {
    const state = this.#states[id]
    if (!state || this.#demand?.isSeen(index, state.text) !== false) return id
    return state.expires ? 'expires' : 'some'
  }

  #textOf(id: number): string {
    return this.#states[id]?.text ?? ''
  }

  #isEnd(state: StateVector): boolean {
    return this.#input.contents.every((contents, index) => {
      return this.#apply(contents, state[index] ?? 0).length > 0
    })
  }

  #mark(operation: Operation, isDone: boolean): void {
    operation.isDone = isDone
    this.#demand?.add(operation, isDone ? -1 : 1)
    if (operation.effect.isOptional) return
    this.#doneCount += isDone ? 1 : -1
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

  /** Returns where the search got furthest. */
  explain(): SearchResult {
    const states = this.#stuckStates.map((state) => state.map((id) => this.#states[id]))
    return { outcome: 'impossible', stuck: this.#stuck, states }
  }
}

function isEqual(a: StateVector, b: StateVector): boolean {
  return a.every((id, index) => id === b[index])
}
