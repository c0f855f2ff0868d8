import { decode, encode } from '../../../src/codec.js'
import type { StorageRuntime } from '../../../src/index.js'
import { byCodeUnit } from '../by-code-unit.js'
import { inParts } from '../parts.js'
import type { BackupEntry } from './entry.js'
import type { Place, PlaceChange } from './place.js'

// What is set at once is held at once, by the storage as well.
const AT_ONCE = 200
const BYTES_AT_ONCE = 1024 * 1024

/**
 * What a runtime holds, which stays the caller's to close. What is set in one namespace is set as
 * a whole, 200 entries and 1 MiB at a time; a single larger entry is set alone. A storage that
 * cannot do so has to be started with `allowLostUpdates`, or `apply` is `NOT_ATOMIC`.
 *
 * Its methods reject with what the storage says, a StoreError.
 */
export function runtimePlace(runtime: StorageRuntime): Place {
  return {
    async namespaces() {
      const names: string[] = []
      for await (const name of runtime.namespaces()) names.push(name)
      return names.toSorted(byCodeUnit)
    },
    async entries(namespace) {
      await using store = await runtime.open(namespace)
      const entries = new Map<string, string>()
      for await (const [key, value] of store) entries.set(key, encode(value))
      return entries
    },
    async apply(changes, onDone = () => {}) {
      let done = 0
      for (const run of runs(changes)) {
        for (const part of inParts(run, AT_ONCE, BYTES_AT_ONCE)) {
          await applyPart(runtime, part)
          done += part.length
          onDone(done)
        }
      }
    },
  }
}

/** Neighbours that are in one namespace, and are all set or all removed. */
function* runs(changes: readonly PlaceChange[]): Generator<readonly PlaceChange[]> {
  let run: PlaceChange[] = []
  for (const change of changes) {
    const [first] = run
    const isSame = first?.namespace === change.namespace && 'remove' in first === 'remove' in change
    if (first !== undefined && !isSame) {
      yield run
      run = []
    }
    run.push(change)
  }
  if (run.length > 0) yield run
}

async function applyPart(runtime: StorageRuntime, part: readonly PlaceChange[]): Promise<void> {
  const [first] = part
  if (first === undefined) return
  await using store = await runtime.open(first.namespace)
  const set: BackupEntry[] = []
  for (const change of part) {
    if ('remove' in change) await store.delete(change.key)
    else set.push(change)
  }
  await store.setMany(set.map(({ key, value }) => [key, decode(value)] as const))
}
