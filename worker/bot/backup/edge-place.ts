import { callEdge, type EdgeAccess, PlaceError } from '../edge.js'
import { inParts, jsonBytes } from '../parts.js'
import type { PlaceChange, StoredText } from './entry.js'
import { byName, makePart, MOST_PART_ENTRIES } from './part.js'
import type { Place } from './place.js'

/**
 * The most bytes that the Worker takes in one call: 16 MiB. That holds a text as large as an object
 * takes, 2,000,000 bytes, even if each of its characters is escaped, and escaped again.
 */
export const MOST_CALL_BYTES: number = 16 * 1024 * 1024

// Room for what is around the changes: two cursors, which name keys, and the id, which holds one more.
const MOST_CHANGE_BYTES = MOST_CALL_BYTES - 64 * 1024
// What is larger by itself goes alone.
const PART_BYTES = 1024 * 1024
// Milliseconds before a part is sent again.
const PAUSES = [500, 1_000, 2_000]
// The Worker may ask for a longer one; of a minute, that is how long its limits last.
const LONGEST_PAUSE = 60_000

/** One of the storages of a bot in a Worker. */
export interface EdgePlaceOptions extends EdgeAccess {
  /** The storage, by the name it has there. */
  readonly storage: string
}

/**
 * What a storage of a bot in a Worker holds, over its operator's API: 200 changes and 1 MiB a
 * call, or a single change of almost 16 MiB. A larger one is refused before any is made. A call that
 * fails because the Worker is busy or cannot be reached is made up to three times more.
 *
 * Its methods reject with a PlaceError.
 */
export function edgePlace({ storage, ...access }: EdgePlaceOptions): Place {
  const query = `storage=${encodeURIComponent(storage)}`
  return {
    async namespaces() {
      const { namespaces } = (await callEdge(access, `admin/namespaces?${query}`)) as {
        namespaces: readonly string[]
      }
      return namespaces
    },
    async entries(namespace) {
      // Not in the path: there an address drops `.` and `..`, however they are escaped.
      const path = `admin/storage?namespace=${encodeURIComponent(namespace)}&${query}`
      const entries = new Map<string, StoredText>()
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = (await callEdge(access, `${path}&cursor=${cursor}`)) as EntriesPage
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
      const parts = [...inParts(changes.toSorted(byName), MOST_PART_ENTRIES, PART_BYTES)]
      let done = 0
      let restore: string | undefined
      let after: string | null = null
      for (const [index, entries] of parts.entries()) {
        const part = await makePart(after, entries, index === parts.length - 1)
        const body = { mode: 'merge', part, restore }
        const answer = await callAgain(access, `admin/restore?${query}`, body)
        ;({ restore } = answer as { restore: string })
        after = part.next
        done += entries.length
        onDone(done)
      }
    },
  }
}

/** A page of a namespace, as the Worker answers it. */
interface EntriesPage {
  readonly entries: Readonly<Record<string, string>>
  readonly expires: Readonly<Record<string, number>>
  readonly cursor: string | null
}

/** Makes a call that can be made again, since made twice is the same as once. */
async function callAgain(access: EdgeAccess, path: string, body: unknown): Promise<unknown> {
  for (const pause of PAUSES) {
    try {
      return await callEdge(access, path, body)
    } catch (error) {
      if (!(error instanceof PlaceError) || !error.retryable) throw error
      const wait = Math.max(pause, Math.min(error.retryAfter, LONGEST_PAUSE))
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
  return callEdge(access, path, body)
}

function refuseTooLarge(change: PlaceChange): void {
  const bytes = jsonBytes(change)
  if (bytes <= MOST_CHANGE_BYTES) return
  const name = `${JSON.stringify(change.key)} of ${JSON.stringify(change.namespace)}`
  throw new PlaceError(
    `The entry ${name} is too large to be sent: ${bytes} bytes, of which ${MOST_CHANGE_BYTES} fit.`,
    undefined,
  )
}
