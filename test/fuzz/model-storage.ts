import {
  BatchStorageBase,
  type Change,
  type Entry,
  isLive,
  type KeysOptions,
  type Outcome,
  type StorageBase,
  StoragePluginBase,
  StoreError,
  type StoreErrorCode,
  type Traits,
} from '../../src/index.ts'
import { DAMAGED, TOGETHER } from './operations.ts'
import { isRefused } from './sequential-model.ts'

/** What a call to the storage is: `list` stands for every reading of more than named keys. */
export type CallKind = 'getMany' | 'commit' | 'transact' | 'list' | 'clear'

/** How a call is answered: after how much, and whether it takes effect at its start or its end. */
export interface Latency {
  /** Microtasks, or a turn of the event loop. */
  readonly wait: number | 'turn'
  readonly late: boolean
}

/** A call that fails as a whole: the n-th of those that read, write or list. */
export interface Fault {
  readonly on: 'read' | 'write' | 'list'
  readonly nth: number
  readonly kind:
    | 'lost' // nothing was done, and nobody knows
    | 'lost-answer' // it was done, and nobody knows
    | 'quota' // every group is refused
    | 'corrupt' // it stays so
    | 'nonsense' // an error that says nothing
}

/** What a stranger does just before the n-th write of the storage. */
export interface Foreign {
  readonly nth: number
  readonly does: 'append' | 'replace' | 'remove' | 'together'
  /** Which of the keys of the write. */
  readonly which: number
}

/** A backend, as a generated case has it. */
export interface Plan {
  readonly gather: boolean
  readonly backend: 'transact' | 'commit' | 'none'
  readonly latencies: readonly Latency[]
  readonly faults: readonly Fault[]
  readonly foreign: readonly Foreign[]
  /** A transaction asks twice what to write. */
  readonly restarts: boolean
}

export const PROMPT: Plan = {
  gather: true,
  backend: 'commit',
  latencies: [{ wait: 0, late: false }],
  faults: [],
  foreign: [],
  restarts: false,
}

/** A call as the storage saw it. */
export interface Call {
  readonly kind: CallKind
  readonly keys: readonly string[]
  /** What it is to write; of a transaction, what it was told at last. */
  groups: readonly (readonly Change[])[]
}

/** Does a call write, is it refused for want of room, or is it only asked what to write? */
type Mode = 'write' | 'quota' | 'ask'

/** A fault that came to pass. */
export interface Fired {
  readonly on: Fault['on'] | 'clear'
  readonly code: StoreErrorCode
  /** Those of the call; absent where it had not yet come to naming what it writes. */
  readonly keys: readonly string[] | undefined
}

/** What one commit made of one key. */
export interface Transition {
  readonly key: string
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/** Where those wait who go on in a later turn of the event loop. */
export class Turns {
  readonly #waiting: (() => void)[] = []
  readonly #order: readonly number[]
  #count = 0

  /** @param order which of those who wait goes on next, as numbers of any size */
  constructor(order: readonly number[]) {
    this.#order = order
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Lets one of them go on; `false` if there is none. */
  release(): boolean {
    if (this.#waiting.length === 0) return false
    const pick = this.#order[this.#count++ % this.#order.length] ?? 0
    const [next] = this.#waiting.splice(pick % this.#waiting.length, 1)
    next?.()
    return true
  }
}

/**
 * A backend in memory whose calls take as long, overtake each other and fail as a plan says. It
 * refuses what `isRefused` names, cannot read `DAMAGED`, and keeps a log of all it is asked and all
 * that it wrote.
 */
export class ModelStorage extends BatchStorageBase {
  override readonly traits: Traits
  readonly map: Map<string, Entry> = new Map()
  readonly calls: Call[] = []
  readonly log: Transition[] = []
  readonly fired: Fired[] = []
  /** What is wrong with what was written or asked. */
  readonly complaints: string[] = []
  /** Holds up every call, until what it returns settles. */
  gate: ((call: Call) => Promise<void>) | undefined
  readonly #plan: Plan
  readonly #turns: Turns
  readonly #counts = { read: 0, write: 0, list: 0 }
  #strangers = 0
  #closed = false

  constructor(plan: Plan, turns: Turns = new Turns([0])) {
    super()
    this.#plan = plan
    this.#turns = turns
    this.traits = {
      atomic: plan.backend === 'none' ? 'none' : 'global',
      durable: true,
      consistency: 'strong',
      batchAcrossTicks: plan.gather,
      maxKeyBytes: Number.POSITIVE_INFINITY,
      maxValueBytes: Number.POSITIVE_INFINITY,
      watch: false,
    }
  }

  /** How often the storage was asked in this way. */
  count(kind: CallKind): number {
    return this.calls.filter((call) => call.kind === kind).length
  }

  getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#call({ kind: 'getMany', keys, groups: [] }, 'read', () => this.#read(keys))
  }

  commit(groups: readonly (readonly Change[])[]): Promise<readonly Outcome[]> {
    const keys = groups.flat().map(({ key }) => key)
    return this.#call({ kind: 'commit', keys, groups }, 'write', (mode) =>
      this.#write(groups, mode),
    )
  }

  async *entries({ prefix = '' }: KeysOptions = {}): AsyncIterable<[string, Entry]> {
    yield* await this.#list((key) => key.startsWith(prefix))
  }

  async *liveKeys(now: number, { prefix = '' }: KeysOptions = {}): AsyncIterable<string> {
    const found = await this.#list((key, entry) => key.startsWith(prefix) && isLive(entry, now))
    for (const [key] of found) yield key
  }

  async liveLen(now: number): Promise<number> {
    return (await this.#list((_, entry) => isLive(entry, now))).length
  }

  clear(): Promise<void> {
    return this.#call({ kind: 'clear', keys: [], groups: [] }, 'write', () => {
      for (const key of this.map.keys()) this.#put(key, undefined)
    })
  }

  async close(): Promise<void> {
    if (this.#closed) this.complaints.push('it was closed twice')
    this.#closed = true
  }

  protected transaction(
    keys: readonly string[],
    apply: (now: Map<string, Entry>) => readonly (readonly Change[])[],
  ): Promise<readonly Outcome[]> {
    const call: Call = { kind: 'transact', keys, groups: [] }
    return this.#call(call, 'write', (mode) => {
      if (this.#plan.restarts) apply(this.#read(keys))
      call.groups = apply(this.#read(keys))
      return this.#write(call.groups, mode)
    })
  }

  #list(shown: (key: string, entry: Entry) => boolean): Promise<[string, Entry][]> {
    return this.#call({ kind: 'list', keys: [], groups: [] }, 'list', () =>
      [...this.map]
        .filter(([key, entry]) => shown(key, entry))
        .map(([key, entry]) => [key, structuredClone(entry)]),
    )
  }

  async #call<T>(call: Call, on: Fault['on'], effect: (mode: Mode) => T): Promise<T> {
    if (this.#closed) this.complaints.push(`a ${call.kind} came after it was closed`)
    const nth = this.#counts[on]++
    const { latencies, faults } = this.#plan
    const { wait, late } = latencies[this.calls.length % latencies.length] ?? {
      wait: 0,
      late: false,
    }
    this.calls.push(call)
    const fault = faults.find((each) => each.on === on && each.nth === nth)
    const act = (): { result: T } | { error: unknown } => {
      try {
        if (on === 'write') this.#meddle(nth, call.keys)
        return { result: this.#perform(call, on, fault, effect) }
      } catch (error) {
        return { error }
      }
    }
    const early = late ? undefined : act()
    await this.gate?.(call)
    if (wait === 'turn') await this.#turns.wait()
    else for (let i = 0; i < wait; i++) await Promise.resolve()
    const answer = early ?? act()
    if ('error' in answer) throw answer.error
    return answer.result
  }

  #perform<T>(call: Call, on: Fault['on'], fault: Fault | undefined, effect: (mode: Mode) => T): T {
    if (fault === undefined) return effect('write')
    const { kind } = call
    const fired = (code: StoreErrorCode): void => {
      if (kind !== 'transact') {
        this.fired.push({ on: kind === 'clear' ? kind : on, code, keys: call.keys })
        return
      }
      // A transaction is a read as well.
      const written = call.groups.flat().map(({ key }) => key)
      const unnamed = written.length === 0
      this.fired.push({ on: 'read', code, keys: unnamed ? undefined : [...call.keys, ...written] })
      this.fired.push({ on, code, keys: unnamed ? undefined : written })
    }
    switch (fault.kind) {
      case 'quota': {
        if (on !== 'write' || kind === 'clear') return effect('write')
        const refused = effect('quota')
        fired('QUOTA_EXCEEDED')
        return refused
      }
      case 'lost-answer':
        effect('write')
        fired('CONNECTION_LOST')
        throw new StoreError('CONNECTION_LOST', 'The answer was lost.')
      case 'lost':
        // A transaction may be lost when it has asked what to write.
        if (kind === 'transact') effect('ask')
        fired('CONNECTION_LOST')
        throw new StoreError('CONNECTION_LOST', 'The question was lost.')
      case 'corrupt':
        fired('CORRUPT')
        throw new StoreError('CORRUPT', 'It cannot be read.')
      default:
        fired('BACKEND_ERROR')
        throw new TypeError('x is not a function')
    }
  }

  #read(keys: readonly string[]): Map<string, Entry> {
    if (keys.includes(DAMAGED)) throw new StoreError('CORRUPT', 'It cannot be read.')
    if (new Set(keys).size < keys.length) this.complaints.push('a key is read twice in one call')
    const found = new Map<string, Entry>()
    for (const key of keys) {
      const entry = this.map.get(key)
      if (entry !== undefined) found.set(key, structuredClone(entry))
    }
    return found
  }

  #write(groups: readonly (readonly Change[])[], mode: Mode): readonly Outcome[] {
    if (mode === 'ask') return []
    return groups.map((changes) => {
      const conditional = changes.some(({ ifVersion }) => ifVersion !== undefined)
      if (conditional && this.traits.atomic === 'none') {
        this.complaints.push('a condition where there are none')
      }
      if (mode === 'quota') return new StoreError('QUOTA_EXCEEDED', 'It is full.')
      if (!changes.every((change) => this.#holds(change))) return 'conflict'
      const refused = changes.find((change) => 'entry' in change && isRefused(change.entry.value))
      if (refused !== undefined) {
        return new StoreError('TOO_LARGE', 'It is too large.', { key: refused.key })
      }
      for (const change of changes) {
        this.#put(change.key, 'entry' in change ? structuredClone(change.entry) : undefined)
      }
      this.#look()
      return 'applied'
    })
  }

  #holds({ key, ifVersion }: Change): boolean {
    return ifVersion === undefined || (this.map.get(key)?.version ?? null) === ifVersion
  }

  #put(key: string, after: Entry | undefined): void {
    const before = this.map.get(key)
    if (after === undefined) this.map.delete(key)
    else this.map.set(key, after)
    this.log.push({ key, before, after })
  }

  /** What is only ever written together must be seen together. */
  #look(): void {
    if (this.#plan.foreign.length === 0 || this.traits.atomic === 'none') return
    const found = TOGETHER.map((key) => JSON.stringify(this.map.get(key)?.value))
    if (new Set(found).size > 1) this.complaints.push(`half a group is there: ${found.join(' ')}`)
  }

  /** What a stranger does who comes in between. */
  #meddle(nth: number, keys: readonly string[]): void {
    for (const { does, which } of this.#plan.foreign.filter((each) => each.nth === nth)) {
      const id = -++this.#strangers
      const entry = (value: number[]): Entry => ({ value, version: `stranger ${id}` })
      if (does === 'together') {
        for (const key of TOGETHER) this.#put(key, entry([id]))
        continue
      }
      const key = keys[which % keys.length]
      if (key === undefined || TOGETHER.includes(key)) continue
      const there = this.map.get(key)
      if (does === 'remove') this.#put(key, undefined)
      else if (does === 'replace' || there === undefined) this.#put(key, entry([id]))
      else this.#put(key, { ...there, ...entry([...(there.value as number[]), id]) })
    }
  }
}

/** The same with transactions in which a function can decide. */
export class TransactingModelStorage extends ModelStorage {
  transact(
    keys: readonly string[],
    apply: (now: Map<string, Entry>) => readonly (readonly Change[])[],
  ): Promise<readonly Outcome[]> {
    return this.transaction(keys, apply)
  }
}

/** A plugin of one storage, which stays at hand. */
export class ModelPlugin extends StoragePluginBase {
  readonly storage: ModelStorage

  constructor(plan: Partial<Plan> = {}, turns?: Turns) {
    super({})
    const whole = { ...PROMPT, ...plan }
    this.storage =
      whole.backend === 'transact'
        ? new TransactingModelStorage(whole, turns)
        : new ModelStorage(whole, turns)
  }

  async open(): Promise<StorageBase> {
    return this.storage
  }
}
