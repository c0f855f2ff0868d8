import { MemoryStoragePlugin } from '../../../../adapters/memory.ts'
import type { Entry, StorageBase, Traits } from '../../../../src/index.ts'
import { BrokenPlugin, testBrokenStorages } from './broken-plugin.ts'

const disk = new Map<string, Map<string, Entry>>()

/** Claims to be durable, and writes to its disk only when it is closed. */
class WritesOnClosePlugin extends MemoryStoragePlugin {
  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    for (const [key, entry] of disk.get(namespace) ?? []) await storage.set(key, entry)
    Object.defineProperty(storage, 'traits', { value: { ...storage.traits, durable: true } })
    storage.close = async () => {
      const all = new Map<string, Entry>()
      for await (const [key, entry] of storage.entries()) all.set(key, entry)
      disk.set(namespace, all)
    }
    return storage
  }
}

testBrokenStorages([
  {
    fault: 'deletes its data on close',
    rule: 'durability/reopen',
    create: () =>
      new BrokenPlugin((storage, original) => {
        storage.close = () => original.clear()
      }),
  },
  {
    fault: 'claims to be durable and is not',
    rule: 'durability/restart',
    create: () =>
      new BrokenPlugin((storage) => {
        Object.defineProperty(storage, 'traits', {
          value: { ...storage.traits, durable: true } satisfies Traits,
        })
      }),
  },
  {
    fault: 'writes only when it is closed',
    rule: 'durability/restart-without-close',
    create: () => new WritesOnClosePlugin(),
  },
])
