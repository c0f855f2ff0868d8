import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { conformance } from '../../src/conformance.ts'
import {
  isLive,
  keepStamp,
  runStep,
  type StepChange,
  type StorageBase,
  StorageRuntime,
} from '../../src/index.ts'
import { createEntry } from '../../src/entry.ts'
import { positive } from '../support/schemas.ts'

/** Memory that runs steps itself, as a Durable Object does. */
class PerformingPlugin extends MemoryStoragePlugin {
  readonly steps: StepChange[] = []

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    storage.perform = async (groups, { now = -Infinity } = {}) => {
      const results: unknown[][] = []
      for (const group of groups) {
        const values: unknown[] = []
        for (const change of group) {
          if ('step' in change) values.push(await this.#run(storage, change, now))
          else values.push(void (await storage.commit([[change]])))
        }
        results.push(values)
      }
      return results
    }
    return storage
  }

  async #run(storage: StorageBase, change: StepChange, now: number): Promise<unknown> {
    this.steps.push(change)
    const { key, step, version } = change
    const entry = await storage.get(key)
    const live = entry !== undefined && isLive(entry, now) ? entry : undefined
    const { change: effect, result } = runStep(step, live)
    if (effect === 'remove') await storage.remove(key)
    else if (effect !== undefined) {
      const { value, expires } = effect
      await storage.set(key, createEntry(value, keepStamp(version, live), expires))
    }
    return result
  }
}

test('a backend runs no step of a store with a schema or a version, which it could not check or stamp', async () => {
  const plugin = new PerformingPlugin()
  const runtime = new StorageRuntime(plugin)
  for (const options of [{ version: 2 }, { schema: positive }]) {
    const store = await runtime.open<Record<string, number>>('ns', options)
    await store.insert('k', 1)
    await store.increment('k', 1)
    await store.touch('k', { ttl: 1000 })
    await store.getOrInsert('k', 1)
    await store.pop('k')
  }
  expect(plugin.steps).toEqual([])
  await (await runtime.open('ns', {})).increment('k')
  expect(plugin.steps).toHaveLength(1)
})

test.each(
  conformance({ plugin: () => new PerformingPlugin() }).filter(({ id }) =>
    id.startsWith('schema/'),
  ),
)('$id holds for a backend that runs steps and keeps the stamp', async ({ run }) => {
  expect(await run()).toBeUndefined()
})
