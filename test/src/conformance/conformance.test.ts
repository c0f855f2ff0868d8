import { expect, test } from 'vitest'
import { conformance } from '../../../src/conformance.ts'
import type { StorageBase, Traits } from '../../../src/index.ts'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { runConformance } from '../../support/run-conformance.ts'
import { MinimalStoragePlugin } from '../../support/minimal-plugin.ts'

const plugin = new MinimalStoragePlugin({})
runConformance(
  'Third party, six methods',
  'Node',
  conformance({
    plugin: () => plugin,
    skip: { 'contract/restart': 'the data is in a Map, and gone with its plugin' },
  }),
)

/** Memory that takes little. */
class SmallStoragePlugin extends MemoryStoragePlugin {
  readonly #limits: Partial<Traits>

  constructor(limits: Partial<Traits>) {
    super()
    this.#limits = limits
  }

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    return Object.defineProperty(storage, 'traits', {
      value: { ...storage.traits, ...this.#limits },
    })
  }
}

test.each([
  { maxValueBytes: 400_000, maxKeyBytes: 1024 },
  { maxValueBytes: 65_536, maxKeyBytes: 100 },
  { maxValueBytes: 4096, maxKeyBytes: 4096 },
  { maxValueBytes: 1000, maxKeyBytes: 64 },
])('a correct backend with small limits passes, or is exempt by them: %j', async (limits) => {
  const small = new SmallStoragePlugin(limits)
  const failed: string[] = []
  for (const { id, run } of conformance({ plugin: () => small })) {
    await run().catch((error: unknown) => failed.push(`${id}: ${String(error)}`))
  }
  expect(failed).toEqual([])
})

const cases = (skip?: Record<string, string>): ReturnType<typeof conformance> =>
  conformance({ plugin: () => new MemoryStoragePlugin(), ...(skip ? { skip } : {}) })

test('skip: a case that is skipped is listed and resolves to its reason', async () => {
  const skipped = cases({ 'ttl/absent': 'no clock' }).find(({ id }) => id === 'ttl/absent')
  expect(await skipped?.run()).toBe('no clock')
  expect(cases({ 'ttl/absent': 'no clock' })).toHaveLength(cases().length)
})

test('skip: an unknown id throws, so that skips cannot rot', () => {
  expect(() => cases({ 'ttl/nope': 'reason' })).toThrow(RangeError)
})

test('ids: each is given once and stays what it is, since others skip by it', () => {
  const ids = cases().map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toMatchSnapshot()
})
