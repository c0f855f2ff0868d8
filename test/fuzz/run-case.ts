import { setImmediate } from 'node:timers'
import { vi } from 'vitest'
import { StorageRuntime, type Store, type StoreError } from '../../src/index.ts'
import { ModelPlugin, type ModelStorage, type ModelOptions, TurnQueue } from './model-storage.ts'
import {
  type ValueKind,
  writtenId,
  KEYS,
  keysOf,
  type FuzzOperation,
  type Tick,
} from './operations.ts'

// A case ends after some hundred turns. After this many, something retries without end.
const MAX_TURNS = 10_000

/** A generated case: a backend, operations, and everything that is random. */
export interface FuzzCase {
  readonly options: ModelOptions
  readonly ticks: readonly Tick[]
  /** Which of the waiting calls and updaters continues first. */
  readonly order: readonly number[]
  /** The seed of `Math.random`. */
  readonly seed: number
}

/** How a promise settled. */
export type Settlement = { readonly result: unknown } | { readonly error: unknown }

/** An operation that was called, and how its promise settled. */
export interface IssuedOperation {
  readonly op: FuzzOperation
  /** Its number, and the id that it writes. */
  readonly id: number
  readonly tick: number
  /** The time of the call. */
  readonly now: number
  /** The error that its updater throws. */
  readonly ownError: Error
  settlement: Settlement | undefined
  /** How many operations had been called when it settled. */
  until: number
}

export interface FuzzRun {
  readonly issued: readonly IssuedOperation[]
  /** Operations that updaters called on other keys. */
  readonly nested: readonly IssuedOperation[]
  readonly storage: ModelStorage
  /** The time at the end. */
  readonly now: number
  /** Broken rules that do not depend on the operations. */
  readonly violations: readonly string[]
}

/**
 * Calls the operations of a case and waits until nothing is pending. Timers must be vitest's fake
 * ones: when nothing else is pending, the next timer fires.
 */
export async function runCase({ options, ticks, order, seed }: FuzzCase): Promise<FuzzRun> {
  const violations: string[] = []
  const unhandled = (reason: unknown): void => {
    violations.push(`unhandled: ${String(reason)}`)
  }
  // Vitest would end the run without naming the case.
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', unhandled)
  const { random } = Math
  Math.random = seededRandom(seed)
  try {
    return await runWith(new TurnQueue(order), options, ticks, violations)
  } finally {
    Math.random = random
    process.removeListener('unhandledRejection', unhandled)
    for (const listener of others) process.on('unhandledRejection', listener)
  }
}

async function runWith(
  turnQueue: TurnQueue,
  options: ModelOptions,
  ticks: readonly Tick[],
  violations: string[],
): Promise<FuzzRun> {
  const plugin = new ModelPlugin(options, turnQueue)
  let now = 1000
  const runtime = new StorageRuntime(plugin, {
    now: () => now,
    allowLostUpdates: options.backend === 'none',
  })
  const store = await runtime.open('n')
  const issued: IssuedOperation[] = []
  const nested: IssuedOperation[] = []

  const track = (
    list: IssuedOperation[],
    op: FuzzOperation,
    tick: number,
    call: (operation: IssuedOperation) => Promise<unknown>,
  ): void => {
    const id = list === issued ? list.length + 1 : 1000 + list.length
    const ownError = new Error(`thrown by operation ${id}`)
    const one: IssuedOperation = { op, id, tick, now, ownError, settlement: undefined, until: 0 }
    list.push(one)
    const settle = (settlement: Settlement): void => {
      if (one.settlement !== undefined) violations.push(`operation ${id} settled twice`)
      one.settlement = settlement
      one.until = issued.length
    }
    call(one).then(
      (result) => settle({ result }),
      (error: unknown) => settle({ error }),
    )
  }

  const nest = (id: number, ownKey: string): Promise<void> => {
    const key = nestedKey(id, ownKey)
    const op: FuzzOperation =
      id % 2
        ? { kind: 'get', key }
        : { kind: 'update', key, action: 'valid', timing: 'sync', writesOwnKey: false }
    return new Promise((resolve) => {
      track(nested, op, -1, (one) => {
        const result = callStore(store, one, environment)
        result.then(
          () => resolve(),
          () => resolve(),
        )
        return result
      })
    })
  }
  const environment: UpdaterEnvironment = {
    turn: () => turnQueue.wait(),
    nest,
    report: (violation) => violations.push(violation),
  }

  for (const [index, { operations, next, clockAdvanceMs }] of ticks.entries()) {
    for (const op of operations)
      track(issued, op, index, (one) => callStore(store, one, environment))
    if (next === 'settle') {
      await settleAll(turnQueue)
      now += clockAdvanceMs
    } else if (next === 'turn') {
      turnQueue.release()
      await nextTurn()
    } else for (let i = 0; i < 3; i++) await Promise.resolve()
  }
  await settleAll(turnQueue)
  for (const { op, id, settlement } of [...issued, ...nested]) {
    if (settlement === undefined) violations.push(`operation ${id} (${op.kind}) never settles`)
  }
  let closed = false
  store.close().then(
    () => (closed = true),
    (error: unknown) => violations.push(`close: ${String(error)}`),
  )
  await settleAll(turnQueue)
  if (!closed) violations.push('close never settles')
  // `unhandledRejection` comes after the microtasks.
  await nextTurn()
  const { storage } = plugin
  return { issued, nested, storage, now, violations: [...violations, ...storage.violations] }
}

/** Waits until no call, updater or timer is pending. */
async function settleAll(turnQueue: TurnQueue): Promise<void> {
  for (let count = 0; ; count++) {
    if (count > MAX_TURNS) throw new Error('the case does not end')
    await nextTurn()
    if (turnQueue.release()) continue
    if (vi.getTimerCount() === 0) return
    vi.advanceTimersToNextTimer()
  }
}

/** Waits for a turn of the event loop, and so for all microtasks. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** What updaters can do. */
interface UpdaterEnvironment {
  turn(): Promise<void>
  nest(id: number, ownKey: string): Promise<void>
  report(violation: string): void
}

async function callStore(
  store: Store,
  { op, id: ownId, ownError }: IssuedOperation,
  environment: UpdaterEnvironment,
): Promise<unknown> {
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
        toValue(op.value, ownId),
        op.ttl === undefined ? undefined : { ttl: op.ttl },
      )
    case 'getOrInsert':
      return store.getOrInsert(op.key, toValue(op.value, ownId))
    case 'setMany':
      return store.setMany(op.keys.map((key) => [key, toValue(op.value, ownId)] as const))
    case 'size':
    case 'clear':
      return store[op.kind]()
    case 'keys':
      return collect(store.keys())
    case 'entries':
      return collect(store.entries())
    default:
  }

  const { key, action, timing } = op
  const id = writtenId(action, ownId)
  const returnLater = <T>(value: T): T | Promise<T> => {
    if (timing === 'sync') return value
    return (async () => {
      if (timing === 'microtasks') for (let i = 0; i < ownId % 7; i++) await Promise.resolve()
      if (timing === 'turn') await environment.turn()
      if (timing === 'nested') await environment.nest(ownId, key)
      if (action === 'throw') throw ownError
      return value
    })()
  }
  if (op.kind === 'mutable') {
    const change = (draft: unknown): unknown => {
      if (action === 'throw') {
        if (timing === 'sync') throw ownError
      } else (draft as unknown[] | undefined)?.push(action === 'invalid' ? invalidValue : id)
      return returnLater(undefined)
    }
    return op.initial ? store.mutable(key, change, []) : store.mutable(key, change)
  }
  return store.update(key, (current) => {
    if (op.writesOwnKey) {
      store.set(key, [ownId]).then(
        () => environment.report('an updater set its own key'),
        (error: StoreError) => {
          if (error.code !== 'CONFLICT') environment.report(`set by an updater: ${error.message}`)
        },
      )
    }
    if (action === 'throw' && timing === 'sync') throw ownError
    if (action === 'remove') return returnLater(undefined)
    if (action === 'invalid') return returnLater(invalidValue)
    return returnLater([...((current as number[] | undefined) ?? []), id])
  })
}

function invalidValue(): void {}

function toValue(kind: ValueKind, id: number): unknown {
  return kind === 'invalid' ? invalidValue : [writtenId(kind, id)]
}

async function collect<T>(listing: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of listing) all.push(each)
  return all
}

/** Returns a generator of numbers from 0 to 1 (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Whether an operation names this key, or affects every key. */
export function affectsKey(op: FuzzOperation, key: string): boolean {
  return op.kind === 'clear' || keysOf(op).includes(key)
}

/** The key of the operation that a nested updater awaits. It reads the key if `id` is odd. */
export function nestedKey(id: number, ownKey: string): string {
  const others = KEYS.filter((key) => key !== ownKey)
  return others[id % others.length] ?? ownKey
}
