import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { type CommitResult, type StorageBase, StorageRuntime } from '../../../src/index.ts'
import { checkHistory } from '../../../src/testing/index.ts'
import { type HistoryRun, runHistory } from '../../histories/run-history.ts'

/** Memory that loses groups of a commit: it answers that they were applied. */
class LossyPlugin extends MemoryStoragePlugin {
  #groups = 0
  readonly #loses: (group: number) => boolean
  lost = 0

  constructor(loses: (group: number) => boolean) {
    super()
    this.#loses = loses
  }

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const commit = storage.commit.bind(storage)
    storage.commit = async (groups, options) => {
      const results: CommitResult[] = []
      for (const group of groups) {
        const isLost = this.#loses(this.#groups++)
        if (isLost) this.lost++
        results.push(...(isLost ? (['applied'] as const) : await commit([group], options)))
      }
      return results
    }
    // Without `transact`, every update is a read and a conditional commit, as over a network.
    Object.defineProperty(storage, 'transact', { value: undefined })
    return storage
  }
}

const UPDATES = ['increment', 'update', 'transfer', 'get'] as const

/** Makes the same calls each time, without timers. */
async function run(plugin: LossyPlugin, seed: number, calls: number): Promise<HistoryRun> {
  const runtimes = Array.from({ length: 4 }, () => new StorageRuntime(plugin))
  return runHistory({
    openStore: (client) => (runtimes[client % 4] as StorageRuntime).open('History'),
    clients: 4,
    calls: calls / 4,
    seed,
    methods: UPDATES,
  })
}

test('a storage that loses one update in a thousand is caught within 2,000 calls', async () => {
  const plugin = new LossyPlugin((group) => group % 1000 === 999)
  const { records, contents } = await run(plugin, 1, 2000)
  expect(plugin.lost).toBe(1)
  const violations = checkHistory(records, contents)
  expect(violations.map(({ kind }) => kind)).toEqual(['impossible'])
})

test('without a lost update, the same calls are possible', async () => {
  const plugin = new LossyPlugin(() => false)
  const { records, contents } = await run(plugin, 1, 2000)
  expect(checkHistory(records, contents)).toEqual([])
})

test('each of 30 storages that lose a single update is caught within 100 calls', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const plugin = new LossyPlugin((group) => group === 10 + seed)
    const { records, contents } = await run(plugin, seed, 100)
    expect(plugin.lost).toBe(1)
    const kinds = checkHistory(records, contents).map(({ kind }) => kind)
    expect(
      kinds.filter((kind) => kind !== 'undecided'),
      `seed ${seed}`,
    ).not.toEqual([])
  }
})
