import { setImmediate } from 'node:timers'
import { vi } from 'vitest'
import { isStoreError, StorageRuntime } from '../../src/index.ts'
import { createRandom } from '../support/random.ts'
import { callStore, type OperationCall, type UpdaterEnvironment } from './call-store.ts'
import { ModelPlugin } from './model-plugin.ts'
import { type ModelOptions, TIME_LIMIT_MS } from './model-options.ts'
import type { ModelStorage } from './model-storage.ts'
import { KEYS, type FuzzOperation, type Tick } from './operations.ts'
import { TaskQueue } from './task-queue.ts'
import { isChanged, NESTED, takeResult } from './values.ts'

// A case ends after some hundred tasks. After this many, something retries without end.
const MAX_TASKS = 10_000

/** A generated case: a backend, operations, and everything that is random. */
export interface FuzzCase {
  readonly options: ModelOptions
  readonly ticks: readonly Tick[]
  /** Which of the waiting calls and updaters continues first. */
  readonly order: readonly number[]
  /** The seed of `Math.random`. */
  readonly seed: number
  /** Whether calls have a short time limit. */
  readonly isTimeLimited?: boolean
  /** Whether the store is closed before the operations of the last tick have settled. */
  readonly closesEarly?: boolean
}

/** How a promise settled. */
export type Settlement = { readonly result: unknown } | { readonly error: unknown }

/** An operation that was called, and how its promise settled. */
export interface IssuedOperation extends OperationCall {
  readonly tick: number
  /** The time of the call. */
  readonly now: number
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
  readonly closesEarly: boolean
  /** Broken rules that do not depend on the operations. */
  readonly violations: readonly string[]
}

/**
 * Calls the operations of a case and waits until nothing is pending. Timers must be vitest's fake
 * ones: when nothing else is pending, the next timer fires.
 */
export async function runCase(fuzzCase: FuzzCase): Promise<FuzzRun> {
  const violations: string[] = []
  const unhandled = (reason: unknown): void => {
    violations.push(`unhandled: ${String(reason)}`)
  }
  // Vitest would end the run without naming the case.
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', unhandled)
  const { random } = Math
  Math.random = createRandom(fuzzCase.seed)
  try {
    return await runWith(new TaskQueue(fuzzCase.order), fuzzCase, violations)
  } finally {
    Math.random = random
    process.removeListener('unhandledRejection', unhandled)
    for (const listener of others) process.on('unhandledRejection', listener)
  }
}

async function runWith(
  taskQueue: TaskQueue,
  { options, ticks, isTimeLimited = false, closesEarly = false }: FuzzCase,
  violations: string[],
): Promise<FuzzRun> {
  const plugin = new ModelPlugin(options, taskQueue)
  let now = 1000
  const runtime = new StorageRuntime(plugin, {
    now: () => now,
    allowLostUpdates: options.backend === 'none',
    ...(isTimeLimited && { operationTimeout: TIME_LIMIT_MS }),
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
    const id = list === issued ? list.length + 1 : NESTED + list.length
    const ownError = new Error(`thrown by operation ${id}`)
    const one: IssuedOperation = { op, id, tick, now, ownError, settlement: undefined, until: 0 }
    list.push(one)
    const settle = (settlement: Settlement): void => {
      if (one.settlement !== undefined) violations.push(`operation ${id} settled twice`)
      one.settlement = settlement
      one.until = issued.length
    }
    call(one).then(
      (result) => settle({ result: takeResult(result) }),
      (error: unknown) => settle({ error }),
    )
  }

  const nest = (id: number, ownKeys: readonly string[]): Promise<void> => {
    const key = nestedKey(id, ownKeys)
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
    nextTask: () => taskQueue.wait(),
    nest,
    report: (violation) => violations.push(violation),
  }

  for (const [index, { operations, next, clockAdvanceMs }] of ticks.entries()) {
    for (const op of operations)
      track(issued, op, index, (one) => callStore(store, one, environment))
    if (next === 'settle') {
      await settleAll(taskQueue)
      now += clockAdvanceMs
    } else if (next === 'task') {
      taskQueue.release()
      await nextTask()
    } else for (let i = 0; i < 3; i++) await Promise.resolve()
  }
  const checkSettled = (): void => {
    for (const { op, id, settlement } of [...issued, ...nested]) {
      if (settlement === undefined) violations.push(`operation ${id} (${op.kind}) never settles`)
    }
  }
  if (!closesEarly) {
    await settleAll(taskQueue)
    checkSettled()
  }
  const isCloseSilent = options.faults.some(({ on, nth }) => on === 'close' && nth === 0)
  let closed = false
  store.close().then(
    () => (closed = true),
    (error: unknown) => {
      closed = true
      const isTimeout = isStoreError(error) && error.code === 'TIMEOUT'
      if (!isTimeout || !isCloseSilent) violations.push(`close: ${String(error)}`)
    },
  )
  await settleAll(taskQueue)
  if (!closed) violations.push('close never settles')
  if (closesEarly) checkSettled()
  // `unhandledRejection` comes after the microtasks.
  await nextTask()
  const { storage } = plugin
  for (const [key, { value }] of storage.map) {
    if (isChanged(value)) violations.push(`what a caller changed is stored in "${key}"`)
  }
  return {
    issued,
    nested,
    storage,
    now,
    closesEarly,
    violations: [...violations, ...storage.violations],
  }
}

/** Waits until no call, updater or timer is pending. */
async function settleAll(taskQueue: TaskQueue): Promise<void> {
  for (let count = 0; ; count++) {
    if (count > MAX_TASKS) throw new Error('the case does not end')
    await nextTask()
    if (taskQueue.release()) continue
    if (vi.getTimerCount() === 0) return
    vi.advanceTimersToNextTimer()
  }
}

/** Waits for a task of the event loop, and so for all microtasks. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The key of the operation that a nested updater awaits. It reads the key if `id` is odd. */
function nestedKey(id: number, ownKeys: readonly string[]): string {
  const others = KEYS.filter((key) => !ownKeys.includes(key))
  return others[id % others.length] ?? 'nested'
}
