import type { Database, Value } from '../task.ts'

/** A library, or the bare platform, as its own users would use it. */
export interface Candidate {
  /** Opens a database, which is made if there is none. */
  open(name: string): Promise<Database>
  /** Where its records are, so that everyone's can be filled by the same transactions. */
  readonly layout?: Layout
}

export interface Layout {
  readonly store: string
  /** The record of a value; the value itself, if it is not said. */
  readonly encode?: (value: Value) => unknown
  /** The name of the database, where it is not that which was opened. */
  readonly database?: (name: string) => string
}
