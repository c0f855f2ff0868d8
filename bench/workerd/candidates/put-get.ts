import type { InsideCandidate } from '../candidate.ts'

/** Uses the asynchronous API of an object's storage. */
export const candidate: InsideCandidate = {
  async open(storage) {
    return {
      set: (key, value) => storage.put(key, value),
      get: (key) => storage.get(key),
    }
  },
}
