// Makes random calls by several clients at once, on few keys, and records them for checkHistory. It
// runs in Node, in a page and in a Worker.

import type { Store } from '../../src/index.ts'
import { CallHistory, type CallRecord, ledger, recordOutcomes } from '../../src/testing/index.ts'
import { createRandom } from '../support/random.ts'

export interface HistoryScenario {
  /** Opens a store of the namespace, for a client: its number, from 0. */
  readonly openStore: (client: number) => Promise<Store>
  /** How many clients call at the same time. */
  readonly clients: number
  /** How many calls each client makes. */
  readonly calls: number
  /** The seed of the random calls. */
  readonly seed: number
  /** Begins the names of the clients; different for each page or process. Default: `client`. */
  readonly name?: string
  /** Where the calls are recorded. Default: a new history. */
  readonly history?: CallHistory
  /** The methods to call. Default: all. */
  readonly methods?: readonly CallMethod[]
  /** Called before each call of a client: it may wait, reset an object, or close a connection. */
  readonly chaos?: (random: () => number) => Promise<void> | void
}

export interface HistoryRun {
  readonly records: readonly CallRecord[]
  /** What is stored at the end. */
  readonly contents: readonly (readonly [key: string, value: unknown])[]
}

/** Runs a scenario, and reads the contents when all its calls have settled. */
export async function runHistory(scenario: HistoryScenario): Promise<HistoryRun> {
  const records = await runClients(scenario)
  const store = await scenario.openStore(scenario.clients)
  const contents = await readContents(store)
  await store.close()
  return { records, contents }
}

/** Runs the clients of a scenario only, for one page or process of several. */
export async function runClients(scenario: HistoryScenario): Promise<readonly CallRecord[]> {
  const { clients, history = new CallHistory() } = scenario
  await Promise.all(
    Array.from({ length: clients }, (_, client) => runClient(scenario, client, history)),
  )
  return history.records
}

/** Reads all entries of a store. */
export async function readContents(store: Store): Promise<(readonly [string, unknown])[]> {
  const contents: (readonly [string, unknown])[] = []
  for await (const entry of store.entries()) contents.push(entry)
  return contents
}

async function runClient(
  { openStore, calls, seed, name = 'client', methods = METHODS, chaos }: HistoryScenario,
  client: number,
  history: CallHistory,
): Promise<void> {
  const random = createRandom(seed * 1000 + client)
  const writer = `${name} ${client}`
  const open = async (): Promise<Store> =>
    recordOutcomes(await openStore(client), { client: writer, history }).store
  let store = await open()
  let entries = 0
  let size = 0
  for (let made = 0; made < calls; made += size) {
    await chaos?.(random)
    if (!store.isOpen) store = await open()
    // Some calls of a client are in one tick.
    size = Math.min(random() < 0.3 ? 3 : 1, calls - made)
    const running = Array.from({ length: size }, (_, index) => {
      const method = methods[Math.floor(random() * methods.length)] as CallMethod
      const count = made + index + 1
      const enter = (): ReturnType<typeof ledger> => ledger(writer, ++entries)
      return CALLS[method](store, { id: `${writer}/${count}`, count, enter, random })
    })
    await Promise.allSettled(running)
  }
  if (store.isOpen) await store.close()
}

interface CallContext {
  /** A value that no other call writes. */
  readonly id: string
  /** The number of the call of this client, from 1. */
  readonly count: number
  /** Creates the updater of the client's next entry in the ledger. */
  readonly enter: () => ReturnType<typeof ledger>
  readonly random: () => number
}

const KEYS = ['a', 'b', 'c']
const COUNTERS = ['n', 'm']

function pick(random: () => number, keys: readonly string[]): string {
  return keys[Math.floor(random() * keys.length)] as string
}

async function list(listing: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of listing);
}

const CALLS = {
  get: (store, { random }) => store.get(pick(random, [...KEYS, ...COUNTERS, 'list', 'ledger'])),
  has: (store, { random }) => store.has(pick(random, KEYS)),
  getMany: (store) => store.getMany([...KEYS, ...COUNTERS]),
  set: (store, { random, id }) => store.set(pick(random, KEYS), id),
  delete: (store, { random }) => store.delete(pick(random, KEYS)),
  setMany: (store, { id }) => store.setMany({ a: id, b: id }),
  deleteMany: (store) => store.deleteMany(['b', 'c']),
  insert: (store, { random, id }) => store.insert(pick(random, KEYS), id),
  getOrInsert: (store, { random, id }) => store.getOrInsert(pick(random, KEYS), id),
  increment: (store, { random, count }) => store.increment(pick(random, COUNTERS), count),
  append: (store, { id }) => store.append('list', id, { max: 5 }),
  pop: (store, { random }) => store.pop(pick(random, KEYS)),
  update: (store, { enter }) => store.update('ledger', enter() as never),
  slowUpdate: (store, { random, id }) =>
    store.update(pick(random, KEYS), async (current) => {
      await new Promise((resolve) => setTimeout(resolve, random() * 3))
      return current === undefined ? id : `${id} after ${(current as string).split(' after')[0]}`
    }),
  mutable: (store, { id }) => store.mutable('list', (draft) => (draft as string[]).push(id), []),
  transaction: (store, { id }) =>
    store.transaction(['a', 'b'], (tx) => {
      const before = tx.get('a')
      if (before === undefined) tx.delete('b')
      else tx.set('b', before)
      tx.set('a', id)
    }),
  transfer: (store, { count }) =>
    store.transaction(COUNTERS, (tx) => {
      tx.set('n', ((tx.get('n') as number | undefined) ?? 0) - count)
      tx.set('m', ((tx.get('m') as number | undefined) ?? 0) + count)
    }),
  clear: (store, { random }) => store.clear({ prefix: pick(random, KEYS) }),
  keys: (store) => list(store.keys()),
  entries: (store, { random }) => list(store.entries({ limit: Math.ceil(random() * 9) })),
} satisfies Record<string, (store: Store, context: CallContext) => Promise<unknown>>

/** A kind of call that the scenario can make. */
export type CallMethod = keyof typeof CALLS
export const METHODS: readonly CallMethod[] = Object.keys(CALLS) as CallMethod[]
