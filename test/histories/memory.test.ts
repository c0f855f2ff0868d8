import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { StorageRuntime, type Store } from '../../src/index.ts'
import { checkHistory } from '../../src/testing/index.ts'
import { readContents, runClients, runHistory } from './run-history.ts'

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
    expect(checkHistory(records, contents)).toEqual([])
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
    expect(checkHistory(records.flat(), contents)).toEqual([])
  },
)
