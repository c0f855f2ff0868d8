import { setImmediate } from 'node:timers'
import { vi } from 'vitest'
import { StorageRuntime, type Store, type StoreError } from '../../src/index.ts'
import { ModelPlugin, type ModelStorage, type Plan, Turns } from './model-storage.ts'
import { type Given, idOf, KEYS, keysOf, type Op, type Tick } from './operations.ts'

// A case is through after some hundred; something is tried again without end after so many.
const MOST_TURNS = 10_000

/** A generated case: a backend, what is done with it, and all that is left to chance. */
export interface Case {
  readonly plan: Plan
  readonly ticks: readonly Tick[]
  /** Which of the answers that wait for a turn comes first. */
  readonly order: readonly number[]
  /** What `Math.random` begins with. */
  readonly seed: number
}

/** What became of an operation. */
export type Settled = { readonly result: unknown } | { readonly error: unknown }

/** An operation that was made, and what came of it. */
export interface Made {
  readonly op: Op
  /** Its number, and what it adds to a value. */
  readonly id: number
  readonly tick: number
  /** The time when it was made. */
  readonly now: number
  /** What its function throws. */
  readonly own: Error
  settled: Settled | undefined
  /** How many operations had been made when it settled. */
  until: number
}

export interface Run {
  readonly made: readonly Made[]
  /** What functions did with other keys. */
  readonly nested: readonly Made[]
  readonly storage: ModelStorage
  /** The time at the end. */
  readonly now: number
  /** What went wrong, whatever the operations were. */
  readonly complaints: readonly string[]
}

/**
 * Makes the operations of a case and waits until nothing more happens. Timers are virtual (they are
 * to be vitest's fake ones): when nothing else is under way the next one is due.
 */
export async function play({ plan, ticks, order, seed }: Case): Promise<Run> {
  const complaints: string[] = []
  const unhandled = (reason: unknown): void => {
    complaints.push(`unhandled: ${String(reason)}`)
  }
  // The runner would end the run with it, and not say which case it was.
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', unhandled)
  const { random } = Math
  Math.random = numbers(seed)
  try {
    return await playWith(new Turns(order), plan, ticks, complaints)
  } finally {
    Math.random = random
    process.removeListener('unhandledRejection', unhandled)
    for (const listener of others) process.on('unhandledRejection', listener)
  }
}

async function playWith(
  turns: Turns,
  plan: Plan,
  ticks: readonly Tick[],
  complaints: string[],
): Promise<Run> {
  const plugin = new ModelPlugin(plan, turns)
  let now = 1000
  const runtime = new StorageRuntime(plugin, {
    now: () => now,
    allowLostUpdates: plan.backend === 'none',
  })
  const store = await runtime.open('n')
  const made: Made[] = []
  const nested: Made[] = []

  const track = (
    list: Made[],
    op: Op,
    tick: number,
    make: (made: Made) => Promise<unknown>,
  ): void => {
    const id = list === made ? list.length + 1 : 1000 + list.length
    const own = new Error(`of operation ${id}`)
    const one: Made = { op, id, tick, now, own, settled: undefined, until: 0 }
    list.push(one)
    const settle = (settled: Settled): void => {
      if (one.settled !== undefined) complaints.push(`operation ${id} settled twice`)
      one.settled = settled
      one.until = made.length
    }
    make(one).then(
      (result) => settle({ result }),
      (error: unknown) => settle({ error }),
    )
  }

  const nest = (id: number, own: string): Promise<void> => {
    const others = KEYS.filter((key) => key !== own)
    const key = others[id % others.length] ?? own
    const op: Op =
      id % 2
        ? { kind: 'get', key }
        : { kind: 'update', key, deed: 'good', manner: 'sync', meddles: false }
    return new Promise((resolve) => {
      track(nested, op, -1, (one) => {
        const result = issue(store, one, around)
        result.then(
          () => resolve(),
          () => resolve(),
        )
        return result
      })
    })
  }
  const around: Around = {
    turn: () => turns.wait(),
    nest,
    complain: (what) => complaints.push(what),
  }

  for (const [index, { ops, next, passes }] of ticks.entries()) {
    for (const op of ops) track(made, op, index, (one) => issue(store, one, around))
    if (next === 'settle') {
      await quiet(turns)
      now += passes
    } else if (next === 'turn') {
      turns.release()
      await turn()
    } else for (let i = 0; i < 3; i++) await Promise.resolve()
  }
  await quiet(turns)
  for (const { op, id, settled } of [...made, ...nested]) {
    if (settled === undefined) complaints.push(`operation ${id} (${op.kind}) never settles`)
  }
  let closed = false
  store.close().then(
    () => (closed = true),
    (error: unknown) => complaints.push(`close: ${String(error)}`),
  )
  await quiet(turns)
  if (!closed) complaints.push('close never settles')
  // The event comes after the microtasks in which nobody took the rejection.
  await turn()
  const { storage } = plugin
  return { made, nested, storage, now, complaints: [...complaints, ...storage.complaints] }
}

/** Waits until nothing more happens by itself: no answer, no timer is under way. */
async function quiet(turns: Turns): Promise<void> {
  for (let count = 0; ; count++) {
    if (count > MOST_TURNS) throw new Error('It does not come to rest.')
    await turn()
    if (turns.release()) continue
    if (vi.getTimerCount() === 0) return
    vi.advanceTimersToNextTimer()
  }
}

/** A turn of the event loop, by which all microtasks are done. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** What functions have around them. */
interface Around {
  turn(): Promise<void>
  nest(id: number, own: string): Promise<void>
  complain(what: string): void
}

async function issue(store: Store, { op, id: plain, own }: Made, around: Around): Promise<unknown> {
  switch (op.kind) {
    case 'get':
    case 'has':
    case 'record':
    case 'delete':
    case 'pop':
      return store[op.kind](op.key)
    case 'set':
      return store.set(
        op.key,
        given(op.given, plain),
        op.ttl === undefined ? undefined : { ttl: op.ttl },
      )
    case 'getOrInsert':
      return store.getOrInsert(op.key, given(op.given, plain))
    case 'setMany':
      return store.setMany(op.keys.map((key) => [key, given(op.given, plain)] as const))
    case 'size':
    case 'clear':
      return store[op.kind]()
    case 'keys':
      return collect(store.keys())
    case 'entries':
      return collect(store.entries())
    default:
  }

  const { key, deed, manner } = op
  const id = idOf(deed, plain)
  const deliver = <T>(value: T): T | Promise<T> => {
    if (manner === 'sync') return value
    return (async () => {
      if (manner === 'microtasks') for (let i = 0; i < plain % 7; i++) await Promise.resolve()
      if (manner === 'turn') await around.turn()
      if (manner === 'nested') await around.nest(plain, key)
      if (deed === 'throw') throw own
      return value
    })()
  }
  if (op.kind === 'mutable') {
    const change = (draft: unknown): unknown => {
      if (deed === 'throw') {
        if (manner === 'sync') throw own
      } else (draft as unknown[] | undefined)?.push(deed === 'bad' ? bad : id)
      return deliver(undefined)
    }
    return op.initial ? store.mutable(key, change, []) : store.mutable(key, change)
  }
  return store.update(key, (current) => {
    if (op.meddles) {
      store.set(key, [plain]).then(
        () => around.complain('a function set the key it decides on'),
        (error: StoreError) => {
          if (error.code !== 'CONFLICT') around.complain(`meddling: ${error.message}`)
        },
      )
    }
    if (deed === 'throw' && manner === 'sync') throw own
    if (deed === 'remove') return deliver(undefined)
    if (deed === 'bad') return deliver(bad)
    return deliver([...((current as number[] | undefined) ?? []), id])
  })
}

function bad(): void {}

function given(what: Given, id: number): unknown {
  return what === 'bad' ? bad : [idOf(what, id)]
}

async function collect<T>(listing: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of listing) all.push(each)
  return all
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Does an operation name this key, or all of them? */
export function concerns(op: Op, key: string): boolean {
  return op.kind === 'clear' || keysOf(op).includes(key)
}
