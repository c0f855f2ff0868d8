import { decode } from '../codec.ts'
import { toStoreError } from '../errors.ts'
import type { SetOptions, StorageRuntime, Store } from '../index.ts'
import { checkKey } from '../key.ts'
import { copyValue, utf8Bytes } from '../value/copy-value.ts'
import { byCodeUnit } from './by-code-unit.ts'
import { inParts } from './parts.ts'
import { type BackupEntry, type BackupChange, storedText, type StoredText } from './entry.ts'
import { MOST_ENTRIES, PART_BYTES } from './limits.ts'
import type { BackupTarget } from './target.ts'

/** A place that can tell beforehand what it would refuse. */
export interface RuntimeTarget extends BackupTarget {
  /** @throws StoreError `INVALID_NAMESPACE`, `INVALID_KEY` or `TOO_LARGE` for what it cannot hold */
  check(changes: readonly BackupChange[]): Promise<void>
  /**
   * Sets again what the changes have set and is gone. Where a listing may be older than a write, as
   * on Workers KV, it does nothing.
   */
  setMissing(changes: readonly BackupChange[]): Promise<void>
}

/**
 * What a runtime holds, which stays the caller's to close. What is set in one namespace is set as
 * a whole, 200 entries and 1 MiB at a time; a single larger entry is set alone. What the storage
 * cannot hold is refused before anything is changed. A storage that cannot set several as a whole
 * has to be started with `allowLostUpdates`, or `apply` is `NOT_ATOMIC`.
 *
 * Its methods reject with what the storage says, a StoreError.
 */
export function runtimeTarget(runtime: StorageRuntime): RuntimeTarget {
  const check = async (changes: readonly BackupChange[]): Promise<void> => {
    for (const [namespace, run] of byNamespace(changes)) {
      await using store = await runtime.open(namespace)
      for (const change of run) checkFits(change, store)
    }
  }
  return {
    namespaces: () => namespacesOf(runtime),
    async entries(namespace) {
      await using store = await runtime.open(namespace)
      const entries = new Map<string, StoredText>()
      for await (const [key, record] of store.records()) entries.set(key, storedText(record))
      return entries
    },
    check,
    async apply(changes, onDone = () => {}) {
      await check(changes)
      let done = 0
      for (const [namespace, run] of byNamespace(changes)) {
        await using store = await runtime.open(namespace)
        for (const part of inParts(run, MOST_ENTRIES, PART_BYTES)) {
          await applyPart(store, part)
          done += part.length
          onDone(done)
        }
      }
    },
    async setMissing(changes) {
      const set = changes.filter((change) => !('remove' in change))
      for (const [namespace, run] of byNamespace(set)) {
        await using store = await runtime.open(namespace)
        if (store.traits.consistency === 'eventual') continue
        // A page of keys is one call; looked for by itself, each entry would be another.
        const there = new Set<string>()
        for await (const key of store.keys()) there.add(key)
        const missing = run.filter(({ key }) => !there.has(key))
        for (const part of inParts(missing, MOST_ENTRIES, PART_BYTES)) await applyPart(store, part)
      }
    },
  }
}

/** The namespaces of a runtime, sorted by code unit. */
export async function namespacesOf(runtime: StorageRuntime): Promise<readonly string[]> {
  const names: string[] = []
  for await (const name of runtime.namespaces()) names.push(name)
  return names.toSorted(byCodeUnit)
}

/** Neighbours that are in one namespace. */
function* byNamespace(
  changes: readonly BackupChange[],
): Generator<readonly [string, readonly BackupChange[]]> {
  for (let from = 0; from < changes.length;) {
    const namespace = changes[from]?.namespace ?? ''
    let to = from
    while (changes[to]?.namespace === namespace) to++
    yield [namespace, changes.slice(from, to)]
    from = to
  }
}

/** @throws StoreError `INVALID_KEY` or `TOO_LARGE` */
function checkFits(change: BackupChange, { namespace, traits }: Store): void {
  const { key } = change
  try {
    checkKey(key, traits.maxKeyBytes)
    if ('remove' in change || traits.maxValueBytes === Number.POSITIVE_INFINITY) return
    copyValue(decode(change.value), { maxBytes: traits.maxValueBytes, keyBytes: utf8Bytes(key) })
  } catch (error) {
    throw toStoreError(error, { namespace, key })
  }
}

/** What is set is there before anything goes. */
async function applyPart(store: Store, part: readonly BackupChange[]): Promise<void> {
  const set: BackupEntry[] = []
  const removed: string[] = []
  for (const change of part) {
    if ('remove' in change) removed.push(change.key)
    else set.push(change)
  }
  await store.setMany(set.map(pairOf))
  await Promise.all(removed.map((key) => store.delete(key)))
}

function pairOf({ key, value, expires }: BackupEntry): [string, unknown, SetOptions] {
  return [key, decode(value), expires === undefined ? {} : { expires }]
}
