// Shows that the model finds faults of a storage: in how many runs, and with how few commands.

import { expect, test } from 'vitest'
import type { Change, Entry } from '../../src/index.ts'
import {
  BrokenPlugin,
  entryOf,
  type Patch,
  removeTransact,
} from '../src/conformance/broken/broken-plugin.ts'
import { reportFigures } from '../support/report-figures.ts'
import { type ModelResult, runModel } from './check-model.ts'
import { compareCodeUnits } from './model.ts'

/** Replaces every change before it is committed. */
function patchCommit(replace: (change: Change) => Change): Patch {
  return (storage, original) => {
    storage.commit = (groups, options) =>
      original.commit(
        groups.map((group) => group.map(replace)),
        options,
      )
    removeTransact(storage)
  }
}

/** Drops the third expiry that is written. */
function dropExpiry(): Patch {
  let count = 0
  return patchCommit((change) => {
    const entry = entryOf(change)
    if (entry?.expires === undefined || ++count !== 3) return change
    const { expires: _, ...others } = entry
    return { ...change, entry: others }
  })
}

/** Skips the key after the one that was removed last. */
function skipAfterRemoval(): Patch {
  let removed: string | undefined
  return (storage, original) => {
    patchCommit((change) => {
      if ('remove' in change) removed = change.key
      return change
    })(storage, original)
    storage.liveKeys = async function* liveKeys(now, options) {
      for await (const key of original.liveKeys(now, options)) {
        if (removed === undefined || key < removed) yield key
        else removed = undefined
      }
    }
  }
}

/** Lets an updater see the value that the same storage wrote last, even if another wrote since. */
function updateStaleCopy(): Patch {
  return (storage, original) => {
    const written = new Map<string, unknown>()
    storage.commit = (groups, options) => original.commit(groups, options)
    storage.transact = (keys, apply, options) =>
      original.transact!(
        keys,
        (found) => {
          const stale = [...found].map(([key, entry]): [string, Entry] => [
            key,
            written.has(key) ? { ...entry, value: structuredClone(written.get(key)) } : entry,
          ])
          const groups = apply(new Map(stale))
          for (const change of groups.flat()) {
            const entry = entryOf(change)
            if (entry) written.set(change.key, entry.value)
          }
          return groups
        },
        options,
      )
  }
}

/** Leaves one of several keys. */
function clearAllButOne(): Patch {
  return (storage, original) => {
    storage.clear = async () => {
      const keys: string[] = []
      for await (const key of original.liveKeys(Date.now())) keys.push(key)
      const [, ...removed] = keys
      await original.commit(removed.map((key) => [{ key, remove: true }]))
    }
  }
}

/** Commits an update even if another client has written since it read. */
function ignoreConditions(): Patch {
  return patchCommit((change) => {
    const { ifVersion: _, ...others } = change
    return others as Change
  })
}

/** Reports no removal to watches. */
function hideRemovals(): Patch {
  return (storage, original) => {
    storage.watch = (listener) =>
      original.watch!((change) => {
        if (change.kind !== 'remove') listener(change)
      })
  }
}

const FAULTS = [
  { fault: 'drops one expiry', create: dropExpiry },
  { fault: 'skips a key in a listing after a deletion', create: skipAfterRemoval },
  { fault: 'runs an update on a stale copy', create: updateStaleCopy },
  { fault: 'leaves one key in clear()', create: clearAllButOne },
  { fault: 'loses one of two concurrent updates', create: ignoreConditions, hasBursts: true },
  { fault: 'hides removals from a watch', create: hideRemovals },
]

const MAX_RUNS = 100
/** The most commands of the failing run that is shown, after the search for a short one. */
const MAX_COMMANDS = 5
const SEED = 1

/** Runs Memory with a fault. */
function runBroken(create: () => Patch, hasBursts: boolean): Promise<ModelResult> {
  return runModel({
    createData: () => {
      const plugin = new BrokenPlugin(create())
      return () => plugin
    },
    compare: compareCodeUnits,
    runs: MAX_RUNS,
    maxCommands: 40,
    hasBursts,
    seed: SEED,
  })
}

test.each(FAULTS)(
  `the model finds within ${MAX_RUNS} runs, and shows in ${MAX_COMMANDS} commands, a storage that $fault`,
  async ({ fault, create, hasBursts = false }) => {
    const { runs, failure, counterexample } = await runBroken(create, hasBursts)
    expect(failure).toContain(`{ seed: ${SEED}, path: "`)
    expect(counterexample?.length).toBeLessThanOrEqual(MAX_COMMANDS)
    const suite = `model, planted fault: ${fault}`
    reportFigures({ engine: 'Memory, Node', suite, cases: runs, faults: 1, seed: SEED })
  },
)

test('the model finds nothing in the same runs of Memory', async () => {
  expect((await runBroken(() => () => {}, true)).failure).toBe(undefined)
})
