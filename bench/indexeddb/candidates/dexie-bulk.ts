import { Dexie, type Table } from 'dexie'
import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

const TABLE = 'entries'

/** Uses the batch API of Dexie. */
export const candidate: Candidate = {
  layout: { store: TABLE },
  async open(name) {
    const db = new Dexie(name)
    db.version(1).stores({ [TABLE]: '' })
    await db.open()
    const table: Table<Value, string> = db.table(TABLE)
    return {
      setAll: (entries) =>
        Promise.resolve(
          table.bulkPut(
            entries.map(([, value]) => value),
            entries.map(([key]) => key),
          ),
        ),
      getAll: (keys) => Promise.resolve(table.bulkGet([...keys])),
    }
  },
}
