import { StorageRuntime, type Store } from '../../../src/index.ts'
import { ModelPlugin } from '../../fuzz/model-plugin.ts'
import type { ModelOptions } from '../../fuzz/model-options.ts'
import type { CallKind, ModelStorage } from '../../fuzz/model-storage.ts'

export async function open(
  options: Partial<ModelOptions> = {},
): Promise<{ store: Store; storage: ModelStorage }> {
  const plugin = new ModelPlugin(options)
  const store = await new StorageRuntime(plugin).open('n')
  return { store, storage: plugin.storage }
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** The number of calls by kind, without kinds that were not called. */
export function counts({ calls }: ModelStorage): Partial<Record<CallKind, number>> {
  const found: Partial<Record<CallKind, number>> = {}
  for (const { kind } of calls) found[kind] = (found[kind] ?? 0) + 1
  return found
}

/** Waits for microtasks, and not for a task of the event loop. */
export async function microtasks(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve()
}

export const plusOne = (n: unknown): number => (n === undefined ? 1 : (n as number) + 1)
export const never = (): Promise<never> => new Promise(() => {})
export const code = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ value }),
    (error: { code: unknown }) => error.code,
  )
