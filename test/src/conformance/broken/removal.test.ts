import { MemoryStoragePlugin } from '../../../../adapters/memory.ts'
import { BrokenPlugin, type Patch, testBrokenStorages } from './broken-plugin.ts'

/** Replaces `clearPrefix` by one that removes the keys that match. */
function patchClearPrefix(matches: (key: string, prefix: string) => boolean): Patch {
  return (storage, original) => {
    storage.clearPrefix = async (prefix) => {
      for await (const key of original.keys()) if (matches(key, prefix)) await original.remove(key)
    }
  }
}

class BrokenDropPlugin extends MemoryStoragePlugin {
  readonly #drop: (plugin: MemoryStoragePlugin, namespace: string) => Promise<void>

  constructor(drop: (plugin: MemoryStoragePlugin, namespace: string) => Promise<void>) {
    super()
    this.#drop = drop
  }

  override drop(namespace: string): Promise<void> {
    return this.#drop(this, namespace)
  }
}

testBrokenStorages([
  {
    fault: 'ignores the prefix of clearPrefix(), as one of the earlier contract does',
    rule: 'storage/clear-prefix',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.clearPrefix = () => original.clear()
      }),
  },
  {
    fault: 'ends the range of a prefix at U+FFFF',
    rule: 'storage/clear-prefix',
    create: () =>
      new BrokenPlugin(patchClearPrefix((key, prefix) => key >= prefix && key < `${prefix}\uffff`)),
  },
  {
    fault: 'treats the prefix as a pattern',
    rule: 'storage/clear-prefix',
    create: () =>
      new BrokenPlugin(
        patchClearPrefix((key, prefix) =>
          new RegExp(`^${prefix.replaceAll('_', '.').replaceAll('%', '.*')}`).test(key),
        ),
      ),
  },
  {
    fault: 'keeps the key that equals the prefix',
    rule: 'storage/clear-prefix',
    create: () =>
      new BrokenPlugin(patchClearPrefix((key, prefix) => key.startsWith(prefix) && key !== prefix)),
  },
  {
    fault: 'removes only the first hundred keys with a prefix',
    rule: 'storage/clear-prefix-large',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.clearPrefix = async (prefix) => {
          let count = 0
          for await (const key of original.keys({ prefix })) {
            if (count++ < 100) await original.remove(key)
          }
        }
      }),
  },
  {
    fault: 'reports a removed prefix as a removal of every key',
    rule: 'storage/clear-prefix-watched',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.watch = (listener) =>
          original.watch?.((change) =>
            listener(change.kind === 'remove' ? { kind: 'clear' } : change),
          ) ?? (() => {})
      }),
  },
  {
    fault: 'does not report the keys that clearPrefix() removes',
    rule: 'storage/clear-prefix-watched',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.watch = (listener) =>
          original.watch?.((change) => change.kind === 'remove' || listener(change)) ?? (() => {})
      }),
  },
  {
    fault: 'keeps the data of a dropped namespace',
    rule: 'namespaces/drop',
    create: () => new BrokenDropPlugin(async () => {}),
  },
  {
    fault: 'drops every namespace whose name begins with that one',
    rule: 'namespaces/drop',
    create: () =>
      new BrokenDropPlugin(async (plugin, namespace) => {
        for await (const each of plugin.namespaces()) {
          if (each.startsWith(namespace)) await (await plugin.open(each)).clear()
        }
      }),
  },
  {
    fault: 'throws when a missing namespace is dropped',
    rule: 'namespaces/drop-missing',
    create: () =>
      new BrokenDropPlugin(async (plugin, namespace) => {
        for await (const each of plugin.namespaces()) if (each === namespace) return
        throw new Error('not found')
      }),
  },
  {
    fault: 'lists dropped namespaces',
    rule: 'namespaces/drop-unlisted',
    create: () => {
      const known = new Set<string>()
      const plugin = new BrokenPlugin(
        () => {},
        (namespace) => {
          known.add(namespace)
          return namespace
        },
      )
      plugin.namespaces = async function* namespaces() {
        yield* known
      }
      return plugin
    },
  },
])
