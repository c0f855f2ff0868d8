import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { conformance, type ConformanceCase } from '../../../src/conformance.ts'
import type { StorageBase, Traits } from '../../../src/index.ts'

/** Memory with smaller limits. */
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

function createCases(skip?: Record<string, string>): readonly ConformanceCase[] {
  const plugin = new MemoryStoragePlugin()
  return conformance({ plugin: () => plugin, faults: true, skip })
}

test.each([
  { maxValueBytes: 400_000, maxKeyBytes: 1024 },
  { maxValueBytes: 65_536, maxKeyBytes: 100 },
  { maxValueBytes: 4096, maxKeyBytes: 4096 },
  { maxValueBytes: 1000, maxKeyBytes: 64 },
])('a correct backend with small limits passes every case or is exempt: %j', async (limits) => {
  const small = new SmallStoragePlugin(limits)
  const failures: string[] = []
  for (const { run } of conformance({ plugin: () => small })) {
    await run().catch((error: unknown) => failures.push(String(error)))
  }
  expect(failures).toEqual([])
})

test('a skipped case stays in the list and resolves to its reason', async () => {
  const cases = createCases({ 'expiry/set-many': 'no clock' })
  expect(await cases.find(({ id }) => id === 'expiry/set-many')?.run()).toBe('no clock')
  expect(cases).toHaveLength(createCases().length)
})

test('the cases of faults are there only with the option', () => {
  const faults = createCases().filter(({ id }) => id.startsWith('faults/'))
  expect(faults).toHaveLength(9)
  const plain = conformance({ plugin: () => new MemoryStoragePlugin() })
  expect(plain.filter(({ id }) => id.startsWith('faults/'))).toEqual([])
})

test('skipping an unknown id throws, so that a list of skipped cases stays correct', () => {
  expect(() => createCases({ 'expiry/unknown': 'reason' })).toThrow(RangeError)
})

test('every id is unique and in kebab-case, and ids are kept because users skip cases by them', () => {
  const ids = createCases().map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.filter((id) => !/^[a-z-]+\/[a-z0-9-]+$/.test(id))).toEqual([])
  expect(ids).toMatchSnapshot()
})

test('a failed case names the rule, what was expected and received, and what to do', async () => {
  class NullPlugin extends MemoryStoragePlugin {
    override async open(namespace: string): Promise<StorageBase> {
      const storage = await super.open(namespace)
      storage.get = async () => null as never
      return storage
    }
  }
  const cases = conformance({ plugin: () => new NullPlugin() })
  const failed = cases.find(({ id }) => id === 'storage/get-missing-key')
  await expect(failed?.run()).rejects.toThrow(
    /^storage\/get-missing-key: get\(\) resolves to .*\n {2}get\(\) of a missing key: expected undefined; received null\n {2}What to do: return undefined /,
  )
})
