import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { encode } from '../../../src/codec.ts'
import { type StorageBase, StorageRuntime } from '../../../src/index.ts'
import { replaceNamespace } from '../../../src/admin/write-namespace.ts'
import { type RestoreRequest, type RestoreResult, restorePart } from '../../../src/admin/restore.ts'
import type { BackupEntry } from '../../../src/backup/entry.ts'

type Values = Readonly<Record<string, number>>

/** Memory whose calls are scheduled one by one, without `transact`, like a Durable Object over RPC. */
class SteppedStoragePlugin extends MemoryStoragePlugin {
  step: () => Promise<void> = async () => {}

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const { step } = this
    const commit = storage.commit.bind(storage)
    const getMany = storage.getMany.bind(storage)
    const liveKeys = storage.liveKeys.bind(storage)
    storage.commit = async (groups) => {
      await step()
      return commit(groups)
    }
    storage.getMany = async (keys) => {
      await step()
      return getMany(keys)
    }
    storage.liveKeys = async function* (now, options) {
      await step()
      yield* liveKeys(now, options)
    }
    return Object.assign(storage, { transact: undefined })
  }
}

function toEntries(values: Values): BackupEntry[] {
  return Object.entries(values)
    .map(([key, value]) => ({ namespace: 'N', key, value: encode(value) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

async function held(plugin: MemoryStoragePlugin): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for await (const [key, value] of await new StorageRuntime(plugin).open('N')) found[key] = value
  return found
}

async function filled(values: Values): Promise<SteppedStoragePlugin> {
  const plugin = new SteppedStoragePlugin()
  await (await new StorageRuntime(plugin).open('N')).setMany(values)
  return plugin
}

/** Restores everything in a single part, or continues such a restore. */
function restoreAll(
  plugin: MemoryStoragePlugin,
  values: Values,
  state: RestoreRequest['state'] = { v: 1, mode: 'replace', storage: '', after: null, done: false },
): Promise<RestoreResult> {
  const range = { after: undefined, upTo: undefined }
  const call = { state, entries: toEntries(values), next: null, sha256: '', range }
  return restorePart(new StorageRuntime(plugin), call, { onPlanned: () => {} })
}

const values = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(1, 2), {
  noNullPrototype: true,
})

test.each<[string, (plugin: MemoryStoragePlugin, values: Values) => Promise<unknown>]>([
  [
    'PUTs',
    (plugin, to) =>
      replaceNamespace(new StorageRuntime(plugin), 'N', { entries: toEntries(to) }, () => {}),
  ],
  ['restores in the mode replace', restoreAll],
])(
  'of two %s at once, the entries of one are all there in the end, and nothing that neither sets',
  async (_, replace) => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      values,
      values,
      values,
      async (scheduler, before, one, two) => {
        const plugin = await filled(before)
        plugin.step = () => scheduler.schedule(Promise.resolve())
        await scheduler.waitFor(Promise.all([replace(plugin, one), replace(plugin, two)]))
        const left = await held(Object.assign(plugin, { step: async () => {} }))
        const whole = [one, two].some((set) => Object.keys(set).every((key) => key in left))
        expect([left, whole]).toEqual([expect.anything(), true])
        for (const [key, value] of Object.entries(left)) {
          expect([one[key], two[key]]).toContain(value)
        }
      },
    )
    await fc.assert(property, { numRuns: 1000 })
  },
)

test('a part that is sent again sets the entries again that another restore removed meanwhile', async () => {
  const old = Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`old${n}`, n]))
  const plugin = await filled(old)
  const first = await restoreAll(plugin, { a: 1 })
  expect(first.hasMoreToRemove).toBe(true)
  expect((await restoreAll(plugin, { z: 2 })).done).toBe(true)
  expect(await held(plugin)).toEqual({ z: 2 })
  expect((await restoreAll(plugin, { a: 1 }, first.state)).done).toBe(true)
  expect(await held(plugin)).toEqual({ a: 1 })
})

test('on an eventually consistent storage, entries that a listing lacks are not set again', async () => {
  const plugin = await filled({ old: 1 })
  const open = plugin.open.bind(plugin)
  let writes = 0
  plugin.open = async (namespace) => {
    const storage = await open(namespace)
    const commit = storage.commit.bind(storage)
    return Object.assign(storage, {
      traits: { ...storage.traits, consistency: 'eventual' },
      async *liveKeys() {
        yield 'old'
      },
      commit(groups: Parameters<typeof commit>[0]) {
        writes++
        return commit(groups)
      },
    })
  }
  const runtime = new StorageRuntime(plugin)
  await replaceNamespace(runtime, 'N', { entries: toEntries({ new: 2 }) }, () => {})
  expect(writes).toBe(2)
  expect(await held(plugin)).toEqual({ new: 2 })
})
