import { MemoryStoragePlugin } from '../../../../adapters/memory.ts'
import type { Change, StorageBase, Traits } from '../../../../src/index.ts'
import { BrokenPlugin, patchWrites, removeTransact, testBrokenStorages } from './broken-plugin.ts'

/** Keeps all namespaces in one map, under `namespace:key` without escaping. */
class UnescapedKeysPlugin extends MemoryStoragePlugin {
  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open('all')
    const original = await super.open('all')
    const start = `${namespace}:`
    const rename = (change: Change): Change => ({ ...change, key: start + change.key })
    storage.getMany = async (keys) => {
      const found = await original.getMany(keys.map((key) => start + key))
      return new Map([...found].map(([key, entry]) => [key.slice(start.length), entry]))
    }
    storage.commit = (groups) => original.commit(groups.map((group) => group.map(rename)))
    storage.liveKeys = async function* liveKeys(now, { prefix = '' } = {}) {
      for await (const key of original.liveKeys(now, { prefix: start + prefix })) {
        yield key.slice(start.length)
      }
    }
    storage.clear = async () => {
      for await (const key of original.keys({ prefix: start })) await original.remove(key)
    }
    removeTransact(storage)
    return storage
  }
}

testBrokenStorages([
  {
    fault: 'normalizes keys',
    rule: 'keys/special-characters',
    create: () =>
      new BrokenPlugin(
        patchWrites(async (change) => ({ ...change, key: change.key.normalize('NFC') })),
      ),
  },
  {
    fault: 'truncates long keys',
    rule: 'keys/max-length',
    create: () =>
      new BrokenPlugin((storage, original) => {
        Object.defineProperty(storage, 'traits', {
          value: { ...storage.traits, maxKeyBytes: 600 } satisfies Traits,
        })
        storage.commit = (groups) =>
          original.commit(
            groups.map((group) =>
              group.map((change) => ({ ...change, key: change.key.slice(0, 512) })),
            ),
          )
        removeTransact(storage)
      }),
  },
  {
    fault: 'joins namespace and key without escaping',
    rule: 'namespaces/isolated',
    create: () => new UnescapedKeysPlugin(),
  },
  {
    fault: 'trims namespaces',
    rule: 'namespaces/isolated',
    create: () =>
      new BrokenPlugin(
        () => {},
        (namespace) => namespace.trimEnd(),
      ),
  },
  {
    fault: 'clears every namespace whose name begins with its own',
    rule: 'namespaces/clear-only-one',
    create: () => {
      const storages = new Map<string, StorageBase>()
      let opened = ''
      return new BrokenPlugin(
        (storage, original) => {
          const own = opened
          storages.set(own, original)
          storage.clear = async () => {
            for (const [name, each] of storages) if (name.startsWith(own)) await each.clear()
          }
        },
        (namespace) => (opened = namespace),
      )
    },
  },
  {
    fault: 'lists namespaces under their encoded names',
    rule: 'namespaces/list',
    create: () => new BrokenPlugin(() => {}, encodeURIComponent),
  },
])
