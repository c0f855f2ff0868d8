import { callEdge, type EdgeAccess, PlaceError } from '../edge.js'
import { inParts, jsonBytes } from '../parts.js'
import type { Place, PlaceChange } from './place.js'

/** The most changes that the Worker takes in one call. */
export const MOST_CALL_CHANGES = 200
/**
 * The most bytes that the Worker takes in one call: 16 MiB. That holds a text as large as an object
 * takes, 2,000,000 bytes, even if each of its characters is escaped, and escaped again.
 */
export const MOST_CALL_BYTES: number = 16 * 1024 * 1024

// Room for what is around the changes.
const MOST_CHANGE_BYTES = MOST_CALL_BYTES - 1024
// What is larger by itself goes alone.
const PART_BYTES = 1024 * 1024
// Milliseconds before a part is sent again.
const PAUSES = [500, 1_000, 2_000]

/** One of the storages of a bot in a Worker. */
export interface EdgePlaceOptions extends EdgeAccess {
  /** The storage, by the name it has there. */
  readonly storage: string
}

/**
 * What a storage of a bot in a Worker holds, over its operator's API: 200 changes and 1 MiB a
 * call, or a single change of up to 16 MiB. A larger one is refused before any is made. A call that
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
      const { entries } = (await callEdge(access, path)) as { entries: Record<string, string> }
      return new Map(Object.entries(entries))
    },
    async apply(changes, onDone = () => {}) {
      for (const change of changes) refuseTooLarge(change)
      let done = 0
      for (const part of inParts(changes, MOST_CALL_CHANGES, PART_BYTES)) {
        await callAgain(access, `admin/restore?${query}`, { changes: part })
        done += part.length
        onDone(done)
      }
    },
  }
}

/** Makes a call that can be made again, since made twice is the same as once. */
async function callAgain(access: EdgeAccess, path: string, body: unknown): Promise<void> {
  for (const pause of [...PAUSES, undefined]) {
    try {
      await callEdge(access, path, body)
      return
    } catch (error) {
      const isWorthIt = error instanceof PlaceError && error.retryable
      if (pause === undefined || !isWorthIt) throw error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
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
