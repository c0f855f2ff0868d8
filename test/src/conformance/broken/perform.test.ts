import { isStoreError, runStep, type StorageBase } from '../../../../src/index.ts'
import { BrokenPlugin, testBrokenStorages } from './broken-plugin.ts'
import { patchPerform } from './performing-plugin.ts'

type Perform = NonNullable<StorageBase['perform']>

/** Replaces a correct `perform`. */
function createPlugin(
  replace: (perform: Perform) => Perform,
  ...[options]: Parameters<typeof patchPerform>
): BrokenPlugin {
  return new BrokenPlugin((storage, original) => {
    patchPerform(options)(storage, original)
    const perform: Perform = storage.perform?.bind(storage) as Perform
    storage.perform = replace(perform)
  })
}

testBrokenStorages(
  [
    {
      fault: 'creates an entry for touch',
      rule: 'perform/missing-key',
      create: () =>
        new BrokenPlugin(
          patchPerform({
            run: (step, live) =>
              step.kind === 'touch' && live === undefined
                ? { change: { value: undefined, expires: step.expiry.expires }, result: false }
                : runStep(step, live),
          }),
        ),
    },
    {
      fault: 'drops the expiry of the entry',
      rule: 'perform/live-entry',
      create: () =>
        new BrokenPlugin(
          patchPerform({
            run: (step, live) => {
              const { change, result } = runStep(step, live)
              return typeof change === 'object'
                ? {
                    change: {
                      ...change,
                      expires: step.kind === 'pop' ? undefined : step.expiry?.expires,
                    },
                    result,
                  }
                : { ...(change && { change }), result }
            },
          }),
        ),
    },
    {
      fault: 'writes an entry that the step does not change',
      rule: 'perform/live-entry',
      create: () =>
        new BrokenPlugin(
          patchPerform({
            run: (step, live) => {
              const { change, result } = runStep(step, live)
              return change === undefined && live !== undefined
                ? { change: { value: live.value, expires: live.expires }, result }
                : { ...(change && { change }), result }
            },
          }),
        ),
    },
    {
      fault: 'passes expired entries to the step',
      rule: 'perform/expired-entry',
      create: () => createPlugin((perform) => (groups) => perform(groups)),
    },
    {
      fault: 'takes every entry as expired if there is no time',
      rule: 'perform/expired-entry',
      create: () =>
        createPlugin(
          (perform) =>
            (groups, { now = Infinity } = {}) =>
              perform(groups, { now }),
        ),
    },
    {
      fault: 'applies only the last change of a key',
      rule: 'perform/changes-in-order',
      create: () =>
        createPlugin(
          (perform) => (groups, options) =>
            perform(
              groups.map((group) => [
                ...new Map(group.map((change) => [change.key, change])).values(),
              ]),
              options,
            ),
        ),
    },
    {
      fault: 'applies a group up to the step that fails',
      rule: 'perform/failing-step',
      create: () =>
        createPlugin((perform) => async (groups, options) => {
          const results = []
          for (const group of groups) {
            const single = await perform(
              group.map((change) => [change]),
              options,
            )
            results.push(single.find(isStoreError) ?? single.flat())
          }
          return results
        }),
    },
    {
      fault: 'fails all groups because of one',
      rule: 'perform/failing-step',
      create: () =>
        createPlugin((perform) => async (groups, options) => {
          const results = await perform(groups, options)
          const failure = results.find(isStoreError)
          return failure === undefined ? results : groups.map(() => failure)
        }),
    },
    {
      fault: 'returns the value that it stores',
      rule: 'perform/results-are-copies',
      create: () => new BrokenPlugin(patchPerform({ copy: (value) => value })),
    },
    {
      fault: 'lets other writes in between its reads and its writes',
      rule: 'perform/concurrent',
      create: () =>
        new BrokenPlugin((storage, original) => {
          const unsafe = Object.create(original) as StorageBase
          unsafe.transact = async (keys, apply) => {
            const groups = apply(await original.getMany(keys))
            await Promise.resolve()
            return original.commit(groups)
          }
          patchPerform()(storage, unsafe)
        }),
    },
  ],
  patchPerform(),
)
