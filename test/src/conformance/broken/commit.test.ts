import type { Entry, CommitResult } from '../../../../src/index.ts'
import { BrokenPlugin, patchWrites, removeTransact, testBrokenStorages } from './broken-plugin.ts'

testBrokenStorages([
  {
    fault: 'ignores conditions',
    rule: 'commit/if-version',
    create: () =>
      new BrokenPlugin(
        patchWrites(async (change) => ({ ...change, ifVersion: undefined }) as never),
      ),
  },
  {
    fault: 'applies a group up to the change that fails',
    rule: 'commit/group-all-or-nothing',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.commit = async (groups) => {
          const outcomes: CommitResult[] = []
          for (const group of groups) {
            const single: CommitResult[] = []
            for (const change of group) single.push(...(await original.commit([[change]])))
            outcomes.push(single.find((outcome) => outcome !== 'applied') ?? 'applied')
          }
          return outcomes
        }
        removeTransact(storage)
      }),
  },
  {
    fault: 'fails all groups because of one',
    rule: 'commit/groups-independent',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.commit = async (groups) => {
          const now = new Map<string, Entry>()
          for await (const [key, entry] of original.entries()) now.set(key, entry)
          const hasConflict = groups
            .flat()
            .some(
              ({ key, ifVersion }) =>
                ifVersion !== undefined && (now.get(key)?.version ?? null) !== ifVersion,
            )
          return hasConflict ? groups.map(() => 'conflict' as const) : original.commit(groups)
        }
      }),
  },
  {
    fault: 'lets other writes in between the reads and the writes of transact()',
    rule: 'commit/transact',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.transact = async (keys, apply) => {
          const groups = apply(await original.getMany(keys))
          await Promise.resolve()
          return original.commit(
            groups.map((group) =>
              group.map((change) =>
                change.ifVersion === 'another version'
                  ? change
                  : ({ ...change, ifVersion: undefined } as never),
              ),
            ),
          )
        }
      }),
  },
])
