import type { Database, Value } from '../task.ts'

/** A library or plain IndexedDB, used as its documentation shows. */
export interface Candidate {
  /** Opens a database, and creates it if it does not exist. */
  open(name: string): Promise<Database>
  /** Where the candidate keeps its records, so that all are filled by the same transactions. */
  readonly layout?: Layout
}

export interface Layout {
  /** The name of the object store. */
  readonly store: string
  /** Converts a value to its record. Default: the record is the value. */
  readonly encode?: (value: Value) => unknown
  /** Returns the name of the database. Default: the name passed to `open`. */
  readonly database?: (name: string) => string
}
