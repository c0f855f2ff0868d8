import {
  BatchStorageBase,
  type Change,
  type CommitOptions,
  type Entry,
  isLive,
  type KeysOptions,
  type PerformResult,
  type StepChange,
  type CommitResult,
  StoreError,
  type StoreErrorCode,
  type Traits,
} from '../../src/index.ts'
import { never } from '../support/promises.ts'
import { type Fault, isSilent, LATE_MS, type ModelOptions } from './model-options.ts'
import { DAMAGED, KEYS, WRITTEN_TOGETHER } from './operations.ts'
import { StepDraft } from './step-draft.ts'
import type { TaskQueue } from './task-queue.ts'
import { isChanged, isRefused, valueOf, withId } from './values.ts'

/** A kind of call; `list` is every read of the whole namespace. */
export type CallKind = 'getMany' | 'commit' | 'transact' | 'perform' | 'list' | 'clear'

/** A call that the storage received. */
export interface RecordedCall {
  readonly kind: CallKind
  readonly keys: readonly string[]
  /** The changes; of a transaction, those that its function returned last. */
  groups: readonly (readonly (Change | StepChange)[])[]
}

/** Whether a call writes, fails for lack of space, or only calls the function of a transaction. */
type WriteMode = 'write' | 'quota' | 'decide-only'

/** A fault that occurred. */
export interface FiredFault {
  readonly on: Fault['on'] | 'clear'
  readonly code: StoreErrorCode
  /** The keys of the call; absent if it failed before it named the keys that it writes. */
  readonly keys: readonly string[] | undefined
}

/** The effect of one commit on one key. */
export interface Transition {
  readonly key: string
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/**
 * A backend in memory whose calls take time, overtake each other and fail as the options say. It
 * refuses the values of `isRefused`, cannot read `DAMAGED`, and records its calls and its writes.
 */
export class ModelStorage extends BatchStorageBase {
  override readonly traits: Traits
  readonly copiesValues: boolean
  readonly map: Map<string, Entry> = new Map()
  readonly calls: RecordedCall[] = []
  readonly log: Transition[] = []
  readonly firedFaults: FiredFault[] = []
  /** Rules of the contract that a call or a write broke. */
  readonly violations: string[] = []
  /** Delays every call until the returned promise settles. */
  gate: ((call: RecordedCall) => Promise<void>) | undefined
  readonly #options: ModelOptions
  readonly #taskQueue: TaskQueue
  readonly #counts = { read: 0, write: 0, list: 0, turn: 0, close: 0 }
  #foreignWrites = 0
  #closed = false

  constructor(options: ModelOptions, taskQueue: TaskQueue) {
    super()
    this.#options = options
    this.#taskQueue = taskQueue
    this.copiesValues = options.copiesValues
    this.traits = {
      atomic: options.backend === 'none' ? 'none' : 'global',
      durable: true,
      consistency: 'strong',
      batchAcrossTicks: options.batchAcrossTicks,
      maxKeyBytes: Number.POSITIVE_INFINITY,
      maxValueBytes: Number.POSITIVE_INFINITY,
      watch: false,
    }
  }

  /** How many calls of this kind the storage received. */
  count(kind: CallKind): number {
    return this.calls.filter((call) => call.kind === kind).length
  }

  getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#call({ kind: 'getMany', keys, groups: [] }, 'read', () => this.#read(keys))
  }

  commit(
    groups: readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]> {
    const keys = groups.flat().map(({ key }) => key)
    return this.#call({ kind: 'commit', keys, groups }, 'write', (mode) =>
      this.#write(groups, mode, options),
    )
  }

  async *entries(options?: KeysOptions): AsyncIterable<[string, Entry]> {
    yield* await this.#list(options)
  }

  async *liveKeys(now: number, options?: KeysOptions): AsyncIterable<string> {
    for (const [key, entry] of await this.#list(options)) if (isLive(entry, now)) yield key
  }

  async liveLen(now: number): Promise<number> {
    return (await this.#list()).filter(([, entry]) => isLive(entry, now)).length
  }

  clear(): Promise<void> {
    return this.clearPrefix('')
  }

  override clearPrefix(prefix: string): Promise<void> {
    return this.#call({ kind: 'clear', keys: [], groups: [] }, 'write', () => {
      for (const key of this.map.keys()) if (key.startsWith(prefix)) this.#put(key, undefined)
    })
  }

  async close(): Promise<void> {
    if (this.#closed) this.violations.push('the storage was closed twice')
    this.#closed = true
    await this.fallSilent('close')
  }

  /** Waits if the options say that the next call of this kind is silent or late. */
  async fallSilent(on: 'turn' | 'close'): Promise<void> {
    const nth = this.#counts[on]++
    const fault = this.#options.faults.find((each) => each.on === on && each.nth === nth)
    if (fault !== undefined) await (fault.kind === 'late' ? sleep(LATE_MS) : never())
  }

  protected transaction(
    keys: readonly string[],
    apply: (found: Map<string, Entry>) => readonly (readonly Change[])[],
    options?: CommitOptions,
  ): Promise<readonly CommitResult[]> {
    const call: RecordedCall = { kind: 'transact', keys, groups: [] }
    return this.#call(call, 'write', (mode) => {
      if (this.#options.restarts) apply(this.#read(keys))
      const groups = apply(this.#read(keys))
      call.groups = groups
      return this.#write(groups, mode, options)
    })
  }

  protected steps(
    groups: readonly (readonly (Change | StepChange)[])[],
    { now = -Infinity, turn }: CommitOptions = {},
  ): Promise<readonly PerformResult[]> {
    const keys = [...new Set(groups.flat().map(({ key }) => key))]
    return this.#call({ kind: 'perform', keys, groups }, 'write', (mode) => {
      turn?.release()
      return groups.map((changes) => {
        if (mode === 'quota') return new StoreError('QUOTA_EXCEEDED', 'full')
        const draft = new StepDraft(this.map, now)
        try {
          const results = changes.map((change) => draft.apply(change))
          for (const { key, after } of draft.writes) this.#put(key, after)
          this.#checkWrittenTogether()
          return results
        } catch (error) {
          return error as StoreError
        }
      })
    })
  }

  /** Reads at once, or throws. */
  protected readSync(key: string): Entry | undefined {
    const call: RecordedCall = { kind: 'getMany', keys: [key], groups: [] }
    return this.#callSync(call, 'read', () => this.#read([key]).get(key))
  }

  /** Applies one group at once, or throws and applies nothing. */
  protected commitSync(group: readonly Change[], now: number): CommitResult {
    const call: RecordedCall = {
      kind: 'commit',
      keys: group.map(({ key }) => key),
      groups: [group],
    }
    return this.#callSync(call, 'write', (mode) =>
      this.#write([group], mode, { now }),
    )[0] as CommitResult
  }

  /** Reads the entries of a turn, unless they cannot be read. */
  turnEntries(keys: readonly string[]): ReadonlyMap<string, Entry> | undefined {
    return keys.includes(DAMAGED) ? undefined : this.#read(keys)
  }

  #list({ prefix = '', after, reverse = false }: KeysOptions = {}): Promise<[string, Entry][]> {
    return this.#call({ kind: 'list', keys: [], groups: [] }, 'list', () => {
      const keys = [...this.map.keys()].toSorted()
      return (reverse ? keys.toReversed() : keys)
        .filter((key) => key.startsWith(prefix))
        .filter((key) => after === undefined || (reverse ? key < after : key > after))
        .map((key) => [key, structuredClone(this.map.get(key) as Entry)])
    })
  }

  async #call<T>(call: RecordedCall, on: Fault['on'], effect: (mode: WriteMode) => T): Promise<T> {
    const { latencies, faults } = this.#options
    const { wait, takesEffectAtEnd } = latencies[this.calls.length % latencies.length] ?? {
      wait: 0,
      takesEffectAtEnd: false,
    }
    const nth = this.#startCall(call, on)
    const found = faults.find((each) => each.on === on && each.nth === nth)
    // The calls of a synchronous storage have no time limit.
    const fault = this.#options.backend === 'sync' && isSilent(found) ? undefined : found
    const act = (): { result: T } | { error: unknown } => {
      try {
        if (on === 'write') this.#writeForeign(nth, call.keys)
        return { result: this.#callWithFault(call, on, fault, effect) }
      } catch (error) {
        return { error }
      }
    }
    if (isSilent(fault)) {
      this.#recordFault(call, on, 'TIMEOUT')
      if (fault.kind === 'late') await sleep(LATE_MS)
      const answer = fault.kind === 'silent' ? undefined : act()
      if (fault.kind !== 'late' || answer === undefined) return never()
      if ('error' in answer) throw answer.error
      return answer.result
    }
    const early = takesEffectAtEnd ? undefined : act()
    await this.gate?.(call)
    if (wait === 'task') await this.#taskQueue.wait()
    else for (let i = 0; i < wait; i++) await Promise.resolve()
    const answer = early ?? act()
    if ('error' in answer) throw answer.error
    return answer.result
  }

  /** Its failures are not recorded: the queue repeats the call, and no operation may fail for them. */
  #callSync<T>(call: RecordedCall, on: 'read' | 'write', effect: (mode: WriteMode) => T): T {
    const nth = this.#startCall(call, on)
    const fault = this.#options.faults.find((each) => each.on === on && each.nth === nth)
    if (on === 'write') this.#writeForeign(nth, call.keys)
    if (fault === undefined || isSilent(fault)) return effect('write')
    if (fault.kind === 'quota') return effect('quota')
    throw new TypeError('the call failed')
  }

  #startCall(call: RecordedCall, on: Fault['on']): number {
    if (this.#closed) this.violations.push(`${call.kind} was called after close`)
    this.calls.push(call)
    return this.#counts[on]++
  }

  #callWithFault<T>(
    call: RecordedCall,
    on: Fault['on'],
    fault: Fault | undefined,
    effect: (mode: WriteMode) => T,
  ): T {
    if (fault === undefined || isSilent(fault)) return effect('write')
    const { kind } = call
    const recordFault = (code: StoreErrorCode): void => this.#recordFault(call, on, code)
    switch (fault.kind) {
      case 'quota': {
        if (on !== 'write' || kind === 'clear') return effect('write')
        const refused = effect('quota')
        recordFault('QUOTA_EXCEEDED')
        return refused
      }
      case 'lost-answer':
        effect('write')
        recordFault('CONNECTION_LOST')
        throw new StoreError('CONNECTION_LOST', 'the answer was lost')
      case 'lost':
        // A transaction may fail after it has called its function.
        if (kind === 'transact') effect('decide-only')
        recordFault('CONNECTION_LOST')
        throw new StoreError('CONNECTION_LOST', 'the call was lost')
      case 'corrupt':
        recordFault('CORRUPT')
        throw new StoreError('CORRUPT', 'damaged')
      default:
        recordFault('BACKEND_ERROR')
        throw new TypeError('x is not a function')
    }
  }

  #recordFault(call: RecordedCall, on: Fault['on'], code: StoreErrorCode): void {
    const { kind } = call
    if (kind !== 'transact') {
      this.firedFaults.push({ on: kind === 'clear' ? kind : on, code, keys: call.keys })
      return
    }
    // A transaction also reads.
    const written = call.groups.flat().map(({ key }) => key)
    const isUnnamed = written.length === 0
    this.firedFaults.push({
      on: 'read',
      code,
      keys: isUnnamed ? undefined : [...call.keys, ...written],
    })
    this.firedFaults.push({ on, code, keys: isUnnamed ? undefined : written })
  }

  #read(keys: readonly string[]): Map<string, Entry> {
    if (keys.includes(DAMAGED)) throw new StoreError('CORRUPT', 'damaged')
    if (new Set(keys).size < keys.length) this.violations.push('one call reads a key twice')
    const found = new Map<string, Entry>()
    for (const key of keys) {
      const entry = this.map.get(key)
      if (entry !== undefined) found.set(key, structuredClone(entry))
    }
    return found
  }

  #write(
    groups: readonly (readonly Change[])[],
    mode: WriteMode,
    { now = Number.NEGATIVE_INFINITY, turn }: CommitOptions = {},
  ): readonly CommitResult[] {
    if (groups.length > 0) turn?.release()
    if (mode === 'decide-only') return []
    return groups.map((changes) => {
      const isConditional = changes.some(({ ifVersion }) => ifVersion !== undefined)
      if (isConditional && this.traits.atomic === 'none') {
        this.violations.push('a condition for a backend that cannot check it')
      }
      if (mode === 'quota') return new StoreError('QUOTA_EXCEEDED', 'full')
      if (!changes.every((change) => this.#holds(change, now))) return 'conflict'
      const refused = changes.find((change) => 'entry' in change && isRefused(change.entry.value))
      if (refused !== undefined) {
        return new StoreError('TOO_LARGE', 'too large', { key: refused.key })
      }
      for (const change of changes) {
        if ('check' in change) continue
        const entry = 'entry' in change ? change.entry : undefined
        this.#put(change.key, this.copiesValues ? structuredClone(entry) : entry)
      }
      this.#checkWrittenTogether()
      return 'applied'
    })
  }

  #holds({ key, ifVersion }: Change, now: number): boolean {
    if (ifVersion === undefined) return true
    const entry = this.map.get(key)
    const version = entry !== undefined && isLive(entry, now) ? entry.version : null
    return version === ifVersion
  }

  #put(key: string, after: Entry | undefined): void {
    const before = this.map.get(key)
    if (isChanged(after?.value)) this.violations.push(`what a caller changed is stored in "${key}"`)
    if (after === undefined) this.map.delete(key)
    else this.map.set(key, after)
    this.log.push({ key, before, after })
  }

  /** Keys that are only written together must have the same value. */
  #checkWrittenTogether(): void {
    if (this.#options.foreignWrites.length === 0 || this.traits.atomic === 'none') return
    const found = WRITTEN_TOGETHER.map((key) => JSON.stringify(this.map.get(key)?.value))
    if (new Set(found).size > 1)
      this.violations.push(`half of a group was written: ${found.join(' ')}`)
  }

  /** Applies the writes of other clients before the n-th write call. */
  #writeForeign(nth: number, keys: readonly string[]): void {
    for (const { does, which } of this.#options.foreignWrites.filter((each) => each.nth === nth)) {
      const id = -++this.#foreignWrites
      const entry = (value: unknown): Entry => ({ value, version: `foreign ${id}` })
      if (does === 'together') {
        for (const key of WRITTEN_TOGETHER) this.#put(key, entry([id]))
        continue
      }
      // A key that a transaction only reads may be no key of its write call.
      const targets = [...keys, ...KEYS]
      const key = targets[which % targets.length]
      if (key === undefined || WRITTEN_TOGETHER.includes(key)) continue
      const current = this.map.get(key)
      if (does === 'remove') this.#put(key, undefined)
      else if (does === 'replace' || current === undefined) this.#put(key, entry(valueOf(key, id)))
      else this.#put(key, { ...current, ...entry(withId(key, current.value, id)) })
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
