import { callEdge, type EdgeAccess, PlaceError } from '../edge.js'
import { inParts, jsonBytes } from '../parts.js'
import type { Place, PlaceChange } from './place.js'

/** The most changes that the Worker takes in one call. */
export const MOST_CHANGES = 200
/** The most bytes that the Worker takes in one call. */
export const MOST_BYTES: number = 1024 * 1024

// Room for what is around the changes.
const MOST_CHANGE_BYTES = MOST_BYTES - 1024

/** One of the storages of a bot in a Worker. */
export interface EdgePlaceOptions extends EdgeAccess {
  /** The storage, by the name it has there. */
  readonly storage: string
}

/**
 * What a storage of a bot in a Worker holds, over its operator's API: 200 changes and 1 MiB a
 * call. A change that does not fit into a call is refused before any is made.
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
      for (const part of inParts(changes, MOST_CHANGES, MOST_CHANGE_BYTES)) {
        await callEdge(access, `admin/restore?${query}`, { changes: part })
        done += part.length
        onDone(done)
      }
    },
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
