import type { RuntimeOptions } from '../runtime.ts'
import { fail } from './assertions.ts'
import type { AnyStore, TestBackend } from './test-backend.ts'

export const repeat = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))
export const increment = (n: unknown): number => ((n ?? 0) as number) + 1
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms))

/** Stores of one namespace that know nothing of each other, as two requests' or two tabs' do. */
export async function independentStores(
  subject: TestBackend,
  count: number,
  options?: RuntimeOptions,
): Promise<AnyStore[]> {
  const namespace = subject.namespace()
  const separate = subject.traits.atomic === 'global' || subject.traits.atomic === 'origin'
  const stores: AnyStore[] = []
  for (let i = 0; i < count; i++) {
    const plugin = separate ? await subject.restarted() : subject.plugin
    stores.push(await subject.runtime(options, plugin).open(namespace))
  }
  return stores
}

/** The store whose turn it is. */
export function storeAt(stores: readonly AnyStore[], i: number): AnyStore {
  return stores[i % stores.length] ?? fail('no store')
}

/** A store by itself. */
export async function openStore(subject: TestBackend): Promise<AnyStore> {
  const [store] = await independentStores(subject, 1)
  return store ?? fail('no store')
}
