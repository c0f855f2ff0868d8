import type { Entry } from '../../../../src/index.ts'
import {
  BrokenPlugin,
  entryOf,
  patchReads,
  patchWrites,
  testBrokenStorages,
} from './broken-plugin.ts'

testBrokenStorages([
  {
    fault: 'returns the entries that it keeps instead of copies',
    rule: 'storage/reads-return-copies',
    create: () => {
      const kept = new Map<string, Entry>()
      return new BrokenPlugin(
        patchReads((entry) => {
          const known = kept.get(entry.version) ?? entry
          kept.set(entry.version, known)
          return known
        }),
      )
    },
  },
  {
    fault: 'returns null for a missing key',
    rule: 'storage/get-missing-key',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.get = async (key) => (await original.get(key)) ?? (null as never)
      }),
  },
  {
    fault: 'looks keys up in a plain object',
    rule: 'storage/get-missing-key',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.getMany = async (keys) => {
          const found: Record<string, Entry> = Object.fromEntries(await original.getMany(keys))
          return new Map(
            keys.filter((key) => key in found).map((key) => [key, found[key] as Entry]),
          )
        }
      }),
  },
  {
    fault: 'drops the expiry',
    rule: 'storage/entry-round-trip',
    create: () => new BrokenPlugin(patchReads(({ value, version }) => ({ value, version }))),
  },
  {
    fault: 'merges the new value into the old one',
    rule: 'storage/set-replaces-entry',
    create: () =>
      new BrokenPlugin(
        patchWrites(async (change, original) => {
          const entry = entryOf(change)
          const old = entry && (await original.get(change.key))?.value
          if (entry === undefined || typeof old !== 'object' || typeof entry.value !== 'object')
            return change
          return { ...change, entry: { ...entry, value: { ...old, ...entry.value } } }
        }),
      ),
  },
  {
    fault: 'throws when a missing key is removed',
    rule: 'storage/remove',
    create: () =>
      new BrokenPlugin(
        patchWrites(async (change, original) => {
          if ('remove' in change && !(await original.get(change.key))) throw new Error('KeyError')
          return change
        }),
      ),
  },
  {
    fault: 'keeps removed entries',
    rule: 'storage/remove',
    create: () =>
      new BrokenPlugin(patchWrites(async (change) => ('remove' in change ? undefined : change))),
  },
  {
    fault: 'counts expired entries as live',
    rule: 'storage/live-entries',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.liveLen = () => original.liveLen(Number.NEGATIVE_INFINITY)
      }),
  },
  {
    fault: 'lists an entry one millisecond after its expiry',
    rule: 'storage/live-entries',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.liveKeys = (now, options) => original.liveKeys(now - 1, options)
      }),
  },
  {
    fault: 'ignores the prefix',
    rule: 'storage/prefix',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.liveKeys = (now) => original.liveKeys(now)
      }),
  },
  {
    fault: 'treats the prefix as a pattern',
    rule: 'storage/prefix',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.entries = async function* entries({ prefix = '' } = {}) {
          const like = new RegExp(`^${prefix.replace('%', '.*')}`, 'i')
          for await (const [key, entry] of original.entries())
            if (like.test(key)) yield [key, entry]
        }
      }),
  },
  {
    fault: 'reads only the first hundred keys of a call',
    rule: 'storage/get-many',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.getMany = (keys) => original.getMany(keys.slice(0, 100))
      }),
  },
  {
    fault: 'lists only the first hundred keys',
    rule: 'storage/large-namespace',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.liveKeys = async function* liveKeys(now, options) {
          let count = 0
          for await (const key of original.liveKeys(now, options)) if (count++ < 100) yield key
        }
      }),
  },
])
