import {
  type Change,
  type Entry,
  isLive,
  runStep,
  type StepChange,
  StoreError,
} from '../../src/index.ts'
import { createEntry } from '../../src/entry.ts'
import { DAMAGED } from './operations.ts'
import { isRefused } from './values.ts'

/** Applies the changes of one group in order, on a working copy of the entries. */
export class StepDraft {
  readonly #stored: ReadonlyMap<string, Entry>
  readonly #now: number
  readonly #entries = new Map<string, Entry | undefined>()
  /** What was written, in order. */
  readonly writes: { readonly key: string; readonly after: Entry | undefined }[] = []

  constructor(stored: ReadonlyMap<string, Entry>, now: number) {
    this.#stored = stored
    this.#now = now
  }

  /** Returns the result of a step. @throws StoreError if the change cannot be applied */
  apply(change: Change | StepChange): unknown {
    const { key } = change
    if ('entry' in change) this.#write(key, structuredClone(change.entry))
    else if ('remove' in change) this.#write(key, undefined)
    if (!('step' in change)) return undefined
    const effect = runStep(change.step, this.#read(key))
    if (effect.change === 'remove') this.#write(key, undefined)
    else if (effect.change !== undefined) {
      const { value, expires } = effect.change
      this.#write(key, structuredClone(createEntry(value, change.version, expires)))
    }
    return structuredClone(effect.result)
  }

  #read(key: string): Entry | undefined {
    if (this.#entries.has(key)) return this.#entries.get(key)
    if (key === DAMAGED) throw new StoreError('CORRUPT', 'damaged', { key })
    const entry = this.#stored.get(key)
    return entry !== undefined && isLive(entry, this.#now) ? entry : undefined
  }

  #write(key: string, after: Entry | undefined): void {
    if (after !== undefined && isRefused(after.value))
      throw new StoreError('TOO_LARGE', 'too large', { key })
    this.#entries.set(key, after)
    this.writes.push({ key, after })
  }
}
