import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { StorageRuntime } from '../../src/index.ts'
import { checkHistory } from '../../src/testing/index.ts'
import { runHistory } from './run-history.ts'

test.each([2, 3, 5])(
  'on Memory, the calls of twenty clients are linearizable, seed %i',
  async (seed) => {
    const plugin = new MemoryStoragePlugin()
    const runtimes = [new StorageRuntime(plugin), new StorageRuntime(plugin)]
    const { records, contents } = await runHistory({
      openStore: (client) => (runtimes[client % 2] as StorageRuntime).open('History'),
      clients: 20,
      calls: 25,
      seed,
    })
    expect(records).toHaveLength(500)
    expect(checkHistory(records, contents)).toEqual([])
  },
)
