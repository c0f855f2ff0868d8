import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../../adapters/memory.ts'
import { conformance } from '../../../../src/conformance.ts'
import type { Change, Entry, StorageBase } from '../../../../src/index.ts'

/** A storage with one fault, and the rule that it breaks. */
export interface BrokenStorage {
  /** Completes the sentence "The storage …". */
  readonly fault: string
  readonly rule: string
  readonly create: () => MemoryStoragePlugin
}

/** Replaces methods of `storage`; `original` is a working storage of the same namespace. */
export type Patch = (storage: StorageBase, original: StorageBase) => void

/** Memory whose storages are patched, under names that may be changed. */
export class BrokenPlugin extends MemoryStoragePlugin {
  readonly #patch: Patch
  readonly #rename: (namespace: string) => string

  constructor(patch: Patch, rename: (namespace: string) => string = (namespace) => namespace) {
    super()
    this.#patch = patch
    this.#rename = rename
  }

  override async open(namespace: string): Promise<StorageBase> {
    const name = this.#rename(namespace)
    const storage = await super.open(name)
    this.#patch(storage, await super.open(name))
    return storage
  }
}

/**
 * Tests that each broken storage fails the case of its rule, and that Memory passes these cases.
 *
 * @param complete adds to Memory what the rules need
 */
export function testBrokenStorages(
  storages: readonly BrokenStorage[],
  complete: Patch = () => {},
): void {
  describe('conformance finds broken storages', () => {
    // Some fail only at a time limit.
    test.concurrent.each(storages)(
      '$rule fails for a storage that $fault',
      async ({ rule, create }) => {
        const failure = await runCase(rule, create)
        expect(failure).toMatch(/^Error: /)
        expect(failure).toContain(`${rule}: `)
        expect(failure).toContain('\n  What to do: ')
      },
    )

    test('the same cases pass for a storage without a fault', async () => {
      for (const { rule } of storages) {
        const result = await runCase(rule, () => new BrokenPlugin(complete))
        expect(`${result}`).not.toMatch(/^\w*Error/)
      }
    })
  })
}

/** Resolves to the failure of a case, to why it is exempt, or to `undefined` if it passes. */
async function runCase(
  rule: string,
  create: () => MemoryStoragePlugin,
): Promise<string | undefined> {
  const shared = create()
  const plugin = rule.startsWith('durability/restart') ? create : () => shared
  const found = conformance({ plugin, faults: true }).find(({ id }) => id === rule)
  if (found === undefined) throw new RangeError(`There is no case ${rule}.`)
  return found.run().then(
    (exempt) => exempt && `exempt: ${exempt}`,
    (error: unknown) => String(error),
  )
}

/** Changes every entry that `getMany` and `entries` read, or hides it. */
export function patchReads(change: (entry: Entry, key: string) => Entry | undefined): Patch {
  return (storage, original) => {
    storage.getMany = async (keys) => {
      const found = new Map<string, Entry>()
      for (const [key, entry] of await original.getMany(keys)) {
        const changed = change(entry, key)
        if (changed !== undefined) found.set(key, changed)
      }
      return found
    }
    storage.entries = async function* entries(options) {
      for await (const [key, entry] of original.entries(options)) {
        const changed = change(entry, key)
        if (changed !== undefined) yield [key, changed]
      }
    }
    removeTransact(storage)
  }
}

/** Replaces or drops every change before it is committed. */
export function patchWrites(
  replace: (change: Change, original: StorageBase) => Promise<Change | undefined>,
): Patch {
  return (storage, original) => {
    storage.commit = async (groups) => {
      const replaced: Change[][] = []
      for (const group of groups) {
        const changes = await Promise.all(group.map((change) => replace(change, original)))
        replaced.push(changes.filter((change) => change !== undefined))
      }
      return original.commit(replaced)
    }
    removeTransact(storage)
  }
}

/** Lets the runtime use `commit` alone, so that patching `commit` is enough. */
export function removeTransact(storage: StorageBase): void {
  Object.defineProperty(storage, 'transact', { value: undefined })
}

export function entryOf(change: Change): Entry | undefined {
  return 'entry' in change ? change.entry : undefined
}
