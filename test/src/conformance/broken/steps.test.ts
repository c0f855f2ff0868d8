import { MemoryStoragePlugin } from '../../../../adapters/memory.ts'
import {
  type Change,
  type Entry,
  isLive,
  LocalTurns,
  type PerformResult,
  runStep,
  type Step,
  type StepChange,
  type StorageBase,
  type StoreError,
} from '../../../../src/index.ts'
import { BrokenPlugin, patchWrites, removeTransact, testBrokenStorages } from './broken-plugin.ts'

/** Gives Memory a perform() that runs each step after a change of it, on a chosen entry. */
function performing(
  patchStep: (step: Step) => Step = (step) => step,
  choose: (entry: Entry | undefined, now: number) => Entry | undefined = (entry, now) =>
    entry && isLive(entry, now) ? entry : undefined,
): BrokenPlugin {
  return new BrokenPlugin((storage, original) => {
    const run = async (
      group: readonly (Change | StepChange)[],
      now: number,
    ): Promise<PerformResult> => {
      const results: unknown[] = []
      for (const change of group) {
        if (!('step' in change)) {
          await original.commit([[change]])
          results.push(undefined)
          continue
        }
        const { key, version } = change
        const effect = runStep(patchStep(change.step), choose(await original.get(key), now))
        if (effect.change === 'remove') await original.remove(key)
        else if (effect.change !== undefined) {
          const { value, expires } = effect.change
          await original.set(key, { value, version, ...(expires !== undefined && { expires }) })
        }
        results.push(effect.result)
      }
      return results
    }
    storage.perform = (groups, { now = 0 } = {}) =>
      Promise.all(groups.map((group) => run(group, now).catch((error: StoreError) => error)))
  })
}

function withoutExpiry(step: Step): Step {
  return { ...step, expiry: undefined } as Step
}

function patchListing(
  list: (
    original: StorageBase,
    ...args: Parameters<StorageBase['entries']>
  ) => ReturnType<StorageBase['entries']>,
): BrokenPlugin {
  return new BrokenPlugin((storage, original) => {
    storage.entries = (options) => list(original, options)
    storage.liveKeys = async function* liveKeys(now, options) {
      for await (const [key, entry] of list(original, options)) if (isLive(entry, now)) yield key
    }
  })
}

testBrokenStorages([
  {
    fault: 'runs a step on an expired entry',
    rule: 'steps/expired-entry',
    create: () => performing(undefined, (entry) => entry),
  },
  {
    fault: 'stores inserted values without their expiry',
    rule: 'steps/insert',
    create: () => performing(withoutExpiry),
  },
  {
    fault: 'lets two steps read the same entry',
    rule: 'steps/increment-concurrent',
    create: () => performing(),
  },
  {
    fault: 'ignores the expiry of an increment',
    rule: 'steps/increment-expiry',
    create: () => performing(withoutExpiry),
  },
  {
    fault: 'ignores max',
    rule: 'steps/append-max',
    create: () =>
      performing((step) => (step.kind === 'append' ? { ...step, max: undefined } : step)),
  },
  {
    fault: 'does not measure the list that a step makes',
    rule: 'sizes/append-too-large',
    create: () => {
      class SmallPlugin extends BrokenPlugin {
        override async open(namespace: string): Promise<StorageBase> {
          const storage = await plugin.open(namespace)
          const value = { ...storage.traits, maxValueBytes: 1000 }
          return Object.defineProperty(storage, 'traits', { value })
        }
      }
      const plugin = performing()
      return new SmallPlugin(() => {})
    },
  },
  {
    fault: 'ignores checks',
    rule: 'transactions/write-skew',
    create: () =>
      new BrokenPlugin(patchWrites(async (change) => ('check' in change ? undefined : change))),
  },
  {
    fault: 'ignores checks of missing keys',
    rule: 'transactions/read-key-changes',
    create: () =>
      new BrokenPlugin(
        patchWrites(async (change) =>
          'check' in change && change.ifVersion === null ? undefined : change,
        ),
      ),
  },
  {
    fault: 'orders the clients of one storage only',
    rule: 'hot-keys/turns',
    create: () =>
      new BrokenPlugin((storage) =>
        Object.defineProperty(storage, 'turns', { value: new LocalTurns() }),
      ),
  },
  {
    fault: 'lists in the order of writing',
    rule: 'store-listings/order',
    create: () =>
      patchListing(async function* list(original, options) {
        const all: [string, Entry][] = []
        for await (const each of original.entries(options)) all.push(each)
        yield* all.toSorted(([, a], [, b]) => (a.version < b.version ? -1 : 1))
      }),
  },
  {
    fault: 'lists the key after which a listing begins',
    rule: 'store-listings/after',
    create: () =>
      patchListing(async function* list(original, { after, ...options } = {}) {
        for await (const [key, entry] of original.entries(options))
          if (after === undefined || (options.reverse ? key <= after : key >= after))
            yield [key, entry]
      }),
  },
  {
    fault: 'counts expired entries towards the limit',
    rule: 'store-listings/limit',
    create: () =>
      patchListing(async function* list(original, options) {
        let count = 0
        for await (const each of original.entries(options)) {
          if (options?.limit !== undefined && count++ >= options.limit) return
          yield each
        }
      }),
  },
  {
    fault: 'removes keys of any case with a prefix',
    rule: 'store-listings/clear-prefix',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.clearPrefix = async (prefix) => {
          for await (const key of original.keys())
            if (key.toLowerCase().startsWith(prefix.toLowerCase())) await original.remove(key)
        }
      }),
  },
  {
    fault: 'removes the keys of a group one after another',
    rule: 'many/delete-many-atomic',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.commit = async (groups) => {
          for (const change of groups.flat()) await original.commit([[change]])
          return groups.map(() => 'applied' as const)
        }
        removeTransact(storage)
      }),
  },
  {
    fault: 'leaves out what it finds first in getMany()',
    rule: 'many/get-many',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.getMany = async (keys) => new Map([...(await original.getMany(keys))].slice(1))
      }),
  },
  {
    fault: 'does not drop anything',
    rule: 'lifecycle/drop',
    create: () => {
      class NeverDropsPlugin extends MemoryStoragePlugin {
        override async drop(): Promise<void> {}
      }
      return new NeverDropsPlugin()
    },
  },
])
