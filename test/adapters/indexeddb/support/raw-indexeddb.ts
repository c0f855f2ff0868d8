/** IndexedDB as the browser has it, for what other software of the origin does to a database. */
export const raw = {
  /** Deletes a database; resolves to whether somebody was in the way for a while. */
  async delete(name: string): Promise<{ blocked: boolean }> {
    const request = indexedDB.deleteDatabase(name)
    const blocked = noteBlocked(request)
    await answer(request)
    return { blocked: blocked() }
  },

  /** Begins to delete a database that somebody holds, and waits until that is in the way. */
  async deleteBlocked(name: string): Promise<void> {
    const request = indexedDB.deleteDatabase(name)
    raw.deleted = answer(request)
    await new Promise((resolve) => request.addEventListener('blocked', resolve))
  },
  /** Settles with the deletion that was begun. */
  deleted: Promise.resolve() as Promise<unknown>,

  /** Makes or upgrades a database. It is closed again. */
  async make(
    name: string,
    version: number,
    upgrade: (db: IDBDatabase) => void = () => {},
  ): Promise<{ blocked: boolean }> {
    const request = indexedDB.open(name, version)
    const blocked = noteBlocked(request)
    request.addEventListener('upgradeneeded', () => upgrade(request.result))
    const db = await answer(request)
    db.close()
    return { blocked: blocked() }
  },

  /** Opens a database and never stands aside. */
  async hold(name: string): Promise<void> {
    await answer(indexedDB.open(name))
  },

  /** All that a database holds in its stores; `undefined` if there is no such database. */
  async read(name: string): Promise<Record<string, [IDBValidKey, unknown][]> | undefined> {
    const databases = await indexedDB.databases()
    if (!databases.some((database) => database.name === name)) return undefined
    return using(name, async (db) => {
      const all: Record<string, [IDBValidKey, unknown][]> = {}
      for (const storeName of db.objectStoreNames) {
        const store = db.transaction(storeName).objectStore(storeName)
        const [keys, values] = await Promise.all([
          answer(store.getAllKeys()),
          answer(store.getAll()) as Promise<unknown[]>,
        ])
        all[storeName] = keys.map((key, index) => [key, values[index]])
      }
      return all
    })
  },

  /** The keys of botshelf's entries, expired or not. */
  async keys(name: string): Promise<IDBValidKey[] | undefined> {
    return (await raw.read(name))?.['entries']?.map(([key]) => key)
  },

  async put(name: string, key: IDBValidKey, record: unknown): Promise<void> {
    await using(name, (db) => {
      const store = db.transaction('entries', 'readwrite').objectStore('entries')
      store.put(record, key)
      return done(store.transaction)
    })
  },
}

async function using<T>(name: string, use: (db: IDBDatabase) => Promise<T>): Promise<T> {
  const db = await answer(indexedDB.open(name))
  db.addEventListener('versionchange', () => db.close())
  try {
    return await use(db)
  } finally {
    db.close()
  }
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('aborted')))
  })
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('failed')))
  })
}

function noteBlocked(request: IDBOpenDBRequest): () => boolean {
  let blocked = false
  request.addEventListener('blocked', () => (blocked = true))
  return () => blocked
}
