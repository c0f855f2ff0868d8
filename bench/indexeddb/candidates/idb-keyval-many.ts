import { createStore, getMany, setMany } from 'idb-keyval'
import type { Candidate } from '../candidate.ts'

const STORE = 'keyval'

/** Uses the batch API of idb-keyval, which needs all entries in one call. */
export const candidate: Candidate = {
  layout: { store: STORE },
  async open(name) {
    const store = createStore(name, STORE)
    return {
      setAll: (entries) =>
        setMany(
          entries.map(([key, value]) => [key, value]),
          store,
        ),
      getAll: (keys) => getMany([...keys], store),
    }
  },
}
