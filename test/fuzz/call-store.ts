import type { Store, StoreError } from '../../src/index.ts'
import { type FuzzOperation, keysOf, type ValueKind } from './operations.ts'
import { bitOf, changeLists, valueOf, withId, writtenId } from './values.ts'

/** What updaters can do. */
export interface UpdaterEnvironment {
  nextTask(): Promise<void>
  nest(id: number, ownKeys: readonly string[]): Promise<void>
  report(violation: string): void
}

/** An operation to call. */
export interface OperationCall {
  readonly op: FuzzOperation
  /** Its number, and the id that it writes. */
  readonly id: number
  /** The error that its updater throws. */
  readonly ownError: Error
}

export async function callStore(
  store: Store,
  { op, id: ownId, ownError }: OperationCall,
  environment: UpdaterEnvironment,
): Promise<unknown> {
  switch (op.kind) {
    case 'get':
    case 'has':
    case 'record':
    case 'delete':
    case 'pop':
      return store[op.kind](op.key)
    case 'getMany':
    case 'deleteMany':
      return store[op.kind](op.keys)
    case 'set':
    case 'insert':
    case 'getOrInsert':
      return store[op.kind](op.key, toValue(op.key, op.value, ownId), op.expiry)
    case 'increment': {
      const by = op.value === 'invalid' ? Number.NaN : bitOf(writtenId(op.value, ownId))
      return store.increment(op.key, by, op.expiry)
    }
    case 'append': {
      const item = op.value === 'invalid' ? invalidValue : writtenId(op.value, ownId)
      return store.append(op.key, item, { ...op.expiry, max: op.max })
    }
    case 'touch':
      return store.touch(op.key, op.expiry)
    case 'setMany':
      return store.setMany(op.keys.map((key) => [key, toValue(key, op.value, ownId)] as const))
    case 'size':
      return store.size()
    case 'clear':
      return store.clear({ prefix: op.prefix })
    case 'keys':
      return collect(store.keys(op.options))
    case 'entries':
      return collect(store.entries(op.options))
    default:
  }

  const { action, timing } = op
  const id = writtenId(action, ownId)
  const returnLater = <T>(value: T): T | Promise<T> => {
    if (timing === 'sync') return value
    return (async () => {
      if (timing === 'microtasks') for (let i = 0; i < ownId % 7; i++) await Promise.resolve()
      if (timing === 'task') await environment.nextTask()
      if (timing === 'nested') await environment.nest(ownId, keysOf(op))
      if (action === 'throw') throw ownError
      return value
    })()
  }
  if (op.kind === 'transaction') {
    return store.transaction(op.keys, (tx) => {
      const result = op.keys.map((key) => tx.get(key))
      for (const key of op.keys.slice(0, op.writes)) {
        if (action === 'remove') tx.delete(key)
        else if (action === 'invalid') tx.set(key, invalidValue)
        else tx.set(key, withId(key, tx.get(key), id))
      }
      if (action === 'unnamed') {
        try {
          tx.get('unnamed')
        } catch {
          // The transaction fails all the same.
        }
      }
      if (action === 'throw' && timing === 'sync') throw ownError
      return returnLater(result)
    })
  }
  if (op.kind === 'mutable') {
    const change = (draft: unknown): unknown => {
      if (action === 'throw') {
        if (timing === 'sync') throw ownError
      } else if (Array.isArray(draft)) draft.push(action === 'invalid' ? invalidValue : id)
      return returnLater(undefined)
    }
    return op.initial
      ? store.mutable(op.key, change, [], op.expiry)
      : store.mutable(op.key, change, undefined, op.expiry)
  }
  return store.update(
    op.key,
    (current) => {
      if (op.writesOwnKey) {
        store.set(op.key, [ownId]).then(
          () => environment.report('an updater set its own key'),
          (error: StoreError) => {
            if (error.code !== 'CONFLICT' && error.code !== 'STORE_NOT_OPEN')
              environment.report(`set by an updater: ${error.message}`)
          },
        )
      }
      if (action === 'throw' && timing === 'sync') throw ownError
      if (action === 'remove') return returnLater(undefined)
      if (action === 'invalid') return returnLater(invalidValue)
      const next = withId(op.key, current, id)
      changeLists(current)
      return returnLater(next)
    },
    op.expiry,
  )
}

function invalidValue(): void {}

function toValue(key: string, kind: ValueKind, id: number): unknown {
  return kind === 'invalid' ? invalidValue : valueOf(key, writtenId(kind, id))
}

async function collect<T>(listing: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of listing) all.push(each)
  return all
}
