import type { Change, Entry } from '../../src/storage.ts'

/** A change as the journal keeps it: a removal is its key alone. */
export type Packed =
  | readonly [key: string]
  | readonly [key: string, value: unknown, version: string, expires?: number]

/** What was written at once, or a part of it that one record takes. */
export type Piece = readonly Packed[]

/** The keys of a piece: of what it sets with their expiry, of what it removes with `null`. */
export type Head = readonly (readonly [key: string, expires?: number | null])[]

/**
 * Chromium keeps a record of more than 64 KiB in a file of its own. Reading it takes longer, and the
 * file may be lost while the database is not. In bytes, as the core measures them.
 */
const MOST_BYTES = 48_000

export function packed(change: Change): Packed {
  const { key } = change
  if (!('entry' in change)) return [key]
  const { value, version, expires } = change.entry
  return expires === undefined ? [key, value, version] : [key, value, version, expires]
}

/** Cuts what is written at once into records. */
export function pieces(changes: readonly Change[]): readonly Piece[] {
  const all: Packed[][] = []
  let room = 0
  for (const change of changes) {
    const bytes = 'bytes' in change ? change.bytes : change.key.length
    let piece = all.at(-1)
    if (piece === undefined || room < bytes) {
      piece = []
      all.push(piece)
      room = MOST_BYTES
    }
    piece.push(packed(change))
    room -= bytes
  }
  return all
}

export function headOf(piece: Piece): Head {
  return piece.map((change) => {
    if (change.length === 1) return [change[0], null]
    return change[3] === undefined ? [change[0]] : [change[0], change[3]]
  })
}

/** The entry that a change sets; `undefined` for a removal. */
export function entryOf(change: Packed): Entry | undefined {
  if (change.length === 1) return undefined
  const [, value, version, expires] = change
  return expires === undefined ? { value, version } : { value, version, expires }
}
