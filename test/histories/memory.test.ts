import { afterAll, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { StorageRuntime, type Store } from '../../src/index.ts'
import { checkHistory, faulty, type FaultyPlugin } from '../../src/testing/index.ts'
import { BrokenPlugin, removeTransact } from '../src/conformance/broken/broken-plugin.ts'
import { createRandom } from '../support/random.ts'
import { type CheckedHistory, reportHistories } from './report-histories.ts'
import { readContents, runClients, runHistory } from './run-history.ts'

const checked: CheckedHistory[] = []
afterAll(() => reportHistories('Memory, Node', checked))

/** Opens stores of one namespace, with two runtimes by turns. */
function createOpener(): (client: number) => Promise<Store> {
  const plugin = new MemoryStoragePlugin()
  const runtimes = [new StorageRuntime(plugin), new StorageRuntime(plugin)]
  return (client) => (runtimes[client % 2] as StorageRuntime).open('History')
}

test.each([1, 2, 3, 4])(
  'on Memory, the calls of ten clients are linearizable, seed %i',
  async (seed) => {
    const openStore = createOpener()
    const { records, contents } = await runHistory({ openStore, clients: 10, calls: 50, seed })
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

/** Memory over a slow network that loses commits, and the answers to them. */
function createUnreliablePlugin(seed: number): FaultyPlugin {
  const random = createRandom(seed)
  // Without `transact`, every update is a read and a conditional commit, as over a network.
  return faulty(new BrokenPlugin(removeTransact), ({ kind }) => {
    if (kind !== 'commit' && kind !== 'getMany') return undefined
    const draw = kind === 'commit' ? random() : 1
    if (draw < 0.05) return 'reject-before'
    if (draw < 0.3) return 'reject-after'
    return { fault: 'late', delayMs: 1 + 2 * random() }
  })
}

test.each([1, 2, 3])(
  'where calls and answers are lost, each outcome of six clients is true, seed %i',
  async (seed) => {
    const plugin = createUnreliablePlugin(seed)
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
