import type { Change } from '../../../../src/index.ts'
import { BrokenPlugin, type Patch, removeTransact, testBrokenStorages } from './broken-plugin.ts'

/** Replaces every change, and the time of every write. */
function patchChanges({
  replace = (change) => change,
  replaceNow = (now) => now,
}: {
  readonly replace?: (change: Change) => Change
  readonly replaceNow?: (now: number) => number
}): Patch {
  return (storage, original) => {
    storage.commit = (groups, { now = -Infinity } = {}) =>
      original.commit(
        groups.map((group) => group.map(replace)),
        { now: replaceNow(now) },
      )
    removeTransact(storage)
  }
}

testBrokenStorages([
  {
    fault: 'ignores the time',
    rule: 'commit/expired-is-missing',
    create: () => new BrokenPlugin(patchChanges({ replaceNow: () => -Infinity })),
  },
  {
    fault: 'ignores the time in transact()',
    rule: 'commit/expired-is-missing',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.transact = async (keys, apply) =>
          original.commit(apply(await original.getMany(keys)))
      }),
  },
  {
    fault: 'compares with a time of its own if there is none',
    rule: 'commit/expired-is-missing',
    create: () =>
      new BrokenPlugin(patchChanges({ replaceNow: (now) => (now === -Infinity ? Infinity : now) })),
  },
  {
    fault: 'expires entries a millisecond late',
    rule: 'commit/expired-is-missing',
    create: () => new BrokenPlugin(patchChanges({ replaceNow: (now) => now - 1 })),
  },
  {
    fault: 'removes a key that is only checked',
    rule: 'commit/check',
    create: () =>
      new BrokenPlugin(
        patchChanges({
          replace: (change) =>
            'check' in change
              ? { key: change.key, remove: true, ifVersion: change.ifVersion }
              : change,
        }),
      ),
  },
  {
    fault: 'ignores checks',
    rule: 'commit/check',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.commit = (groups, options) =>
          original.commit(
            groups.map((group) => group.filter((change) => !('check' in change))),
            options,
          )
        removeTransact(storage)
      }),
  },
  {
    fault: 'ignores checks without conditional writes',
    rule: 'commit/check',
    create: () =>
      new BrokenPlugin((storage, original) => {
        Object.defineProperty(storage, 'traits', { value: { ...storage.traits, atomic: 'none' } })
        storage.commit = (groups) =>
          original.commit(groups.map((group) => group.filter((change) => !('check' in change))))
        removeTransact(storage)
      }),
  },
  {
    fault: 'reports checked keys to watch()',
    rule: 'commit/check-not-watched',
    create: () =>
      new BrokenPlugin((storage, original) => {
        const listeners = new Set<(key: string) => void>()
        storage.commit = (groups, options) => {
          for (const { key } of groups.flat()) for (const listener of listeners) listener(key)
          return original.commit(groups, options)
        }
        storage.watch = (listener) => {
          listeners.add((key) => listener({ kind: 'set', key }))
          return () => {}
        }
      }),
  },
])
