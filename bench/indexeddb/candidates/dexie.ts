import { Dexie, type Table } from 'dexie'
import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

const TABLE = 'entries'

export const candidate: Candidate = {
  layout: { store: TABLE },
  async open(name) {
    const db = new Dexie(name)
    db.version(1).stores({ [TABLE]: '' })
    await db.open()
    const table: Table<Value, string> = db.table(TABLE)
    return {
      set: (key, value) => Promise.resolve(table.put(value, key)),
      get: (key) => Promise.resolve(table.get(key)),
      update: (key, updater) =>
        Promise.resolve(
          db.transaction('rw', table, async () => {
            const value = await table.get(key)
            if (value) await table.put(updater(value), key)
          }),
        ),
      keys: () => Promise.resolve(table.toCollection().primaryKeys()),
      entries: () =>
        Promise.resolve(
          db.transaction('r', table, async () => {
            const [keys, values] = await Promise.all([
              table.toCollection().primaryKeys(),
              table.toArray(),
            ])
            return keys.map((key, i) => [key, values[i]] as const)
          }),
        ),
      clear: () => Promise.resolve(table.clear()),
      async close() {
        db.close()
      },
    }
  },
}
