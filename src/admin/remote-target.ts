import { callBot, type AdminAccess, AdminError } from './client.ts'
import { inParts, jsonBytes } from '../backup/parts.ts'
import type { BackupChange, StoredText } from '../backup/entry.ts'
import { MOST_ENTRIES, MOST_ENTRY_BYTES, PART_BYTES } from '../backup/limits.ts'
import { byName, makePart } from '../backup/part.ts'
import type { BackupTarget } from '../backup/target.ts'
import { quoteName } from '../backup/shown.ts'

// Milliseconds before a call is made again.
const PAUSES = [500, 1_000, 2_000]
// The Worker may ask for a longer one; of a minute, that is how long its limits last.
const LONGEST_PAUSE = 60_000

/** One of the storages of a bot in a Worker. */
export interface RemoteTargetOptions extends AdminAccess {
  /** The storage, by the name it has there. */
  readonly storage: string
}

/**
 * What a storage of a bot in a Worker holds, over its operator's API: 200 changes and 1 MiB a
 * call, or a single change of almost 16 MiB. A larger one is refused before any is made. Changes
 * that fail because the Worker is busy or cannot be reached are sent up to three times more.
 *
 * Its methods reject with a PlaceError.
 */
export function remoteTarget({ storage, ...access }: RemoteTargetOptions): BackupTarget {
  const query = `storage=${encodeURIComponent(storage)}`
  return {
    async namespaces() {
      const { namespaces } = (await callBot(access, `admin/namespaces?${query}`)) as {
        namespaces: readonly string[]
      }
      return namespaces
    },
    async entries(namespace) {
      // Not in the path: there an address drops `.` and `..`, however they are escaped.
      const path = `admin/storage?namespace=${encodeURIComponent(namespace)}&${query}`
      const entries = new Map<string, StoredText>()
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = (await callBot(access, `${path}&cursor=${cursor}`)) as EntriesPage
        for (const [key, value] of Object.entries(page.entries)) {
          const expires = Object.hasOwn(page.expires, key) ? page.expires[key] : undefined
          entries.set(key, expires === undefined ? { value } : { value, expires })
        }
        ;({ cursor } = page)
      }
      return entries
    },
    async apply(changes, onDone = () => {}) {
      for (const change of changes) refuseTooLarge(change)
      const set = changes.filter((change) => !('remove' in change))
      const removed = changes.filter((change) => 'remove' in change)
      // Nothing goes before all that is new is there.
      for (const [stage, before] of [
        [set, 0],
        [removed, set.length],
      ] as const) {
        await restore(access, query, stage, (done) => onDone(before + done))
      }
    },
  }
}

/** Makes changes as a restore of their own. */
async function restore(
  access: AdminAccess,
  query: string,
  changes: readonly BackupChange[],
  onDone: (done: number) => void,
): Promise<void> {
  const parts = [...inParts(changes.toSorted(byName), MOST_ENTRIES, PART_BYTES)]
  let done = 0
  let id: string | undefined
  let after: string | null = null
  for (const [index, entries] of parts.entries()) {
    const part = await makePart(after, entries, index === parts.length - 1)
    const body = { mode: 'merge', part, restore: id }
    const answer = (await callAgain(access, `admin/restore?${query}`, body)) as { restore: string }
    id = answer.restore
    after = part.next
    done += entries.length
    onDone(done)
  }
}

/** A page of a namespace, as the Worker answers it. */
interface EntriesPage {
  readonly entries: Readonly<Record<string, string>>
  readonly expires: Readonly<Record<string, number>>
  readonly cursor: string | null
}

/** Makes a call that can be made again, since made twice is the same as once. */
async function callAgain(access: AdminAccess, path: string, body: unknown): Promise<unknown> {
  for (const pause of PAUSES) {
    try {
      return await callBot(access, path, body)
    } catch (error) {
      if (!(error instanceof AdminError) || !error.retryable) throw error
      const wait = Math.max(pause, Math.min(error.retryAfter, LONGEST_PAUSE))
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
  return callBot(access, path, body)
}

function refuseTooLarge(change: BackupChange): void {
  const bytes = jsonBytes(change)
  if (bytes <= MOST_ENTRY_BYTES) return
  const name = `${quoteName(change.key)} of ${quoteName(change.namespace)}`
  throw new AdminError(
    `The entry ${name} is too large to be sent: ${bytes} bytes, of which ${MOST_ENTRY_BYTES} fit.`,
    undefined,
  )
}
