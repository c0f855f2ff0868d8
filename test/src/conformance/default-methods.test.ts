import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { conformance } from '../../../src/conformance.ts'
import {
  BatchStorageBase,
  type KeysOptions,
  LocalTurns,
  type StorageBase,
  StoragePluginBase,
} from '../../../src/index.ts'
import { runConformance } from '../../support/run-conformance.ts'
import { MinimalStoragePlugin } from '../../support/minimal-plugin.ts'

/** Six methods, whose `keys` lists in no order and takes the options at their word. */
class UnorderedPlugin extends MinimalStoragePlugin {
  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const keys = storage.keys.bind(storage)
    storage.keys = async function* unordered({ prefix, after, limit, reverse }: KeysOptions = {}) {
      const listed: string[] = []
      for await (const key of keys({ prefix })) listed.push(key)
      const start = after === undefined ? 0 : listed.indexOf(after) + 1
      const rest = (reverse ? listed.toReversed() : listed).slice(start)
      yield* rest.slice(0, limit)
    }
    return storage
  }
}

/** A batch storage written before `clearPrefix` and `drop` existed. */
class EarlierPlugin extends StoragePluginBase {
  readonly #memory = new MemoryStoragePlugin()
  readonly commitSizes: number[] = []

  constructor() {
    super({})
  }

  async open(namespace: string): Promise<StorageBase> {
    const storage = await this.#memory.open(namespace)
    const commit = storage.commit.bind(storage)
    storage.commit = (groups) => {
      this.commitSizes.push(groups.length)
      return commit(groups)
    }
    storage.clearPrefix = (prefix) => BatchStorageBase.prototype.clearPrefix.call(storage, prefix)
    return storage
  }
}

const unordered = new UnorderedPlugin({})
const earlier = new EarlierPlugin()
const isAboutDefaults = /^listing|clear|drop/
const plugins = { 'Third party, unordered': unordered, 'Third party, earlier': earlier }
for (const [name, plugin] of Object.entries(plugins)) {
  const cases = conformance({ plugin: () => plugin })
  runConformance(
    name,
    'Node',
    cases.filter(({ id }) => isAboutDefaults.test(id)),
  )
}

describe('the default methods', () => {
  test('commit() ends its turn', async () => {
    const turns = new LocalTurns()
    const turn = await turns.request(['k'], 1000)
    const storage = await new MinimalStoragePlugin({}).open('n')
    await storage.commit([[{ key: 'k', remove: true }]], { turn })
    expect(turns.isContended('k')).toBe(false)
  })

  test('clearPrefix() removes at most a thousand keys in one commit, and rejects if one fails', async () => {
    const plugin = new EarlierPlugin()
    const storage = await plugin.open('n')
    const keys = Array.from({ length: 1500 }, (_, i) => `k${i}`)
    await storage.commit(keys.map((key) => [{ key, entry: { value: 1, version: 'v' }, bytes: 2 }]))
    plugin.commitSizes.length = 0
    await storage.clearPrefix('k')
    expect(plugin.commitSizes).toEqual([1000, 500])
    expect(await storage.len()).toBe(0)
    await storage.set('k', { value: 1, version: 'v' })
    storage.commit = async () => [new Error('no space') as never]
    await expect(storage.clearPrefix('k')).rejects.toThrow('no space')
  })
})
