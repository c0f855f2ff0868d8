import type { ExpiryOptions, WriteOptions } from '../arguments.ts'
import { thenSync } from '../async.ts'
import type { StoreTransaction } from '../transaction.ts'
import type { CallAttempt, KeyRead, KeyWrite } from './call-record.ts'

/** Where the runs of a function are recorded. */
interface AttemptLog {
  readonly attempts: CallAttempt[]
  /** What the function threw. */
  readonly thrown: unknown[]
  copy(value: unknown): unknown
}

/** Wraps the function of `update`. The call itself has the options. */
export function recordUpdater(
  key: string,
  run: (current: unknown) => unknown,
  log: AttemptLog,
): (current: unknown) => unknown {
  return (current) => {
    const read = toState(key, log.copy(current))
    return watchRun(
      log,
      () => run(current),
      (next) => {
        log.attempts.push({ reads: [read], writes: [toState(key, log.copy(next))] })
      },
    )
  }
}

/** Wraps the function of `mutable`, which takes a draft. */
export function recordMutate(
  key: string,
  run: (draft: unknown) => unknown,
  log: AttemptLog,
): (draft: unknown) => unknown {
  return (draft) => {
    const read = toState(key, log.copy(draft))
    return watchRun(
      log,
      () => run(draft),
      () => {
        log.attempts.push({ reads: [read], writes: [toState(key, log.copy(draft))] })
      },
    )
  }
}

/** Wraps the function of `transaction`. */
export function recordTransaction(
  run: (tx: StoreTransaction<Record<string, unknown>>) => unknown,
  log: AttemptLog & { readonly options: unknown },
): (tx: StoreTransaction<Record<string, unknown>>) => unknown {
  return (tx) => {
    const reads = new Map<string, KeyRead>()
    const writes = new Map<string, KeyWrite>()
    const addRead = (read: KeyRead): void => {
      const known = reads.get(read.key)
      // What it wrote itself is nothing that it read. A value says more than its existence.
      const isNews = known === undefined || (known.exists === true && read.value !== undefined)
      if (!writes.has(read.key) && isNews) reads.set(read.key, read)
    }
    const recorded: StoreTransaction<Record<string, unknown>> = {
      get: (key) => {
        const value = tx.get(key)
        addRead(toState(key, log.copy(value)))
        return value
      },
      record: (key) => {
        const record = tx.record(key)
        addRead(toState(key, log.copy(record?.value)))
        return record
      },
      has: (key) => {
        const exists = tx.has(key)
        addRead(exists ? { key, exists } : { key })
        return exists
      },
      set: (key, value, options) => {
        tx.set(key, value, options)
        const expires = setsExpiry(options ?? log.options)
        writes.set(key, { key, value: log.copy(value), expires })
      },
      delete: (key) => {
        tx.delete(key)
        writes.set(key, { key })
      },
    }
    return watchRun(
      log,
      () => run(recorded),
      () => {
        log.attempts.push({ reads: [...reads.values()], writes: [...writes.values()] })
      },
    )
  }
}

/** Whether options give a value an expiry. */
export function setsExpiry(options: unknown): boolean {
  const { ttl, expires } = (options ?? {}) as ExpiryOptions & WriteOptions
  return ttl !== undefined || (expires !== undefined && expires !== null)
}

function toState(key: string, value: unknown): { readonly key: string; readonly value?: unknown } {
  return value === undefined ? { key } : { key, value }
}

function watchRun(
  { thrown }: AttemptLog,
  run: () => unknown,
  onResult: (result: unknown) => void,
): unknown {
  const finish = (result: unknown): unknown => {
    onResult(result)
    return result
  }
  try {
    const running = thenSync(run(), finish)
    if (running instanceof Promise) running.catch((error: unknown) => thrown.push(error))
    return running
  } catch (error) {
    thrown.push(error)
    throw error
  }
}
