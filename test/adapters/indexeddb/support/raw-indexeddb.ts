/** The state of a database: the keys and values of each object store. */
export type DatabaseContent = Record<string, [key: IDBValidKey, value: unknown][]>

/** IndexedDB without botshelf: does what other software of the origin may do to a database. */
export const rawIndexedDB = {
  /** Deletes a database. Resolves to whether an open connection blocked it for a while. */
  async delete(name: string): Promise<{ blocked: boolean }> {
    const request = indexedDB.deleteDatabase(name)
    const wasBlocked = trackBlocked(request)
    await resultOf(request)
    return { blocked: wasBlocked() }
  },

  /** Starts to delete a database that another page holds open; resolves once it is blocked. */
  async startDelete(name: string): Promise<void> {
    const request = indexedDB.deleteDatabase(name)
    rawIndexedDB.deletion = resultOf(request)
    await new Promise((resolve) => request.addEventListener('blocked', resolve))
  },
  /** Settles with the deletion that `startDelete` started. */
  deletion: Promise.resolve() as Promise<unknown>,

  /** Creates or upgrades a database, then closes it. */
  async createOrUpgrade(
    name: string,
    version: number,
    upgrade: (db: IDBDatabase) => void = () => {},
  ): Promise<{ blocked: boolean }> {
    const request = indexedDB.open(name, version)
    const wasBlocked = trackBlocked(request)
    request.addEventListener('upgradeneeded', () => upgrade(request.result))
    const db = await resultOf(request)
    db.close()
    return { blocked: wasBlocked() }
  },

  /** Reads a whole database; `undefined` if it does not exist. */
  async readAll(name: string): Promise<DatabaseContent | undefined> {
    const databases = await indexedDB.databases()
    if (!databases.some((database) => database.name === name)) return undefined
    return withDatabase(name, async (db) => {
      const content: DatabaseContent = {}
      for (const storeName of db.objectStoreNames) {
        const store = db.transaction(storeName).objectStore(storeName)
        const [keys, values] = await Promise.all([
          resultOf(store.getAllKeys()),
          resultOf(store.getAll()) as Promise<unknown[]>,
        ])
        content[storeName] = keys.map((key, index) => [key, values[index]])
      }
      return content
    })
  },

  /** Reads the keys of botshelf's entries, expired ones included. */
  async readKeys(name: string): Promise<IDBValidKey[] | undefined> {
    return (await rawIndexedDB.readAll(name))?.['entries']?.map(([key]) => key)
  },

  /** Writes a record to the object store of botshelf's entries. */
  async putEntry(name: string, key: IDBValidKey, record: unknown): Promise<void> {
    await withDatabase(name, (db) => {
      const store = db.transaction('entries', 'readwrite').objectStore('entries')
      store.put(record, key)
      return completionOf(store.transaction)
    })
  },
}

async function withDatabase<T>(name: string, use: (db: IDBDatabase) => Promise<T>): Promise<T> {
  const db = await resultOf(indexedDB.open(name))
  db.addEventListener('versionchange', () => db.close())
  try {
    return await use(db)
  } finally {
    db.close()
  }
}

function completionOf(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('aborted')))
  })
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('failed')))
  })
}

function trackBlocked(request: IDBOpenDBRequest): () => boolean {
  let wasBlocked = false
  request.addEventListener('blocked', () => (wasBlocked = true))
  return () => wasBlocked
}
