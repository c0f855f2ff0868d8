import { afterAll, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { type StorageBase, StorageRuntime, type Store, StoreError } from '../../src/index.ts'
import { checkHistory } from '../../src/testing/index.ts'
import { type CheckedHistory, reportHistories } from './report-histories.ts'
import { createRandom, readContents, runClients, runHistory } from './run-history.ts'

const checked: CheckedHistory[] = []
afterAll(() => reportHistories('Memory, Node', checked))

/** Opens stores of one namespace, with two runtimes by turns. */
function createOpener(): (client: number) => Promise<Store> {
  const plugin = new MemoryStoragePlugin()
  const runtimes = [new StorageRuntime(plugin), new StorageRuntime(plugin)]
  return (client) => (runtimes[client % 2] as StorageRuntime).open('History')
}

test.each([1, 2, 3, 4])(
  'on Memory, the calls of twenty clients are linearizable, seed %i',
  async (seed) => {
    const openStore = createOpener()
    const { records, contents } = await runHistory({ openStore, clients: 20, calls: 25, seed })
    expect(records).toHaveLength(500)
    expect(records.filter(({ outcome }) => outcome !== 'applied')).toEqual([])
    const violations = checkHistory(records, contents)
    checked.push({ records, violations })
    expect(violations).toEqual([])
  },
)

test.each([1, 2])(
  'the calls of several histories, each with its own clock, are checked together, seed %i',
  async (seed) => {
    const openStore = createOpener()
    const records = await Promise.all(
      Array.from({ length: 4 }, (_, index) => {
        return runClients({
          openStore,
          clients: 2,
          calls: 25,
          seed: seed * 10 + index,
          name: `tab ${index}`,
        })
      }),
    )
    const contents = await readContents(await openStore(0))
    const violations = checkHistory(records.flat(), contents)
    checked.push({ records: records.flat(), violations })
    expect(violations).toEqual([])
  },
)

/** Memory over a slow network that loses one commit in ten, or the answer to it. */
class UnreliablePlugin extends MemoryStoragePlugin {
  readonly #random: () => number

  constructor(seed: number) {
    super()
    this.#random = createRandom(seed)
  }

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const commit = storage.commit.bind(storage)
    storage.commit = async (groups, options) => {
      await new Promise((resolve) => setTimeout(resolve, this.#random() * 3))
      const fate = this.#random()
      const lost = new StoreError('CONNECTION_LOST', 'The network is down.')
      if (fate < 0.05) throw lost
      const results = await commit(groups, options)
      if (fate < 0.1) throw lost
      return results
    }
    Object.defineProperty(storage, 'transact', { value: undefined })
    return storage
  }
}

test.each([1, 2, 3])(
  'where calls and answers are lost, each outcome of six clients is true, seed %i',
  async (seed) => {
    const plugin = new UnreliablePlugin(seed)
    const { records, contents } = await runHistory({
      openStore: () => new StorageRuntime(plugin).open('History'),
      clients: 6,
      calls: 50,
      seed,
    })
    const violations = checkHistory(records, contents)
    checked.push({ records, violations })
    expect(violations).toEqual([])
    expect(records.filter(({ outcome }) => outcome === 'unknown')).not.toEqual([])
  },
)
