import { HEADS, JOURNAL } from './database.ts'
import { type Head, type Packed, type Piece } from './pieces.ts'

/** The last that the journal says of a key. */
export interface Recent {
  /** The number of the piece that says it. */
  readonly id: number
  readonly removed: boolean
  readonly expires: number | undefined
  /** Absent where only the heads were read. */
  readonly change?: Packed
}

export type Recents = ReadonlyMap<string, Recent>

/** Requests that were sent, and what they come to once the last is answered. */
export interface Question {
  readonly last: IDBRequest
  take(): Recents
}

/** How a transaction finds out what the journal holds. */
export interface View {
  /** What it does without, beside the journal. */
  readonly stores: readonly string[]
  /** Is what it hands out its own, and to be copied for a reader? */
  readonly shares: boolean
  /** What it knows before it asks; it may be out of date. */
  readonly known: Recents
  ask(transaction: IDBTransaction): Question
  /** Pieces were written here. */
  wrote(first: number, written: readonly Piece[]): void
}

/** Design a: the journal is held in memory, and each transaction reads what is new of it. */
export class MemoryView implements View {
  readonly stores: readonly string[] = [JOURNAL]
  readonly shares: boolean = true
  readonly known: Map<string, Recent> = new Map()
  readonly #pieces = new Map<number, Piece>()
  #last = 0

  ask(transaction: IDBTransaction): Question {
    const journal = transaction.objectStore(JOURNAL)
    // What another tab has moved to the entries is not there any more.
    const ids = journal.getAllKeys() as IDBRequest<number[]>
    const tail: IDBRequest<Piece[]> = journal.getAll(IDBKeyRange.lowerBound(this.#last, true))
    return {
      last: tail,
      take: () => {
        const there = ids.result
        const isThere = new Set(there)
        for (const id of this.#pieces.keys()) if (!isThere.has(id)) this.#forget(id)
        const from = there.length - tail.result.length
        for (const [at, piece] of tail.result.entries()) {
          const id = there[from + at]
          if (id !== undefined && id > this.#last) this.#learn(id, piece)
        }
        return this.known
      },
    }
  }

  wrote(first: number, written: readonly Piece[]): void {
    // Another tab may have written before; then all is read with the next transaction.
    if (first !== this.#last + 1) return
    for (const [at, piece] of written.entries()) this.#learn(first + at, piece)
  }

  #learn(id: number, piece: Piece): void {
    this.#last = id
    this.#pieces.set(id, piece)
    addPiece(this.known, id, piece)
  }

  #forget(id: number): void {
    for (const [key] of this.#pieces.get(id) ?? []) {
      if (this.known.get(key)?.id === id) this.known.delete(key)
    }
    this.#pieces.delete(id)
  }
}

/** Design b: each transaction reads the whole journal. */
export class WholeView implements View {
  readonly stores: readonly string[] = [JOURNAL]
  readonly shares: boolean = false
  readonly known: Recents = new Map()

  ask(transaction: IDBTransaction): Question {
    const journal = transaction.objectStore(JOURNAL)
    const ids = journal.getAllKeys() as IDBRequest<number[]>
    const all: IDBRequest<Piece[]> = journal.getAll()
    return {
      last: all,
      take() {
        const recents = new Map<string, Recent>()
        for (const [at, id] of ids.result.entries()) addPiece(recents, id, all.result[at] ?? [])
        return recents
      },
    }
  }

  wrote(): void {}
}

/** Design c: each transaction reads which keys the journal has, and then the pieces it needs. */
export class HeadsView implements View {
  readonly stores: readonly string[] = [JOURNAL, HEADS]
  readonly shares: boolean = false
  readonly known: Recents = new Map()

  ask(transaction: IDBTransaction): Question {
    const heads = transaction.objectStore(HEADS)
    const ids = heads.getAllKeys() as IDBRequest<number[]>
    const all: IDBRequest<Head[]> = heads.getAll()
    return {
      last: all,
      take() {
        const recents = new Map<string, Recent>()
        for (const [at, id] of ids.result.entries()) {
          for (const [key, expires] of all.result[at] ?? []) {
            recents.set(key, { id, removed: expires === null, expires: expires ?? undefined })
          }
        }
        return recents
      },
    }
  }

  wrote(): void {}
}

function addPiece(recents: Map<string, Recent>, id: number, piece: Piece): void {
  for (const change of piece) {
    recents.set(change[0], { id, removed: change.length === 1, expires: change[3], change })
  }
}
