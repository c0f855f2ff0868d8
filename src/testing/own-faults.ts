// What faults do to methods with several keys: a part of the call is made.

import type { Method } from '../intercept.ts'
import type { Change, StorageBase } from '../storage.ts'
import type { CreateError, OwnFaults } from './faults.ts'

type Groups = readonly (readonly Change[])[]

/**
 * Returns what faults do to one call in particular.
 *
 * @param storage with bound methods, which have no faults
 */
export function ownFaultsOf(
  kind: string,
  args: readonly unknown[],
  storage: StorageBase,
): OwnFaults | undefined {
  switch (kind) {
    case 'commit':
    case 'perform':
      return { 'in-part': (errorOf) => writePart(kind, args, storage, errorOf) }
    case 'transact':
      return {
        'in-part': (errorOf) => transactPart(args, storage, errorOf),
        twice: () => transactTwice(args, storage),
      }
    case 'getMany':
      return { 'in-part': (errorOf) => readPart(args[0] as string[], storage, errorOf) }
    case 'clear':
      return { 'in-part': (errorOf) => clearPart('', storage, errorOf) }
    case 'clearPrefix':
      return { 'in-part': (errorOf) => clearPart(args[0] as string, storage, errorOf) }
    default:
      return undefined
  }
}

function firstHalf<T>(list: readonly T[]): readonly T[] {
  return list.slice(0, Math.floor(list.length / 2))
}

async function writePart(
  method: 'commit' | 'perform',
  [all, ...options]: readonly unknown[],
  storage: StorageBase,
  errorOf: CreateError,
): Promise<unknown> {
  const groups = all as Groups
  const write = storage[method] as Method
  const applied = firstHalf(groups)
  const [single = []] = groups
  if (groups.length > 1 || single.length < 2 || storage.traits.atomic !== 'none') {
    const results = applied.length === 0 ? [] : ((await write(applied, ...options)) as unknown[])
    const error = errorOf('not-applied')
    return [...results, ...groups.slice(applied.length).map(() => error)]
  }
  await write([firstHalf(single)], ...options)
  return [errorOf('unknown')]
}

async function transactPart(
  [keys, apply, ...options]: readonly unknown[],
  storage: StorageBase,
  errorOf: CreateError,
): Promise<unknown> {
  let notApplied: Groups = []
  const applyPart = (found: unknown): Groups => {
    const groups = (apply as (entries: unknown) => Groups)(found)
    const applied = firstHalf(groups)
    notApplied = groups.slice(applied.length)
    return applied
  }
  const args = [keys, applyPart, ...options]
  const { transact } = storage as unknown as Record<'transact', Method>
  const results = (await transact(...args)) as readonly unknown[]
  const error = errorOf('not-applied')
  return [...results, ...notApplied.map(() => error)]
}

/** Calls the function of a transaction once more, as for an attempt that the backend gave up. */
async function transactTwice(args: readonly unknown[], storage: StorageBase): Promise<unknown> {
  const [keys, apply] = args as [string[], (found: unknown) => unknown]
  apply(await storage.getMany(keys))
  const { transact } = storage as unknown as Record<'transact', Method>
  return transact(...args)
}

async function readPart(
  keys: readonly string[],
  storage: StorageBase,
  errorOf: CreateError,
): Promise<never> {
  await storage.getMany(firstHalf(keys))
  throw errorOf('not-applied')
}

async function clearPart(
  prefix: string,
  storage: StorageBase,
  errorOf: CreateError,
): Promise<never> {
  const keys: string[] = []
  for await (const key of storage.keys({ prefix })) keys.push(key)
  for (const key of firstHalf(keys)) await storage.remove(key)
  throw errorOf(keys.length > 1 ? 'unknown' : 'not-applied')
}
