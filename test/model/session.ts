import * as fc from 'fast-check'
import {
  type StoragePluginBase,
  StorageRuntime,
  type Store,
  type StoreValueChange,
  type StoreWatch,
} from '../../src/index.ts'
import { callStore, codeOf, collect } from './call-store.ts'
import { CLIENTS, type Command } from './commands.ts'
import { canExplain, describeContents, type SettledCall, splitReads } from './explain-burst.ts'
import { INVALID_CALLS } from './invalid-calls.ts'
import { applyOperation, type CompareKeys, type ModelEntry, type ModelState } from './model.ts'

/** The backend that a run uses. */
export interface ModelBackend {
  /** Creates a plugin over the same data, as another client has it. */
  readonly createPlugin: CreatePlugin
  /** The order of its listings. */
  readonly compare: CompareKeys
}

export type CreatePlugin = () => StoragePluginBase

type Dictionary = Record<string, unknown>

/** The clients of a namespace that write a key of their own, so that a watch has caught up with all. */
const MARKERS = [
  [
    { client: 0, key: '\uffff0' },
    { client: 2, key: '\uffff2' },
  ],
  [{ client: 3, key: '\uffff3' }],
] as const

/** Runs commands on stores and on the model, and compares the two after each. */
export class ModelSession {
  /** How many calls were made and checked. */
  calls = 0
  readonly #backend: ModelBackend
  readonly #namespaces: readonly string[]
  readonly #states: ModelState[]
  readonly #runtimes: StorageRuntime[] = []
  readonly #stores: Store[] = []
  #watch:
    | { readonly client: number; readonly changes: StoreWatch<StoreValueChange<Dictionary>> }
    | undefined
  readonly #view = new Map<string, ModelEntry>()
  #writeCount = 0
  // Ahead of the platform's clock, which removes what has expired.
  #now = Date.now() + 86_400_000

  /** Opens the stores of all clients, with empty namespaces. */
  static async start(backend: ModelBackend, namespaces: readonly string[]): Promise<ModelSession> {
    const session = new ModelSession(backend, namespaces)
    await session.#start([0, 1])
    for (const client of [0, 3]) await session.#store(client).clear()
    return session
  }

  private constructor(backend: ModelBackend, namespaces: readonly string[]) {
    this.#backend = backend
    this.#namespaces = namespaces
    this.#states = namespaces.map(() => new Map())
  }

  /** Runs a command. Throws if the stores do not behave like the model. */
  async run(command: Command): Promise<void> {
    switch (command.kind) {
      case 'call': {
        const { client, op } = command
        const context = { now: this.#now, compare: this.#backend.compare }
        const { state, outcome } = applyOperation(this.#stateOf(client), op, context)
        this.#setState(client, state)
        this.calls++
        assertEqual(await callStore(this.#store(client), op, this.#now), outcome, command)
        return
      }
      case 'burst':
        return this.#burst(command)
      case 'invalid': {
        const [code, call] = INVALID_CALLS[command.call % INVALID_CALLS.length]!
        this.calls++
        const error: unknown = await call(this.#store(command.client)).catch((reason) => reason)
        assertEqual(codeOf(error), code, call)
        return this.#checkContents(command.client)
      }
      case 'advance':
        this.#now += command.ms
        return
      case 'reopen': {
        const { client } = command
        this.#forgetWatch([client])
        const store = this.#store(client)
        await store.close()
        assertEqual(
          codeOf(await store.get('a').catch((reason) => reason)),
          'STORE_NOT_OPEN',
          command,
        )
        await this.#open(client)
        return
      }
      case 'restart':
        for (const runtime of command.runtimes) await this.#close(runtime)
        if (command.drops && command.runtimes.length === 2) {
          await new StorageRuntime(this.#backend.createPlugin()).drop(this.#namespaces[0]!)
          this.#states[0] = new Map()
        }
        return this.#start(command.runtimes)
      case 'watch':
        this.#startWatch(command.client)
        if (command.reads) await this.#readWatch()
        return
      case 'read-watch':
        return this.#readWatch()
      default:
    }
  }

  /** Compares what a watch has reported and the contents of each namespace, and closes all stores. */
  async end(): Promise<void> {
    await this.#readWatch()
    for (const client of [2, 3]) await this.#checkContents(client)
    await this.close()
  }

  /** Closes all stores. */
  async close(): Promise<void> {
    for (const runtime of this.#runtimes.keys()) await this.#close(runtime)
  }

  async #burst(command: Command & { readonly kind: 'burst' }): Promise<void> {
    const now = this.#now
    this.calls += command.calls.length
    const calls = await Promise.all(
      command.calls.map(async ({ client, op }): Promise<SettledCall> => {
        return { client, op, outcome: await callStore(this.#store(client), op, now) }
      }),
    )
    const contents = new Map(await collect(this.#store(0).records()))
    const context = {
      now,
      compare: this.#backend.compare,
      contents: describeContents(contents, now),
    }
    if (!canExplain(this.#stateOf(0), splitReads(calls), context)) {
      throw new Error(
        `No order of the calls explains ${fc.stringify(calls.map(({ outcome }) => outcome))} and ${context.contents}, from ${describeContents(this.#stateOf(0), now)}`,
      )
    }
    this.#setState(0, contents)
  }

  #startWatch(client: number): void {
    this.#forgetWatch([this.#watch?.client])
    const store = this.#store(client)
    if (!store.traits.watch) return
    this.#view.clear()
    this.#watch = { client, changes: store.watch({ initial: true, values: true }) }
  }

  async #readWatch(): Promise<void> {
    if (this.#watch === undefined) return
    const { client, changes } = this.#watch
    const markers = MARKERS[namespaceOf(client)]!
    // The first write may be reported among the initial keys; the second is reported after them.
    for (let i = 0; i < 2; i++) {
      const value = ++this.#writeCount
      // Changes of one client arrive in order.
      for (const marker of markers) {
        const op = { kind: 'set', key: marker.key, value } as const
        await this.run({ kind: 'call', client: marker.client, op })
      }
      while (markers.some(({ key }) => this.#view.get(key)?.value !== value))
        this.#apply(await changes.next())
    }
    // A change has no version.
    const expected = new Map(
      [...this.#stateOf(client)].map(([key, { value, expires }]) => [key, toEntry(value, expires)]),
    )
    const [reported, stored] = [this.#view, expected].map((each) =>
      describeContents(each, this.#now),
    )
    assertEqual(reported, stored, 'what the watch reported')
  }

  #apply({ done, value: change }: IteratorResult<StoreValueChange<Dictionary>>): void {
    if (done) throw new Error('the watch ended')
    if (change.kind === 'clear') this.#view.clear()
    else if (change.kind === 'remove') this.#view.delete(change.key)
    else {
      const { key, value, expires } = change
      this.#view.set(key, toEntry(value, expires))
    }
  }

  /** Ends the watch if it belongs to one of the clients. */
  #forgetWatch(clients: readonly (number | undefined)[]): void {
    if (this.#watch === undefined || !clients.includes(this.#watch.client)) return
    void this.#watch.changes.return?.()
    this.#watch = undefined
  }

  async #checkContents(client: number): Promise<void> {
    const contents = new Map(await collect(this.#store(client).records()))
    const expected = describeContents(this.#stateOf(client), this.#now)
    assertEqual(describeContents(contents, this.#now), expected, `the contents, client ${client}`)
  }

  async #start(runtimes: readonly number[]): Promise<void> {
    for (const index of runtimes) {
      const options = { now: () => this.#now, allowLostUpdates: true }
      this.#runtimes[index] = new StorageRuntime(this.#backend.createPlugin(), options)
    }
    for (const [client, { runtime }] of CLIENTS.entries())
      if (runtimes.includes(runtime)) await this.#open(client)
  }

  async #open(client: number): Promise<void> {
    const runtime = this.#runtimes[CLIENTS[client]!.runtime]!
    this.#stores[client] = await runtime.open(this.#namespaces[namespaceOf(client)]!)
  }

  async #close(runtime: number): Promise<void> {
    this.#forgetWatch([...CLIENTS.keys()].filter((client) => CLIENTS[client]?.runtime === runtime))
    await this.#runtimes[runtime]?.close()
  }

  #store(client: number): Store {
    return this.#stores[client]!
  }

  #stateOf(client: number): ModelState {
    return this.#states[namespaceOf(client)]!
  }

  #setState(client: number, state: ModelState): void {
    this.#states[namespaceOf(client)] = state
  }
}

function namespaceOf(client: number): number {
  return CLIENTS[client]!.namespace
}

function toEntry(value: unknown, expires: number | undefined): ModelEntry {
  return { value, ...(expires !== undefined && { expires }) }
}

function assertEqual(actual: unknown, expected: unknown, subject: unknown): void {
  const [received, wanted] = [fc.stringify(actual), fc.stringify(expected)]
  if (received !== wanted)
    throw new Error(`${fc.stringify(subject)}: received ${received}, expected ${wanted}`)
}
