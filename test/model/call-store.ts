import { isStoreError, type Store, type StoreTransaction } from '../../src/index.ts'
import type { Outcome } from './model.ts'
import type { Expiry, StoreOperation } from './operations.ts'

/** Calls a store, and resolves to what became of the call. */
export async function callStore(store: Store, op: StoreOperation, now: number): Promise<Outcome> {
  const ownError = new Error('of the function')
  try {
    return { result: await call(store, op, { now, ownError }) }
  } catch (error) {
    return { code: error === ownError ? 'own' : codeOf(error) }
  }
}

/** Returns the code of an error that changed nothing, and the text of any other error. */
export function codeOf(error: unknown): string {
  return isStoreError(error) && error.outcome === 'not-applied' ? error.code : String(error)
}

/** Collects what a listing yields; after `take` items, stops reading. */
export async function collect<T>(listing: AsyncIterable<T>, take = Infinity): Promise<T[]> {
  const items: T[] = []
  if (take === 0) return items
  for await (const item of listing) if (items.push(item) === take) break
  return items
}

async function call(
  store: Store,
  op: StoreOperation,
  { now, ownError }: { readonly now: number; readonly ownError: Error },
): Promise<unknown> {
  const options = (expiry: Expiry | undefined): object | undefined => {
    if (expiry === undefined) return undefined
    const { expiresIn, ...others } = expiry
    if (expiresIn === undefined) return others
    return { ...others, expires: expiresIn === null ? null : now + expiresIn }
  }

  switch (op.kind) {
    case 'size':
      return store.size()
    case 'clear':
      return store.clear({ prefix: op.prefix })
    case 'for await':
      return collect(store, op.take)
    case 'list': {
      const { method, prefix, after, limit, reverse, take } = op
      return collect(
        store[method]({ prefix, after, limit, reverse }) as AsyncIterable<unknown>,
        take,
      )
    }
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
      return store[op.kind](op.key, op.value, options(op.expiry))
    case 'setMany': {
      const pairs = op.entries.map(({ key, value }) => [key, value] as const)
      if (op.form === 'object') return store.setMany(Object.fromEntries(pairs), options(op.expiry))
      if (op.form === 'Map') return store.setMany(new Map(pairs), options(op.expiry))
      const entries = op.entries.map(({ key, value, expiry }) => {
        const own = options(expiry)
        return own ? ([key, value, own] as const) : ([key, value] as const)
      })
      return store.setMany(entries, options(op.expiry))
    }
    case 'increment':
      return store.increment(op.key, op.by, options(op.expiry))
    case 'append':
      return store.append(op.key, op.item, { ...options(op.expiry), max: op.max })
    case 'touch':
      return store.touch(op.key, options(op.expiry) ?? {})
    case 'transaction': {
      const run = (tx: StoreTransaction<Record<string, unknown>>): unknown[] => {
        const results: unknown[] = []
        for (const step of op.steps) {
          if (step.kind === 'set') tx.set(step.key, step.value, options(step.expiry))
          else if (step.kind === 'delete') tx.delete(step.key)
          else results.push(tx[step.kind](step.key))
        }
        if (op.end === 'throw') throw ownError
        if (op.end === 'use-other-key') {
          try {
            tx.get('other')
          } catch {
            // The transaction fails all the same.
          }
        }
        return results
      }
      return store.transaction(
        op.keys,
        op.isAsync ? async (tx) => (await nothing(), run(tx)) : run,
        options(op.expiry),
      )
    }
    default:
  }

  let seen: unknown
  const { key, action } = op
  const run = (value: unknown): unknown => {
    seen = structuredClone(value)
    if (action.does === 'throw') throw ownError
    if (op.kind === 'mutable') {
      if (!Array.isArray(value)) return undefined
      if (action.does === 'replace') value.push(action.value)
      if (action.does === 'return-invalid') value.push(noop)
      if (action.does === 'remove') value.length = 0
      return undefined
    }
    if (action.does === 'replace') return action.value
    if (action.does === 'return-invalid') return noop
    return action.does === 'keep' ? value : undefined
  }
  const updater = op.isAsync ? async (value: unknown) => (await nothing(), run(value)) : run
  const stored =
    op.kind === 'update'
      ? await store.update(key, updater, options(op.expiry))
      : await store.mutable(key, updater, op.initial, options(op.expiry))
  return { stored, seen }
}

async function nothing(): Promise<void> {}

function noop(): void {}
